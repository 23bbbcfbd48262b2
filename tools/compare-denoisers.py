#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# tools/compare-denoisers.py FOLDER [MODEL]: what else denoises in GIMP, on pairs NAME_real.* and NAME_mean.*, each
# method with the settings that are best for the whole folder, next to ours with none. Run it with ./dev exec, after
# ./dev bench has installed G'MIC.
import pathlib
import subprocess
import sys
import tempfile

import gi

gi.require_version("Gegl", "0.4")
from gi.repository import Gegl  # noqa: E402
import numpy  # noqa: E402

root = pathlib.Path(__file__).resolve().parent.parent
folder = pathlib.Path(sys.argv[1])
model = sys.argv[2] if len(sys.argv) > 2 else "photo"

# What is passed to each, from weak to strong. A setting of G'MIC is a command line of its own.
GEGL = {
    "GIMP Noise Reduction": [("gegl:noise-reduction", {"iterations": n}) for n in (1, 2, 4, 8)],
    "GIMP Symmetric Nearest Neighbour": [
        ("gegl:snn-mean", {"radius": r, "pairs": p}) for r in (1, 2, 4) for p in (1, 2)
    ],
}
GMIC = {
    "G'MIC denoise (patches)": [["denoise", "%d,%d,5,7,1" % (s, r)] for s in (5, 10) for r in (3, 6, 10, 16)],
    "G'MIC denoise_patchpca": [["denoise_patchpca", "%d" % s] for s in (3, 5, 8, 12)],
    "G'MIC smooth (anisotropic)": [["smooth", "%d" % s] for s in (3, 8, 20, 40)],
    "G'MIC bilateral": [["bilateral", "%d,%d" % (s, r)] for s in (2, 4) for r in (6, 12, 24)],
}


def render(node, box):
    buffer = Gegl.Buffer.new("R'G'B' float", box.x, box.y, box.width, box.height)
    node.blit_buffer(buffer, box, 0, Gegl.AbyssPolicy.NONE)
    data = buffer.get(box, 1.0, "R'G'B' float", Gegl.AbyssPolicy.NONE)
    return numpy.frombuffer(data, numpy.float32).reshape(box.height, box.width, 3) * 255


def open_file(graph, path):
    node = graph.create_child("gegl:load")
    node.set_property("path", str(path))
    return node


def load(path):
    node = open_file(Gegl.Node(), path)
    return render(node, node.get_bounding_box())


def run_gegl(path, setting):
    operation, properties = setting
    graph = Gegl.Node()
    node = graph.create_child(operation)
    for name, value in properties.items():
        node.set_property(name, value)
    source = open_file(graph, path)
    source.link(node)
    return render(node, source.get_bounding_box())


def run_gmic(path, setting):
    with tempfile.TemporaryDirectory() as work:
        out = pathlib.Path(work, "out.png")
        subprocess.run(["gmic", str(path), *setting, "cut", "0,255", "output", str(out)], check=True,
                       capture_output=True)
        return load(out)


def run_ours(path, setting):
    with tempfile.TemporaryDirectory() as work:
        out = pathlib.Path(work, "out.png")
        subprocess.run([root / "build/cli/diffusion", "denoise", path, out, "--model", model], check=True)
        return load(out)


def psnr(a, b):
    return 10 * numpy.log10(255**2 / numpy.mean((numpy.clip(a, 0, 255) - b) ** 2))


def detail(picture):
    padded = numpy.pad(picture, ((1, 1), (1, 1), (0, 0)), "edge")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return picture - around / 4


Gegl.init(None)
pairs = []
for real in sorted(folder.glob("*_real.*")):
    mean = next(folder.glob(real.stem[: -len("_real")] + "_mean.*"), None)
    if mean:
        pairs.append((real, load(mean)))
if not pairs:
    sys.exit("%s: found no pairs, expected NAME_real.* and NAME_mean.*" % folder)


def measure(run, setting):
    values = []
    for real, mean in pairs:
        result = run(real, setting)
        difference = detail(numpy.clip(result, 0, 255)) - detail(mean)
        values.append((psnr(result, mean), 10 * numpy.log10(255**2 / numpy.mean(difference**2))))
    return numpy.mean(values, 0)


print("%-36s %9s %9s   %s" % ("", "PSNR", "detail", "settings"))
jobs = [("nothing", lambda path, setting: load(path), [""]), ("gimp-diffusion", run_ours, ["automatic"])]
jobs += [(name, run_gegl, settings) for name, settings in GEGL.items()]
jobs += [(name, run_gmic, settings) for name, settings in GMIC.items()]
for name, run, settings in jobs:
    best = max(((measure(run, setting), setting) for setting in settings), key=lambda item: item[0][0])
    print("%-36s %6.2f dB %6.2f dB   %s" % (name, best[0][0], best[0][1], best[1]), flush=True)
