# SPDX-License-Identifier: GPL-3.0-or-later
# The plug-in's process is killed while it reads, computes and writes: the layers are as before or as after, no half
# layer and no open undo group is left, and the image can be worked on, saved and read again.
import random
import signal
import threading
import time

from filters import *

WIDTH, HEIGHT = 900, 700
PRECISION = P.U16_NON_LINEAR
# The longest time, in seconds, from when a part of the work began to when it is killed.
PARTS = {"reading": 0.03, "computing": 0.5, "writing": 0.05}
random.seed(1)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def plug_in():
    """Its process, or None. The plug-in of this GIMP is the only one in its folder."""
    home = os.environ["GIMP3_DIRECTORY"].encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            command = read("/proc/%s/cmdline" % name).split(b"\0")[0]
            if command.startswith(home) and command.endswith(b"/gimp-diffusion"):
                return int(name)
    return None


def computes(process):
    try:
        tasks = os.listdir("/proc/%d/task" % process)
    except OSError:
        return False
    return any(read("/proc/%d/task/%s/comm" % (process, task)).startswith(b"diffusion-work") for task in tasks)


class Killer(threading.Thread):
    """Kills the plug-in a while after a part of its work began."""

    def __init__(self, part, delay):
        super().__init__()
        self.part, self.delay = part, delay
        self.killed = self.given_up = False

    def until(self, condition):
        while not self.given_up:
            value = condition()
            if value:
                return value
            time.sleep(0.0005)
        return None

    def run(self):
        process = self.until(plug_in)
        if process and self.part != "reading":
            self.until(lambda: computes(process))
        if process and self.part == "writing":
            self.until(lambda: not computes(process))
        time.sleep(self.delay)
        if process and not self.given_up:
            try:
                os.kill(process, signal.SIGKILL)
                self.killed = True
            except ProcessLookupError:
                pass


def killed(part, function):
    """Whether the plug-in was killed before it was done; what the function returns."""
    killer = Killer(part, random.uniform(0, PARTS[part]))
    killer.start()
    try:
        values = function()
    finally:
        killer.given_up = True
        killer.join()
    return killer.killed, values


def near(a, b):
    """Equal but for rounding: GIMP has mixed them, and what it could not keep exactly was not put back yet."""
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 1


def saved(image):
    """The layers of the image as it is written to a file and read again."""
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path("saved.xcf")), None)
    other = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path("saved.xcf")))
    pixels = [raw(layer) for layer in other.get_layers()]
    other.delete()
    return pixels


def fresh():
    image, layer = photo(WIDTH, HEIGHT, precision=PRECISION, alpha=True)
    second = layer.copy()
    image.insert_layer(second, None, 0)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 40, 30, WIDTH - 80, HEIGHT - 60)
    Gimp.Selection.feather(image, 40)
    image.clean_all()
    return image, [layer, second]


WORK = {
    "denoise, in place": lambda image, layers: denoise(image, layers, sigma=20.0),
    "denoise, new layers": lambda image, layers: denoise(image, layers, sigma=20.0, new_layer=True),
    "regenerate, new layers": lambda image, layers: run("regenerate", image, layers, model="photo", t=40.0, steps=1),
}
for name, work in WORK.items():
    image, layers = fresh()
    before = [raw(layer) for layer in layers]
    check(work(image, layers)[0] == SUCCESS, name)
    new = [layer for layer in image.get_layers() if layer not in layers]
    after = [raw(layer) for layer in (new or layers)]
    image.delete()
    for part in PARTS:
        with Test("%s, killed while %s" % (name, part)):
            deaths = 0
            for _ in range(3):
                image, layers = fresh()
                dead, values = killed(part, lambda: work(image, layers))
                deaths += dead and values[0] != SUCCESS
                now = [raw(layer) for layer in layers]
                made = [raw(layer) for layer in image.get_layers() if layer not in layers]
                for i, pixels in enumerate(now):
                    changed = not new and near(pixels, after[i])
                    check((pixels == before[i]).all() or changed, "layer %d is half done" % i)
                    check(not changed or part == "writing" or values[0] == SUCCESS, "layer %d changed too early" % i)
                check(len(made) <= len(new), "%d new layers" % len(made))
                for pixels in made:
                    check(any(near(pixels, other) for other in before + after), "a new layer is half done")
                if part != "writing" and values[0] != SUCCESS:
                    check(not image.is_dirty() and not made, "something was changed while " + part)
                for layer, pixels in zip(image.get_layers(), saved(image)):
                    same(raw(layer), pixels, "the saved file")
                # The next one is as if nothing had happened.
                for layer in [layer for layer in image.get_layers() if layer not in layers]:
                    image.remove_layer(layer)
                for layer, pixels in zip(layers, before):
                    put_raw(layer, pixels)
                check(work(image, layers)[0] == SUCCESS, "the next run failed")
                again = [layer for layer in image.get_layers() if layer not in layers] or layers
                for layer, pixels in zip(again, after):
                    same(raw(layer), pixels, "the next run")
                image.delete()
            print("# killed %d of 3 times before it was done" % deaths)
            check(deaths > 0 or part == "writing", "it was never killed in time")

finish()
