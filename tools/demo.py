# SPDX-License-Identifier: GPL-3.0-or-later
# Runs inside GIMP for ./dev demo: opens a photo, denoises its layer, saves the result and a before/after picture.
import math
import os
import time

from gi.repository import Gegl, Gimp, Gio, GLib

photo, output, report, clean = (os.environ["DIFFUSION_ARGUMENTS"].split("\n") + [""])[:4]
lines = []


def load(path):
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))


def save(image, path):
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None):
        raise SystemExit("cannot write " + path)


def denoise(image, layers):
    """The noise level found and the seconds it took."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-denoise")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", layers)
    start = time.monotonic()
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise SystemExit(result.index(1))
    return result.index(1), time.monotonic() - start


def pixels(layer):
    buffer = layer.get_buffer()
    return buffer.get(buffer.get_extent(), 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)


def psnr(a, b):
    error = sum((x - y) * (x - y) for x, y in zip(a, b)) / len(a)
    return 10 * math.log10(255 * 255 / error) if error else math.inf


def side_by_side(before, layer, path):
    width, height = before.get_width(), before.get_height()
    gap = max(4, width // 200)
    before.resize(2 * width + gap, height, 0, 0)
    after = Gimp.Layer.new_from_drawable(layer, before)
    before.insert_layer(after, None, 0)
    found, x, y = layer.get_offsets()
    after.set_offsets(x + width + gap, y)
    Gimp.context_set_background(Gegl.Color.new("white"))
    before.flatten()
    save(before, path)


image = load(photo)
if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
    image.convert_rgb()
layer = image.get_layers()[0]
before = image.duplicate()
noisy = pixels(layer)
lines.append(("photo", "%s, %d×%d" % (photo, layer.get_width(), layer.get_height())))

sigma, seconds = denoise(image, [layer])
lines.append(("noise found", "%.1f of 255" % sigma))
lines.append(("time", "%.1f s, %.2f megapixels" % (seconds, layer.get_width() * layer.get_height() / 1e6)))
if clean:
    reference = pixels(load(clean).get_layers()[0])
    lines.append(("PSNR", "%.2f dB before, %.2f dB after" % (psnr(noisy, reference), psnr(pixels(layer), reference))))

name = os.path.splitext(os.path.basename(photo))[0]
result = os.path.join(output, name + "-denoised.png")
comparison = os.path.join(output, name + "-before-after.png")
save(image, result)
side_by_side(before, layer, comparison)
lines.append(("result", result))
lines.append(("before/after", comparison))

with open(report, "w") as file:
    for what, value in lines:
        file.write("%-13s%s\n" % (what, value))
