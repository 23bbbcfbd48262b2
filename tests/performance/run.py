#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times kernels, networks and photographs next to PyTorch and ONNX Runtime: ./dev bench [NAME…] [--json]."""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import training
from environment import KEEPS_MEMORY

HERE = os.path.dirname(os.path.abspath(__file__))
# Of the pictures that the photo model and FFDNet are timed with.
MEGAPIXELS = 1024 * 1024 / 1e6


def note(text):
    print(text, file=sys.stderr, flush=True)


class Contestant:
    """A process that runs something once for each line it is sent and answers with the seconds."""

    def __init__(self, command, env=None, quiet=False):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL if quiet else None,
                                        env={**os.environ, **(env or {})}, cwd=HERE)
        line = self.process.stdout.readline()
        while line and line != "ready\n":
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(command)} ended with status {self.process.wait()}")

    def run(self, processor=False):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, processor_seconds = self.process.stdout.readline().split()
        return float(processor_seconds if processor else seconds)

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
        return 0

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


class Bench:
    def __init__(self, options):
        self.options = options
        self.command = os.path.join(options.build, "cli", "diffusion")
        self.rows = []

    def wanted(self, work):
        return not self.options.names or any(name in work for name in self.options.names)

    def ours(self, name, **env):
        return Contestant([self.command, "bench", "--on-request", name + "$"],
                          {"DIFFUSION_THREADS": str(self.options.threads), **env})

    def peer(self, engine, network, path="", env=KEEPS_MEMORY):
        # ONNX Runtime says at length that Debian's ONNX is loaded twice.
        return Contestant([sys.executable, os.path.join(HERE, "peer.py"), engine, network, str(self.options.threads), path],
                          env, quiet=engine == "onnx")

    def in_turn(self, contestants, scale=None):
        """Medians of several runs, one of each in every round, so that a busy moment is fair to all."""
        times = {name: [] for name in contestants}
        start = time.monotonic()
        for turn in range(self.options.most):
            if turn >= self.options.least and time.monotonic() - start > self.options.seconds:
                break
            for name, contestant in contestants.items():
                times[name].append(contestant.run(self.options.processor))
        return {name: statistics.median(times[name]) / (scale or {}).get(name, 1) for name in times}

    def report(self, work, seconds, peers, target=None, note=None):
        fair = [value for name, value in peers.items() if "bfloat16" not in name]
        self.add({"work": work, "seconds": seconds, "peers": peers,
                  "ratio": min(fair) / seconds if fair and seconds > 0 else None}, target, note)

    def report_memory(self, work, seconds, sizes, target):
        """Both by program, this one as "ours"; the ratio is that of the sizes."""
        size, ours = sizes.pop("ours"), seconds.pop("ours")
        self.add({"work": work, "seconds": ours, "peers": seconds, "ratio": min(sizes.values()) / size, "bytes": size,
                  "peer_bytes": sizes}, target, None)

    def add(self, row, target, note):
        if target is not None:
            row["target"] = target
        if note:
            row["note"] = note
        self.rows.append(row)
        if not self.options.json:
            print(line(row), flush=True)


def amount(value, is_bytes):
    if is_bytes:
        return f"{value * 1e-6:.0f} MB"
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def line(row):
    is_bytes = "bytes" in row
    shown = row["peer_bytes"] if is_bytes else row["peers"]
    peers = ", ".join(f"{name} {amount(value, is_bytes)}" for name, value in shown.items())
    ratio = f"{row['ratio']:.2f}×" if row["ratio"] is not None else ""
    target = f"(target {row['target']})" if "target" in row else ""
    return f"{row['work']:<32} {amount(row['bytes' if is_bytes else 'seconds'], is_bytes):>14} {ratio:>7} {target:<16} {peers} {row.get('note', '')}".rstrip()


def bench_kernels(bench):
    """Every benchmark of single kernels and layers: the rate, and the share of the peak of the cores that it used."""
    names = [name for name in ("product/", "kernel/", "layer/", "peak/") if bench.wanted(name)]
    names += [name for name in bench.options.names if name.startswith(("product/", "kernel/", "layer/", "peak/"))]
    if not names:
        return
    if "peak/" not in names:
        names.append("peak/")
    results = json.loads(subprocess.run(
        [bench.command, "bench", "--json", "--seconds", str(min(bench.options.seconds, 0.3)), *names], check=True,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "DIFFUSION_THREADS": str(bench.options.threads)}).stdout)
    peak = {row["name"]: row["rate"] for row in results["results"] if row["name"].startswith("peak/")}
    for row in results["results"]:
        text = f"{row['rate'] * 1e-9:.1f} G{'' if row['unit'] == 'FLOP' else ' '}{row['unit']}/s"
        if row["unit"] == "FLOP" and not row["name"].startswith("peak/"):
            kind = "peak/bf16" if "bf16" in row["name"] and "peak/bf16" in peak else "peak/f32"
            cores = bench.options.threads if row["name"].startswith("layer/") else 1
            text += f", {100 * row['rate'] / (peak[kind] * cores):.0f} % of the peak"
        bench.report(row["name"], row["seconds"], {}, note=text)


def bench_network(bench, name, target, bfloat16=False, memory=False):
    work, small = f"network/{name}", f"memory/{name}"
    timed, weighed = bench.wanted(work), memory and bench.wanted(small)
    if not timed and not weighed:
        return
    with tempfile.TemporaryDirectory(dir=bench.options.scratch) as folder:
        path = os.path.join(folder, "network.onnx")
        note(f"{name}: writing the ONNX file")
        subprocess.run([sys.executable, os.path.join(HERE, "peer.py"), "export", name, "1", path], check=True,
                       stdout=subprocess.DEVNULL, cwd=HERE)
        if timed:
            note(f"{name}: starting the contestants")
            contestants = {"ours": bench.ours(work), "PyTorch": bench.peer("torch", name),
                           "ONNX Runtime": bench.peer("onnx", name, path)}
            if bfloat16:
                contestants["PyTorch bfloat16"] = bench.peer("torch-bfloat16", name)
            times = bench.in_turn(contestants)
            for contestant in contestants.values():
                contestant.close()
            bench.report(work, times.pop("ours"), times, f"≥ {target}")
        if weighed:
            peaks, times = {}, {}
            for key, start in (("ours", lambda: bench.ours(work)),
                               ("PyTorch", lambda: bench.peer("torch-plain", name, env={})),
                               ("ONNX Runtime", lambda: bench.peer("onnx", name, path, {}))):
                contestant = start()
                times[key] = contestant.run()
                peaks[key] = contestant.peak_bytes()
                contestant.close()
            bench.report_memory(small, times, peaks, "≥ 2")


def bench_photo(bench):
    if bench.wanted("photo/megapixel"):
        contestants = {"ours": bench.ours("photo/1-megapixel"), "FFDNet in PyTorch": bench.peer("torch", "ffdnet")}
        times = bench.in_turn(contestants, {name: MEGAPIXELS for name in contestants})
        for contestant in contestants.values():
            contestant.close()
        bench.report("photo/megapixel", times.pop("ours"), times, "≥ 3")
    for megapixels, target in ((12, 8), (24, 16)):
        work = f"photo/{megapixels}-megapixels"
        if not bench.wanted(work):
            continue
        ours = bench.ours(work)
        times = [ours.run(bench.options.processor) for _ in range(max(1, bench.options.least // 2))]
        peak = ours.peak_bytes()
        ours.close()
        bench.report(work, statistics.median(times), {}, f"≤ {target} s", f"peak {peak * 1e-6:.0f} MB with the picture")


def bench_threads(bench):
    """The same work on one thread and on two: the ratio is the speedup."""
    for name in ("photo/1-megapixel", "network/ddpm-256", "network/ddpm-cifar10"):
        work = f"threads/{name.split('/')[1]}"
        if not bench.wanted(work):
            continue
        contestants = {"two": bench.ours(name, DIFFUSION_THREADS="2"), "one thread": bench.ours(name, DIFFUSION_THREADS="1")}
        times = bench.in_turn(contestants)
        for contestant in contestants.values():
            contestant.close()
        bench.report(work, times.pop("two"), times, "≥ 1.85")


def bench_start(bench):
    """From the start of "diffusion denoise" to the first tile, on a small and on a large picture."""
    if not bench.wanted("start/first-tile"):
        return
    with tempfile.TemporaryDirectory(dir=bench.options.scratch) as folder:
        model, picture, out = (os.path.join(folder, name) for name in ("model", "in.tif", "out.tif"))
        subprocess.run([os.path.join(bench.options.build, "tests", "plugin", "tiny-model"), model, "whole"], check=True)
        with open(picture, "wb") as file:
            file.write(tiff(1024, 1024))
        times = []
        for _ in range(bench.options.least + 1):
            start = time.monotonic()
            process = subprocess.Popen([bench.command, "denoise", "--model", model, "--sigma", "25", picture, out],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env={**os.environ, "G_MESSAGES_DEBUG": "diffusion"})
            for message in process.stdout:
                if "first tile" in message:
                    times.append(time.monotonic() - start)
                    break
            process.stdout.read()
            process.wait()
        if times:
            bench.report("start/first-tile", statistics.median(times[1:] or times), {}, "≤ 150 ms")


def tiff(width, height):
    """A plain 8-bit RGB TIFF with noise in it."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 158), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 164),
               (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, 3 * width * height), (284, 3, 1, 1)]
    head = b"II*\0" + (8).to_bytes(4, "little") + len(entries).to_bytes(2, "little")
    for tag, kind, count, value in entries:
        head += tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + count.to_bytes(4, "little") \
            + value.to_bytes(4, "little")
    head = (head + bytes(4)).ljust(158, b"\0") + (8).to_bytes(2, "little") * 3
    return head + os.urandom(3 * width * height)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only what has one of these in its name")
    parser.add_argument("--json", action="store_true", help="print one array of objects instead of a table")
    parser.add_argument("--seconds", type=float, default=20, help="time each comparison for about so long (20)")
    parser.add_argument("--least", type=int, default=5, help="at least so many rounds (5)")
    parser.add_argument("--most", type=int, default=50, help="at most so many rounds (50)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of each program (all cores)")
    parser.add_argument("--processor", action="store_true",
                        help="compare processor time, for a busy computer; best with --threads 1, where no program "
                             "spends any on waiting")
    parser.add_argument("--scratch", help="where gigabytes of ONNX files may lie for a while")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    bench = Bench(parser.parse_args())

    bench_kernels(bench)
    bench_network(bench, "ddpm-256", 2.0, bfloat16=True, memory=True)
    bench_network(bench, "ddpm-cifar10", 1.3, memory=True)
    bench_network(bench, "ddpm-cifar10-batch-8", 1.7)
    bench_network(bench, "guided-256", 1.8, memory=True)
    bench_photo(bench)
    bench_threads(bench)
    bench_start(bench)
    training.bench(bench)
    if bench.options.json:
        print(json.dumps(bench.rows, indent=2))
    if not bench.rows:
        note(f"nothing is called {' or '.join(bench.options.names)}: kernel/…, product/…, layer/…, network/…, memory/…, "
             "photo/…, threads/…, start/…, training/…")
        return 2
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
