# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of generate, regenerate and interpolate share.
import json
import subprocess

from gi.repository import Gio

from gimptest import *

SUCCESS = Gimp.PDBStatusType.SUCCESS


def run(verb, image, drawables, run_mode=Gimp.RunMode.NONINTERACTIVE, **arguments):
    """Runs a procedure: (status, message or the values it returns)."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-" + verb)
    check(procedure is not None, "no procedure " + verb)
    config = procedure.create_config()
    config.set_property("run-mode", run_mode)
    config.set_property("image", image)
    if drawables:
        config.set_core_object_array("drawables", drawables)
    for key, value in arguments.items():
        config.set_property(key.replace("_", "-"), value)
    result = procedure.run(config)
    if result.index(0) != SUCCESS:
        return result.index(0), result.index(1) if result.length() > 1 else ""
    return SUCCESS, [result.index(i) for i in range(1, result.length())]


def make(verb, image, drawables, **arguments):
    """Runs a procedure that has to succeed: the layers it made, from top to bottom; its own where it made none."""
    before = list(image.get_layers()) if image else []
    status, values = run(verb, image, drawables, **arguments)
    check(status == SUCCESS, values)
    image = values[0] if verb == "generate" else image
    return [layer for layer in image.get_layers() if layer not in before] or drawables


def command(*arguments):
    result = subprocess.run([os.environ["DIFFUSION_COMMAND"], *arguments], capture_output=True, text=True)
    check(result.returncode == 0, result.stderr)


def path(name):
    return os.path.join(folder(), name)


def load(name):
    """The pixels of a picture file."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path(name)))
    pixels = raw(image.get_layers()[0])
    image.delete()
    return pixels


def save(image, name):
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path(name)), None)


def save_mask(image, name):
    """The selection as a picture file."""
    mask = selection_over(image.get_layers()[0])
    other = make_image(image.get_width(), image.get_height(), True)
    layer = add_layer(other, image.get_width(), image.get_height())
    put_raw(layer, np.rint(mask * 255).astype(np.uint8))
    save(other, name)
    other.delete()


def channel_from(image, pixels):
    """A channel with these 8-bit values."""
    channel = Gimp.Channel.new(image, "mask", image.get_width(), image.get_height(), 100, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    put_raw(channel, pixels)
    return channel


def photo(width, height, gray=False, precision=P.U8_NON_LINEAR, alpha=False, seed=1):
    """An image with one layer: waves with noise, and alpha that varies."""
    image = make_image(width, height, gray, precision)
    layer = add_layer(image, width, height, alpha, name="photo")
    shape = raw(layer).shape
    dtype = dtype_of(precision)
    y, x = np.mgrid[:height, :width]
    waves = 0.5 + 0.3 * np.sin(0.3 * x + seed)[..., None] * np.cos(0.2 * y + np.arange(shape[2])[:, None, None]).transpose(1, 2, 0)
    values = np.clip(waves + 0.05 * np.random.default_rng(seed).standard_normal(shape), 0, 1)
    put_raw(layer, np.rint(values * np.iinfo(dtype).max).astype(dtype) if np.issubdtype(dtype, np.integer)
            else values.astype(dtype))
    return image, layer


def remembered(layer):
    return json.loads(bytes(layer.get_parasite("gimp-diffusion").get_data()).rstrip(b"\0"))


def same(a, b, what):
    check(a.shape == b.shape and a.dtype == b.dtype, "%s: %s %s and %s %s" % (what, a.shape, a.dtype, b.shape, b.dtype))
    different = (a != b).any(axis=2)
    check(not different.any(), "%s: %d of %d pixels differ, by %g at most" %
          (what, different.sum(), different.size, np.abs(a.astype(float) - b.astype(float)).max()))
