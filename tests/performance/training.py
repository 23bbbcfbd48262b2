# SPDX-License-Identifier: GPL-3.0-or-later
"""One training step (forward, backward, AdamW) of our networks next to PyTorch, in turns; median and peak memory.

Called by run.py, or alone: training.py --build BUILD [NAME…]. Each program is a process of its own that takes a step
when it is sent a line; only one computes at a time.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

from environment import KEEPS_MEMORY

HERE = os.path.dirname(os.path.abspath(__file__))

# name, batch, size
NETWORKS = [("ddpm-cifar10", 8, 32), ("photo", 16, 64), ("photo", 8, 96), ("texture64", 16, 64)]


class Worker:
    """A program that takes steps."""

    def __init__(self, name, command, threads):
        self.name = name
        # Said to both: PyTorch does not always find all processors by itself.
        environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", DIFFUSION_THREADS=str(threads),
                           OMP_NUM_THREADS=str(threads), **(KEEPS_MEMORY if "PyTorch" in name else {}))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.about = json.loads(self.process.stdout.readline())
        self.seconds = []
        self.peak = 0

    def step(self, counts):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, kilobytes = self.process.stdout.readline().split()
        if counts:
            self.seconds.append(float(seconds))
        self.peak = int(kilobytes) * 1024 / 1e6

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(build, network, batch, size, steps, threads):
    ours = [os.path.join(build, "tests/performance/training-step"), network, str(batch), str(size)]
    workers = [Worker("ours", ours + ["f32"], threads), Worker("ours bfloat16", ours + ["bf16"], threads)]
    config = json.dumps(workers[0].about["config"])
    for name, layout, precision in (("contiguous", "contiguous", "f32"), ("channels-last", "channels-last", "f32"),
                                    ("bfloat16", "channels-last", "bf16")):
        peer = [sys.executable, os.path.join(HERE, "training_peer.py"), config, str(batch), str(size), layout, precision]
        worker = Worker("PyTorch " + name, peer, threads)
        if worker.about["parameters"] != workers[0].about["parameters"]:
            sys.exit("training: %s has %d parameters here and %d in PyTorch" %
                     (network, workers[0].about["parameters"], worker.about["parameters"]))
        workers.append(worker)
    for number in range(steps + 1):
        for worker in workers:
            worker.step(number >= 1)
    for worker in workers:
        worker.close()
    return workers


def median(worker):
    return statistics.median(worker.seconds)


def bench(bench):
    """For run.py: times and peak memory, as rows of its table."""
    for network, batch, size in NETWORKS:
        label = "training/%s-%d" % (network, size)
        if not bench.wanted(label):
            continue
        workers = measure(bench.options.build, network, batch, size, bench.options.least, bench.options.threads)
        exact, rounded, peers = workers[0], workers[1], workers[2:]
        bench.report(label, median(exact), {peer.name: median(peer) for peer in peers}, "≥ 1.5",
                     "bfloat16 products here: %.1f ms; batch %d" % (1e3 * median(rounded), batch))
        both = [exact, *peers]
        bench.report_memory(label + "/memory", {worker.name: median(worker) for worker in both},
                            {worker.name: 1e6 * worker.peak for worker in both}, "≥ 1")


def run(build, names, steps, threads):
    for network, batch, size in NETWORKS:
        label = "training/%s-%d" % (network, size)
        if names and not any(name in label for name in names):
            continue
        print("%s, batch %d of %d²:" % (label, batch, size))
        workers = measure(build, network, batch, size, steps, threads)
        for worker in workers:
            print("  %-28s %8.1f ms (%.1f … %.1f)  %7.2f images/s  %6.0f MB" %
                  (worker.name, 1e3 * median(worker), 1e3 * min(worker.seconds), 1e3 * max(worker.seconds),
                   batch / median(worker), worker.peak))
        exact = [worker for worker in workers[2:] if "bfloat16" not in worker.name]
        print("  %.2f times PyTorch's images/s (the better layout), %.2f of its memory" %
              (min(map(median, exact)) / median(workers[0]), workers[0].peak / min(worker.peak for worker in exact)),
              flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    run(options.build, options.names, options.steps, options.threads)
