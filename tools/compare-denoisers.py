#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else denoises in GIMP, each method at the settings that are best for these pictures, next to ours with none.

Run it with ./dev exec, after ./dev bench has installed G'MIC. Settings are looked for one after the other until none gets
better, those of G'MIC, which is slow, on the middle of each picture (--crop)."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from measuring import denoise, detail, load, numpy, psnr, render_text, run_operation, save

# Operation or command, what its settings are, from weak to strong, and where the search for them begins. A range ends where
# stronger is never better or the program takes no more.
GEGL = {
    "GIMP Noise Reduction": ("gegl:noise-reduction", {"iterations": (range(1, 33), 4)}),
    "GIMP Symmetric Nearest Neighbour": ("gegl:snn-mean", {"radius": ((1, 2, 3, 4, 6, 8), 2), "pairs": ((1, 2), 2)}),
}
GMIC = {
    "G'MIC denoise (patches)": (
        "denoise",
        {
            "spatial": ((2, 3, 5, 7, 10, 15, 20, 30), 5),
            "range": ((2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 32), 8),
            "patch": ((3, 5, 7, 9), 5),
            "lookup": ((5, 7, 9, 13), 7),
            "smoothness": ((0, 1, 2, 3), 1),
        },
    ),
    "G'MIC denoise_patchpca": (
        "denoise_patchpca",
        {
            "strength": ((1, 1.5, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40), 5),
            "patch": ((3, 5, 7, 9, 11), 7),
            "lookup": ((7, 11, 15), 11),
            "sampling": ((2, 3, 5), 5),
        },
    ),
    "G'MIC nlmeans": (
        "nlmeans",
        {
            "patch": ((1, 2, 3, 4, 5), 4),
            "spatial": ((1, 2, 3, 4, 6, 8), 4),
            "tonal": ((2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80), 10),
        },
    ),
    "G'MIC smooth (anisotropic)": (
        "smooth",
        {
            "amplitude": ((1, 2, 3, 5, 8, 12, 20, 30, 40, 60, 90, 130, 200), 20),
            "sharpness": ((0, 0.2, 0.4, 0.7, 1, 1.5), 0.7),
            "anisotropy": ((0, 0.15, 0.3, 0.5, 0.7, 0.9), 0.3),
            "alpha": ((0.2, 0.6, 1, 1.5, 2), 0.6),
            "sigma": ((0.5, 1.1, 2, 3, 4), 1.1),
        },
    ),
    "G'MIC bilateral": (
        "bilateral",
        {
            "spatial": ((0.7, 1, 1.4, 2, 3, 4, 6, 8), 3),
            "range": ((3, 5, 7, 10, 14, 20, 28, 40, 56, 80), 14),
        },
    ),
    "G'MIC denoise_haar (wavelets)": (
        "denoise_haar",
        {
            "threshold": ((0.3, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11, 16), 1.4),
            "scales": ((0, 1, 2, 3, 4), 0),
            "spinning": ((10, 20), 10),
        },
    ),
    "G'MIC guided": (
        "guided",
        {
            "radius": ((1, 2, 3, 4, 6, 8), 3),
            "regularization": ((10, 20, 40, 80, 160, 320, 640), 80),
        },
    ),
}


def run_gegl(operation, path, settings):
    return run_operation(path, operation, settings)


def run_gmic(command, path, settings):
    with tempfile.TemporaryDirectory() as work:
        out = pathlib.Path(work, "out.png")
        arguments = ",".join("%g" % value for value in settings.values())
        subprocess.run(["gmic", str(path), command, arguments, "cut", "0,255", "output", str(out)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return load(out)


def run_ours(model, path, settings):
    with tempfile.TemporaryDirectory() as work:
        out = pathlib.Path(work, "out.png")
        denoise(path, out, "--model", model)
        return load(out)


class Method:
    def __init__(self, name, run, what, axes):
        self.name, self.run, self.what = name, run, what
        self.axes = {axis: list(values) for axis, (values, start) in axes.items()}
        self.settings = {axis: start for axis, (values, start) in axes.items()}

    def measure(self, pairs, settings):
        values = []
        for noisy, clean in pairs:
            result = self.run(self.what, noisy, settings)
            values.append((psnr(result, clean), detail(result, clean)))
        return numpy.mean(values, 0)

    def search(self, pairs, rounds):
        """Takes the best value of one setting after the other until none gets better, or for so many rounds."""
        known = {}

        def score(settings):
            key = tuple(settings.values())
            if key not in known:
                known[key] = self.measure(pairs, settings)[0]
            return known[key]

        for _ in range(rounds):
            before = dict(self.settings)
            for axis, values in self.axes.items():
                # From where it is in both directions, as long as that helps.
                for step in (1, -1):
                    at = values.index(self.settings[axis])
                    while 0 <= at + step < len(values):
                        other = dict(self.settings, **{axis: values[at + step]})
                        if score(other) <= score(self.settings):
                            break
                        self.settings = other
                        at += step
            if self.settings == before:
                return

    def describe(self):
        return ", ".join("%s %g" % item for item in self.settings.items()) or "none"


def find_pairs(folder):
    pairs = []
    for real in sorted(folder.glob("*_real.*")):
        mean = next(folder.glob(real.stem[: -len("_real")] + "_mean.*"), None)
        if mean:
            pairs.append((real, mean))
    if not pairs:
        sys.exit("%s: found no pairs, expected NAME_real.* and NAME_mean.*" % folder)
    return pairs


def middle(picture, size):
    y, x = (max(side - size, 0) // 2 for side in picture.shape[:2])
    return picture[y : y + size, x : x + size]


def draw(panels, path, columns=4, zoom=2, strip=22, gap=4):
    """Writes [(text, pixels)] as one picture."""
    side = panels[0][1].shape[0] * zoom
    rows = -(-len(panels) // columns)
    canvas = numpy.full((rows * (side + strip), columns * (side + gap) - gap, 3), 255.0)
    for i, (text, pixels) in enumerate(panels):
        y, x = i // columns * (side + strip), i % columns * (side + gap)
        canvas[y : y + side, x : x + side] = pixels.repeat(zoom, 0).repeat(zoom, 1)
        canvas[y + side : y + side + strip, x : x + side] = render_text(text, 0.6 * strip, -4, -2, side, strip)
    save(canvas, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="holds pairs NAME_real.* and NAME_mean.*")
    parser.add_argument("--pair", nargs=2, type=pathlib.Path, metavar=("NOISY", "CLEAN"), help="these two instead of a folder")
    parser.add_argument("--model", default="photo")
    parser.add_argument("--crop", type=int, default=192, help="side of the middles that settings are looked for on (192)")
    parser.add_argument("--middle", type=int, default=1 << 30, help="measure on middles of this side (whole pictures)")
    parser.add_argument("--rounds", type=int, default=9, help="how often to look at each setting (9)")
    parser.add_argument("--only", action="append", metavar="TEXT", help="the methods whose name has this; can be repeated")
    parser.add_argument("--picture", type=pathlib.Path, help="also draw all results of the first pair, to this JPEG file")
    parser.add_argument("--part", default="0,0,128", metavar="X,Y,SIDE", help="the part of it to draw (0,0,128)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if (options.folder is None) == (options.pair is None):
        parser.error("expected a folder or --pair")
    pairs = [tuple(options.pair)] if options.pair else find_pairs(options.folder)

    methods = [Method("nothing", lambda what, path, settings: load(path), None, {}),
               Method("gimp-diffusion", run_ours, options.model, {})]
    methods += [Method(name, run_gegl, *rest) for name, rest in GEGL.items()]
    methods += [Method(name, run_gmic, *rest) for name, rest in GMIC.items()]
    rows, panels = [], []
    with tempfile.TemporaryDirectory() as work:
        # All programs see the same pixels, whatever reads JPEG for them.
        whole, small = [], []
        for i, (noisy, clean) in enumerate(pairs):
            pixels, reference = load(noisy), load(clean)
            for name, part, target in (("whole", options.middle, whole), ("small", options.crop, small)):
                path = pathlib.Path(work, "%s-%d.png" % (name, i))
                save(middle(pixels, part), path)
                target.append((path, middle(reference, part)))
        x, y, side = (int(value) for value in options.part.split(","))
        cut = (slice(y, y + side), slice(x, x + side))
        panels.append(("without noise", whole[0][1][cut]))

        if not options.json:
            print("%-34s %9s %9s   %s" % ("", "PSNR", "detail", "settings"))
        for method in methods:
            if options.only and not any(text in method.name for text in options.only):
                continue
            method.search(small if method.run is run_gmic else whole, options.rounds)
            values = method.measure(whole, method.settings)
            rows.append({"name": method.name, "psnr": values[0], "detail": values[1], "settings": method.settings})
            if not options.json:
                print("%-34s %6.2f dB %6.2f dB   %s" % (method.name, *values, method.describe()), flush=True)
            if options.picture:
                result = numpy.clip(method.run(method.what, whole[0][0], method.settings), 0, 255)
                panels.append(("noisy" if method.name == "nothing" else method.name, result[cut]))
    if options.json:
        print(json.dumps({"pairs": len(pairs), "methods": rows}, default=float))
    if options.picture:
        draw(panels, options.picture)


main()
