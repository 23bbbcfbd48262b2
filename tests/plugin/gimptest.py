# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests that run inside GIMP share: TAP output, layers made and read as raw bytes, the procedures.
import os
import struct
import sys
import traceback

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
from gi.repository import Babl, Gegl, Gimp
import numpy as np

P = Gimp.Precision
PRECISIONS = [
    P.U8_NON_LINEAR, P.U8_LINEAR, P.U16_NON_LINEAR, P.U16_LINEAR, P.U32_NON_LINEAR, P.U32_LINEAR,
    P.HALF_NON_LINEAR, P.HALF_LINEAR, P.FLOAT_NON_LINEAR, P.FLOAT_LINEAR, P.FLOAT_PERCEPTUAL,
    P.DOUBLE_NON_LINEAR, P.DOUBLE_LINEAR, P.U8_PERCEPTUAL, P.U16_PERCEPTUAL,
]
DTYPES = {"U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "HALF": np.float16, "FLOAT": np.float32,
          "DOUBLE": np.float64}

_count = 0
_failures = []


def name_of(precision):
    return precision.value_name.replace("GIMP_PRECISION_", "")


def dtype_of(precision):
    return DTYPES[name_of(precision).split("_")[0]]


def report(name, failure=None):
    global _count
    _count += 1
    if failure:
        _failures.append("%s: %s" % (name, str(failure).strip().splitlines()[-1]))
        print("not ok %d %s" % (_count, name))
        for line in str(failure).splitlines():
            print("# " + line)
    else:
        print("ok %d %s" % (_count, name))
    sys.stdout.flush()


class Test:
    """with Test("name"): whatever is raised inside is the failure."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        report(self.name, None if kind is None else "".join(traceback.format_exception(kind, value, trace)))
        return True


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def finish():
    print("1..%d" % _count)
    sys.stdout.flush()
    if _failures:
        # Once more at the end, where those look who see a part of the output only.
        raise SystemExit("\n".join(["%d of %d tests failed" % (len(_failures), _count)] + _failures))


def make_image(width, height, gray=False, precision=P.U8_NON_LINEAR):
    kind = Gimp.ImageBaseType.GRAY if gray else Gimp.ImageBaseType.RGB
    return Gimp.Image.new_with_precision(width, height, kind, precision)


def add_layer(image, width, height, alpha=False, x=0, y=0, parent=None, name="layer"):
    if image.get_base_type() == Gimp.ImageBaseType.GRAY:
        kind = Gimp.ImageType.GRAYA_IMAGE if alpha else Gimp.ImageType.GRAY_IMAGE
    elif image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        kind = Gimp.ImageType.INDEXED_IMAGE
    else:
        kind = Gimp.ImageType.RGBA_IMAGE if alpha else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(x, y)
    return layer


def raw(drawable, dtype=None):
    """The pixels as they are stored: [height, width, samples]."""
    buffer = drawable.get_buffer()
    data = buffer.get(buffer.get_extent(), 1.0, None, Gegl.AbyssPolicy.NONE)
    dtype = dtype or dtype_of(drawable.get_image().get_precision())
    return np.frombuffer(data, dtype).reshape(drawable.get_height(), drawable.get_width(), -1).copy()


def put_raw(drawable, pixels):
    """The way back: the format's name has its colour space, without which sRGB would be converted to it."""
    buffer = drawable.get_buffer()
    buffer.set(buffer.get_extent(), Babl.get_name(drawable.get_format()), pixels.tobytes())
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def noise_pixels(shape, dtype, seed=1):
    """Gray with noise, using every bit of the type."""
    random = np.random.default_rng(seed)
    values = np.clip(0.5 + 0.15 * random.standard_normal(shape), 0.02, 0.98)
    if np.issubdtype(dtype, np.integer):
        return np.rint(values * np.iinfo(dtype).max).astype(dtype)
    return values.astype(dtype)


def fill_noise(drawable, seed=1, dtype=None):
    dtype = dtype or dtype_of(drawable.get_image().get_precision())
    shape = raw(drawable, dtype).shape
    put_raw(drawable, noise_pixels(shape, dtype, seed))


def selection_over(drawable):
    """How much of each pixel is selected, 0 to 1: [height, width]."""
    image = drawable.get_image()
    success, x, y = drawable.get_offsets()
    buffer = image.get_selection().get_buffer()
    data = buffer.get(Gegl.Rectangle.new(x, y, drawable.get_width(), drawable.get_height()), 1.0, "Y float",
                      Gegl.AbyssPolicy.NONE)
    mask = np.frombuffer(data, np.float32).reshape(drawable.get_height(), drawable.get_width()).copy()
    if Gimp.Selection.is_empty(image):
        mask[:] = 1
    return mask


def call(name, image, drawables, run_mode=Gimp.RunMode.NONINTERACTIVE, **arguments):
    """Runs a procedure: (status, message)."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    check(procedure is not None, "no procedure " + name)
    config = procedure.create_config()
    config.set_property("run-mode", run_mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for key, value in arguments.items():
        config.set_property(key.replace("_", "-"), value)
    result = procedure.run(config)
    status = result.index(0)
    message = result.index(1) if status != Gimp.PDBStatusType.SUCCESS and result.length() > 1 else ""
    return status, message


def denoise(image, drawables, **arguments):
    return call("plug-in-diffusion-denoise", image, drawables, **arguments)


def plugin_processes():
    """Of this GIMP's plug-in."""
    home, found = os.environ["GIMP3_DIRECTORY"].encode(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % name, "rb") as file:
                command = file.read().split(b"\0")[0]
        except OSError:
            continue
        if command.startswith(home) and command.endswith(b"/gimp-diffusion"):
            found.append(int(name))
    return found


def arguments():
    return os.environ.get("DIFFUSION_ARGUMENTS", "").splitlines()


def folder():
    return os.environ["DIFFUSION_FOLDER"]
