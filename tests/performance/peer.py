#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One network in one other program: peer.py ENGINE NETWORK THREADS FILE.

ENGINE is torch (the fastest of the next three), torch-plain, torch-last, torch-frozen, torch-bfloat16, onnx, or export,
which writes the FILE that onnx reads. Prints "ready" when it is, then for every line of standard input runs the network
once and prints the seconds and the processor's seconds, as "diffusion bench --on-request" does.
What makes the programs slow by default is put right here.
"""

import os
import subprocess
import sys
import time
import warnings

# Another pool of OpenBLAS's own would fight with OpenMP's.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = sys.argv[3]


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_torch(network, threads, way):
    """One way to run it: "plain" as written, "last" with channels last, "frozen" that as a graph with fused operations."""
    import torch

    import networks

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    module, x, t = networks.make(network)
    if way == "plain":
        return lambda: module(x, t)
    module.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last)
    if way == "last":
        return lambda: module(x, t)
    # What it says about tracing is about other input sizes.
    warnings.simplefilter("ignore")
    frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(module, (x, t))))
    for _ in range(2):
        frozen(x, t)
    return lambda: frozen(x, t)


def fastest_way(network, threads):
    """Each way is tried in a process of its own: PyTorch's libraries crash in some of them on some processors."""
    times = {}
    for way in ("plain", "last", "frozen"):
        done = subprocess.run([sys.executable, __file__, f"torch-{way}", network, str(threads), ""], input="\n\n",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            times[way] = min(float(line.split()[0]) for line in done.stdout.split("ready\n")[1].splitlines())
        else:
            print(f"{network}: PyTorch's way \"{way}\" ended with status {done.returncode}", file=sys.stderr)
    print(f"{network}: PyTorch's ways: " + ", ".join(f"{way} {time:.3f} s" for way, time in times.items()), file=sys.stderr)
    return min(times, key=times.get)


def in_bfloat16(network, threads):
    """Weights and products in bfloat16, channels last."""
    import torch

    import networks

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    module, x, t = networks.make(network)
    module.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last)

    def run():
        with torch.autocast("cpu", torch.bfloat16):
            module(x, t)

    return run


def export(network, path):
    import torch

    import networks

    # What it says about tracing and constants is about other input sizes.
    warnings.simplefilter("ignore")
    module, x, t = networks.make(network)
    torch.onnx.export(module, (x, t), path, input_names=["x", "t"], opset_version=17, dynamo=False)


def in_onnx(threads, path):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Its threads wait busily within a run, which is fast, but not between runs, when others are timed.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    random = numpy.random.default_rng(1)
    feed = {}
    for value in session.get_inputs():
        feed[value.name] = random.standard_normal(value.shape, dtype=numpy.float32)
    feed["t"] = numpy.full_like(feed["t"], 500)
    return lambda: session.run(None, feed)


def main():
    engine, network, threads, path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    if engine == "export":
        export(network, path)
        return
    if engine == "onnx":
        run = in_onnx(threads, path)
    elif engine == "torch-bfloat16":
        run = in_bfloat16(network, threads)
    else:
        run = in_torch(network, threads, engine[6:] or fastest_way(network, threads))
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        processor = time.process_time()
        taken = seconds(run)
        print(f"{taken:.6f} {time.process_time() - processor:.6f}", flush=True)


main()
