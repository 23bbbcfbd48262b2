#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoises pictures that are hard to judge, with nothing set, and says which came out wrong.

Cases are made from the clean photographs of a folder and from nothing: noise of known strength and kind, JPEG, grain, other
scales, collages of different noise, letterboxes, night and blown-out light, gradients, text, dark skies, tiny and odd pictures.
Run it with ./dev exec, after ./dev bench has installed what it needs; ends with 1 when a case is wrong."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from measuring import denoise, load, numpy, psnr, render_text, root, save

random = numpy.random.default_rng(1)
work = None
wrong = 0


def white(picture, sigma):
    return picture + random.normal(0, 1, picture.shape) * sigma


def camera(picture, sigma, seed):
    """As the trainer simulates it."""
    paths = [work / "camera-in.png", work / "camera-out.png"]
    save(picture, paths[0])
    tool = root / "build/tests/tools/camera-noise"
    subprocess.run([tool, "--sigma=%g" % sigma, "--seed=%d" % seed, *paths], check=True, stdout=subprocess.DEVNULL)
    return load(paths[1])


def blur(picture, sigma):
    """Gaussian, continued at the borders by what is on the other side."""
    waves = [numpy.fft.fftfreq(side) for side in picture.shape[:2]]
    gain = numpy.exp(-2 * (numpy.pi * sigma) ** 2 * (waves[0][:, None] ** 2 + waves[1] ** 2))
    return numpy.real(numpy.fft.ifft2(numpy.fft.fft2(picture, axes=(0, 1)) * gain[..., None], axes=(0, 1)))


def grain(picture, sigma):
    """Of film: without colour, coarser than a pixel, most in the middle tones."""
    field = blur(random.normal(0, 1, (*picture.shape[:2], 1)), 0.8)
    light = picture.mean(2, keepdims=True) / 255
    return picture + sigma / field.std() * field * (0.5 + 2 * light * (1 - light))


def jpeg(picture, quality):
    save(picture, work / "file.jpg", quality=quality)
    return load(work / "file.jpg")


def half(picture):
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    return picture[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))


def double(picture):
    """Linear, as programs for pictures do it."""
    for axis in (0, 1):
        after = numpy.concatenate([numpy.take(picture, range(1, picture.shape[axis]), axis),
                                   numpy.take(picture, [-1], axis)], axis)
        before = numpy.concatenate([numpy.take(picture, [0], axis),
                                    numpy.take(picture, range(picture.shape[axis] - 1), axis)], axis)
        pair = numpy.stack([0.75 * picture + 0.25 * before, 0.75 * picture + 0.25 * after], axis + 1)
        picture = pair.reshape([n * (1 + (i == axis)) for i, n in enumerate(picture.shape)])
    return picture


def run(noisy, *options, bits=8):
    """Returns what the command makes of a picture, and what it says."""
    paths = [work / "in.png", work / "out.png"]
    save(noisy, paths[0], bits)
    said = json.loads(denoise(*paths, "--json", "--model", arguments.model, *options))
    return load(paths[1]), said


def level(said):
    if said["sigma_most"] - said["sigma_least"] < 0.05:
        return "%.1f" % said["sigma"]
    return "%.1f to %.1f" % (said["sigma_least"], said["sigma_most"])


def tell(name, good, text):
    global wrong
    wrong += not good
    print("%-44s %s%s" % (name, text, "" if good else "   WRONG"), flush=True)


def wanted(name):
    return re.search(arguments.only, name) is not None


def check(name, cases, gain=0.0, least=0.0, options=(), bits=8):
    """cases: (noisy, clean), each of which has to gain so many decibels, or to come out so close."""
    if not wanted(name):
        return
    rows = []
    for noisy, clean in cases():
        out, said = run(noisy, *options, bits=bits)
        rows.append((psnr(noisy, clean), psnr(out, clean), said))
    befores, afters = (numpy.array([row[i] for row in rows]) for i in (0, 1))
    good = numpy.all(afters >= least) if least else numpy.all(afters >= befores + gain)
    tell(name, good, "%6.2f dB, then %6.2f dB, worst %+6.2f, found %s" % (
        numpy.mean(numpy.minimum(befores, 99)), numpy.mean(numpy.minimum(afters, 99)), min(afters - befores),
        "; ".join(level(row[2]) for row in rows)))


def each(photos, change, also=lambda photo: photo):
    return lambda: ((change(photo), also(photo)) for photo in photos)


def beside(photo, least, most):
    """The right half has other noise than the left."""
    sigma = numpy.where(numpy.arange(photo.shape[1]) < photo.shape[1] // 2, least, most)[None, :, None]
    return photo + random.normal(0, 1, photo.shape) * sigma


def corners(photo, least, most):
    y, x = (numpy.linspace(-1, 1, side) ** 2 for side in photo.shape[:2])
    share = (y[:, None, None] + x[None, :, None]) / 2
    return photo + random.normal(0, 1, photo.shape) * (least + (most - least) * share)


def letterbox(noisy):
    """Black bars, which a program added after the noise."""
    framed = noisy.copy()
    bar = noisy.shape[0] // 6
    framed[:bar] = framed[-bar:] = 0
    return framed


def mount(noisy):
    """A frame of one colour."""
    framed = numpy.full(noisy.shape, 181.0)
    framed[21:-21, 37:-37] = noisy[21:-21, 37:-37]
    return framed


def night(picture):
    return 3 + 0.13 * picture


def blown(picture):
    return numpy.clip(1.9 * picture, 0, 255)


def sharpened(picture):
    return numpy.clip(picture + 0.7 * (picture - blur(picture, 1)), 0, 255)


def check_photos(photos):
    for factor in (0.7, 1.3):
        for sigma in (5, 15, 35):
            check("white %g, told %g" % (sigma, sigma * factor), each(photos, lambda p: white(p, sigma)), gain=0.5,
                  options=["--sigma=%g" % (sigma * factor)])
            check("camera %g, told %g" % (sigma, sigma * factor), each(photos, lambda p: camera(p, sigma, sigma)), gain=0.5,
                  options=["--sigma=%g" % (sigma * factor)])
    for sigma in (3, 5, 10, 15, 25, 35, 50, 75, 100):
        check("white %g" % sigma, each(photos, lambda p: white(p, sigma)), gain=0.0 if sigma < 5 else 2.0)
    for sigma in (3, 6, 12, 25, 50):
        check("camera %g" % sigma, each(photos, lambda p: camera(p, sigma, 7 + sigma)), gain=0.0 if sigma < 5 else 1.5)
    for quality in (70, 80, 90, 95):
        for sigma in (6, 12):
            check("camera %g, JPEG %d" % (sigma, quality), each(photos, lambda p: jpeg(camera(p, sigma, 3), quality)), gain=0.2)
        check("white 12, JPEG %d" % quality, each(photos, lambda p: jpeg(white(p, 12), quality)), gain=0.2)
    for sigma in (4, 8, 16):
        check("grain %g" % sigma, each(photos, lambda p: grain(p, sigma)), gain=0.0 if sigma < 5 else 0.5)
    check("clean", each(photos, lambda p: p), least=45)
    check("clean, half size", each(photos, half, half), least=45)
    check("clean, double size", each(photos, double, double), least=45)
    for quality in (75, 90):
        check("clean, JPEG %d" % quality, each(photos, lambda p: jpeg(p, quality)), gain=-0.1)
    for sigma in (8, 20):
        check("camera %g, then half size" % sigma, each(photos, lambda p: half(camera(p, sigma, 5)), half), gain=0.2)
        check("camera %g, then double size" % sigma, each(photos, lambda p: double(camera(p, sigma, 5)), double), gain=0.2)
    for name, frame in (("letterbox", letterbox), ("mount", mount)):
        check("%s, clean" % name, each(photos, frame, frame), least=45)
        check("%s, white 10" % name, each(photos, lambda p: frame(white(p, 10)), frame), gain=2.0)
        check("%s, camera 8" % name, each(photos, lambda p: frame(camera(p, 8, 6)), frame), gain=0.2)
    check("night, clean", each(photos, night, night), least=45)
    check("night, white 6", each(photos, lambda p: numpy.clip(white(night(p), 6), 0, 255), night), gain=2.0)
    check("night, camera 6", each(photos, lambda p: camera(night(p), 6, 8), night), gain=1.5)
    check("blown, clean", each(photos, blown, blown), least=45)
    check("blown, white 10", each(photos, lambda p: numpy.clip(white(blown(p), 10), 0, 255), blown), gain=2.0)
    check("blown, camera 8", each(photos, lambda p: camera(blown(p), 8, 9), blown), gain=0.2)
    check("sharpened, clean", each(photos, sharpened, sharpened), least=45)
    check("sharpened, camera 6", each(photos, lambda p: sharpened(camera(p, 6, 4)), sharpened), gain=0.2)
    for least, most in ((0, 10), (0, 35), (5, 35), (5, 15), (10, 20), (10, 14)):
        check("halves of white %g and %g" % (least, most), each(photos, lambda p: beside(p, least, most)), gain=2.0)
    for least, most in ((4, 8), (5, 20)):
        check("corners of white %g, middle %g" % (most, least), each(photos, lambda p: corners(p, least, most)), gain=1.5)


def shapes(side):
    """Lines, discs and fields, as in a diagram."""
    y, x = numpy.mgrid[0:side, 0:side]
    picture = numpy.full((side, side, 3), 250.0)
    picture[(x // 4 % 16 == 0) | (y // 4 % 16 == 0)] = (200, 205, 215)
    for i in range(9):
        inside = (x - 50 * (i % 3) - 60) ** 2 + (y - 70 * (i // 3) - 60) ** 2 < (12 + 2 * i) ** 2
        picture[inside] = (40 + 20 * i, 120, 220 - 20 * i)
    picture[(x > 190) & (y > 60) & (y < 70)] = 0
    picture[abs(x - y) < 1] = (180, 0, 0)
    return picture


def check_drawn():
    side = 256
    ramp = numpy.linspace(20, 200, side)[None, :, None] + numpy.linspace(0, 30, side)[:, None, None] + numpy.zeros(3)
    words = ["The quick brown fox jumps", "over the lazy dog and 1234567890", "SPHINX OF BLACK QUARTZ", "judge my vow: €@&%"] * 4
    writing = 20 + 0.8 * render_text("\n".join(words), 14, -8, -8, side, side)  # not as white and black as to cut noise off
    dark = 14 + 10 * numpy.linspace(0, 1, side)[:, None, None] + numpy.zeros((side, side, 3))
    y, x = numpy.mgrid[0:side, 0:side, 0:1][:2]
    texture = 128 + 25 * numpy.sin(x * 0.7 + numpy.sin(y * 0.05)) * numpy.sin(y * 0.9) + 10 * numpy.sin(0.11 * (x + y)) + numpy.zeros(3)
    drawn = (("gradient", ramp), ("text", writing), ("diagram", shapes(side)), ("gray", numpy.full((side, side, 3), 117.0)))

    for name, picture in drawn:
        check("clean %s" % name, lambda: [(picture, picture)], least=45, bits=16)
        check("%s with white 12" % name, lambda: [(white(picture, 12), picture)], gain=6.0, bits=16)
        check("%s with camera 12" % name, lambda: [(camera(picture, 12, 4), picture)], gain=4.0)
    check("pure texture", lambda: [(texture, texture)], least=32)
    check("dark sky with white 6", lambda: [(numpy.clip(white(dark, 6), 0, 255), dark)], gain=8.0)
    check("dark sky with camera 6", lambda: [(camera(dark, 6, 2), dark)], gain=5.0)

    if wanted("banding"):
        out, said = run(white(ramp, 8), bits=16)
        # Along the ramp, of means over columns: steps that stand out of the slope, in levels of 255.
        line = out[64:192].mean((0, 2))[16:-16]
        bent = abs(line - numpy.polyval(numpy.polyfit(range(len(line)), line, 3), range(len(line)))).max()
        levels = len(numpy.unique(out[128].round(4)))
        tell("banding of a gradient with white 8", bent < 0.6 and levels > 400,
             "off by %.2f levels at most, %d values in a row" % (bent, levels))
    if wanted("haloes"):
        out, said = run(white(writing, 12), bits=16)
        near = blur((writing < 122).astype(float), 6).max(2) > 1e-3
        paper = (writing.min(2) > 223) & near
        tell("haloes of text with white 12", abs(out[paper] - 224).mean() < 2.0,
             "%.2f off beside letters, %.2f away from them" % (abs(out[paper] - 224).mean(), abs(out[~near] - 224).mean()))
    if wanted("blotches"):
        for kind, noisy in (("white", white(dark, 6)), ("camera", camera(dark, 6, 2))):
            out, said = run(noisy)
            rest = (out - dark).reshape(side // 16, 16, side // 16, 16, 3).mean((1, 3))
            tell("blotches in a dark sky, %s 6" % kind, (rest - rest.mean()).std() < 0.9,
                 "deviation of means over 16 pixels %.2f" % (rest - rest.mean()).std())


def check_odd(photos):
    photo = photos[0]
    for height, width in ((1, 1), (3, 5), (16, 16), (8, 500), (500, 8), (1, 300)):
        part = photo[:height, :width]
        check("%d×%d pixels, clean" % (width, height), lambda: [(part, part)], least=30)
        check("%d×%d pixels, white 20" % (width, height), lambda: [(white(part, 20), part)], gain=-0.5)
    gray = photo.mean(2, keepdims=True) + numpy.zeros(3)
    noise = random.normal(0, 15, (*gray.shape[:2], 1))
    check("gray, white 15", lambda: [(gray + noise, gray)], gain=2.0)
    if wanted("transparent"):
        noisy, hidden = white(photo, 10), photo.copy()
        hidden[:, ::2] = 90
        hidden[:, 1::2] = 130
        expected, plain = run(noisy)
        levels = []
        for fill in (numpy.zeros(3), numpy.full(3, 120.0), hidden):
            # Two thirds cannot be seen and hold something else.
            alpha = numpy.where(numpy.arange(photo.shape[1]) < photo.shape[1] * 2 // 3, 0.0, 255.0) + numpy.zeros(photo.shape[:2])
            out, said = run(numpy.dstack([numpy.where(alpha[..., None] > 0, noisy, fill), alpha]))
            levels.append(said)
        tell("transparent areas", all(0.7 < one["sigma"] / plain["sigma"] < 1.4 for one in levels),
             "found %s, of all the picture %s" % ("; ".join(level(one) for one in levels), level(plain)))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=pathlib.Path, help="holds clean photographs, for instance kodak24")
parser.add_argument("--count", type=int, default=4, help="take so many of them, evenly spread (4)")
parser.add_argument("--only", default="", help="the cases whose name this regular expression fits")
parser.add_argument("--model", default="photo")
arguments = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    found = sorted(arguments.folder.glob("*.png"))
    if not found:
        sys.exit("%s: found no PNG files" % arguments.folder)
    chosen = [load(found[i * len(found) // arguments.count]) for i in range(arguments.count)]
    check_photos(chosen)
    check_drawn()
    check_odd(chosen)
print("%d wrong" % wrong)
sys.exit(wrong > 0)
