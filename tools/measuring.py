# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in and out of files and what is measured on them, for the tools that compare and check denoising."""
import pathlib
import subprocess

import gi

gi.require_version("Gegl", "0.4")
from gi.repository import Gegl  # noqa: E402
import numpy  # noqa: E402

FORMAT = "R'G'B' float"
root = pathlib.Path(__file__).resolve().parent.parent
Gegl.init(None)


def render(node, box):
    """What a node gives in a rectangle: [height, width, 3], 0 to 255."""
    buffer = Gegl.Buffer.new(FORMAT, box.x, box.y, box.width, box.height)
    node.blit_buffer(buffer, box, 0, Gegl.AbyssPolicy.NONE)
    data = buffer.get(box, 1.0, FORMAT, Gegl.AbyssPolicy.NONE)
    return numpy.frombuffer(data, numpy.float32).reshape(box.height, box.width, 3) * 255


def render_text(text, size, x, y, width, height):
    """Black on white, what a rectangle of it shows; the text begins at 0, 0."""
    graph = Gegl.Node()
    node = graph.create_child("gegl:text")
    node.set_property("string", text)
    node.set_property("size", size)
    node.set_property("color", Gegl.Color.new("black"))
    back = graph.create_child("gegl:color")
    back.set_property("value", Gegl.Color.new("white"))
    over = graph.create_child("gegl:over")
    back.link(over)
    node.connect_to("output", over, "aux")
    return render(over, Gegl.Rectangle.new(x, y, width, height))


def run_operation(path, operation, properties):
    """A file through an operation of GEGL, in its own size."""
    graph = Gegl.Node()
    source = graph.create_child("gegl:load")
    source.set_property("path", str(path))
    node = graph.create_child(operation)
    for name, value in properties.items():
        node.set_property(name, value)
    source.link(node)
    return render(node, source.get_bounding_box())


def load(path):
    return run_operation(path, "gegl:nop", {})


def save(pixels, path, bits=8, quality=90):
    """Writes [height, width, 3 or, with alpha, 4], 0 to 255, as PNG, or as JPEG where the name says so."""
    picture = FORMAT if pixels.shape[2] == 3 else "R'G'B'A float"
    box = Gegl.Rectangle.new(0, 0, pixels.shape[1], pixels.shape[0])
    buffer = Gegl.Buffer.new(picture, 0, 0, box.width, box.height)
    buffer.set(box, picture, (numpy.clip(pixels, 0, 255) / 255).astype(numpy.float32).tobytes())
    graph = Gegl.Node()
    source = graph.create_child("gegl:buffer-source")
    source.set_property("buffer", buffer)
    jpeg = str(path).endswith(".jpg")
    node = graph.create_child("gegl:jpg-save" if jpeg else "gegl:png-save")
    node.set_property("path", str(path))
    node.set_property(*(("quality", quality) if jpeg else ("bitdepth", bits)))
    source.link(node)
    node.process()


def denoise(path, out, *options):
    """Runs this project's own command."""
    command = [root / "build/cli/diffusion", "denoise", path, out, *options]
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def decibel(difference):
    return 10 * numpy.log10(255**2 / max(numpy.mean(numpy.square(difference)), 1e-9))


def psnr(picture, reference):
    return decibel(numpy.clip(picture, 0, 255) - reference)


def band(picture):
    """A pixel less the mean of its four neighbours."""
    padded = numpy.pad(picture, ((1, 1), (1, 1), (0, 0)), "edge")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return picture - around / 4


def detail(picture, reference):
    """PSNR of fine structure alone, which PSNR hides behind all that is coarse."""
    return decibel(band(numpy.clip(picture, 0, 255)) - band(reference))
