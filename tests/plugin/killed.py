# SPDX-License-Identifier: GPL-3.0-or-later
# The plug-in's process is killed while it reads, computes and writes: the layers are as before or as after (a kill may come
# later than it was meant to), no half layer, no open undo group and no file is left, and the image can be worked on, saved and
# read again.
import random
import signal
import tempfile
import threading
import time

from filters import *

WIDTH, HEIGHT = 700, 500
PRECISION = P.U16_NON_LINEAR
PARTS = ("reading", "computing", "writing")
TIMES = 2
random.seed(1)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def computes(process):
    try:
        tasks = os.listdir("/proc/%d/task" % process)
    except OSError:
        return False
    return any(read("/proc/%d/task/%s/comm" % (process, task)).startswith(b"diffusion-work") for task in tasks)


class Watcher(threading.Thread):
    """Sees the parts of the plug-in's work, and kills it a while after one began."""

    def __init__(self, part=None, delay=0.0):
        super().__init__()
        self.part, self.delay = part, delay
        self.killed = self.given_up = False
        self.began = []
        self.start()

    def until(self, condition):
        while not self.given_up:
            value = condition()
            if value:
                break
            time.sleep(0.0005)
        self.began.append(time.monotonic())
        return None if self.given_up else value

    def strike(self, process, part):
        if part != self.part or self.given_up:
            return
        time.sleep(self.delay)
        try:
            os.kill(process, signal.SIGKILL)
            self.killed = True
        except ProcessLookupError:
            pass

    def run(self):
        process = self.until(lambda: next(iter(plugin_processes()), None))
        if process:
            self.strike(process, "reading")
            self.until(lambda: self.killed or computes(process))
            self.strike(process, "computing")
            self.until(lambda: self.killed or not computes(process))
            self.strike(process, "writing")
            self.until(lambda: not os.path.exists("/proc/%d" % process))

    def end(self):
        self.given_up = True
        self.join()
        return self

    def times(self):
        """How long each part took."""
        return {part: self.began[i + 1] - self.began[i] for i, part in enumerate(PARTS)}


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


def temporary_files():
    """GIMP's own, and those of whatever it started."""
    return {os.path.join(top, name) for top, _, names in os.walk(tempfile.gettempdir()) for name in names}


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
    "regenerate, new layers": lambda image, layers: run("regenerate", image, layers, model="photo", t=40.0, steps=1),
    "regenerate, in place": lambda image, layers: run("regenerate", image, layers, model="photo", t=40.0, steps=1,
                                                      new_layer=False),
    "generate, new layers": lambda image, layers: run("generate", image, layers, target="layer", count=2, steps=2,
                                                      size="%dx%d" % (WIDTH // 2, HEIGHT // 2)),
    "generate, in the selection": lambda image, layers: run("generate", image, layers, target="selection", steps=1,
                                                            new_layer=False),
}
deaths = 0
for name, work in WORK.items():
    image, layers = fresh()
    before = [raw(layer) for layer in layers]
    files = temporary_files()
    watcher = Watcher()
    check(work(image, layers)[0] == SUCCESS, name)
    times = watcher.end().times()
    print("# %s: %s" % (name, ", ".join("%s %.2f s" % item for item in times.items())))
    new = [layer for layer in image.get_layers() if layer not in layers]
    after = [raw(layer) for layer in (new or layers)]
    image.delete()
    for part in PARTS:
        with Test("%s, killed while %s" % (name, part)):
            for i in range(TIMES):
                if i > 0:
                    image.delete()
                image, layers = fresh()
                watcher = Watcher(part, random.uniform(0, times[part]))
                status, values = work(image, layers)
                watcher.end()
                deaths += watcher.killed and status != SUCCESS
                check(temporary_files() <= files, "left behind: %s" % (temporary_files() - files))
                made = [raw(layer) for layer in image.get_layers() if layer not in layers]
                for i, layer in enumerate(layers):
                    changed = not new and near(raw(layer), after[i])
                    check(changed or (raw(layer) == before[i]).all(), "layer %d is half done" % i)
                check(len(made) <= len(new), "%d new layers" % len(made))
                for pixels in made:
                    check(any(near(pixels, other) for other in before + after), "a new layer is half done")
                for layer, pixels in zip(image.get_layers(), saved(image)):
                    same(raw(layer), pixels, "the saved file")
                for layer in [layer for layer in image.get_layers() if layer not in layers]:
                    image.remove_layer(layer)
            if part == PARTS[-1]:
                # The next one is as if nothing had happened.
                for layer, pixels in zip(layers, before):
                    put_raw(layer, pixels)
                check(work(image, layers)[0] == SUCCESS, "the next run failed")
                again = [layer for layer in image.get_layers() if layer not in layers] or layers
                for layer, pixels in zip(again, after):
                    same(raw(layer), pixels, "the next run")
            image.delete()

with Test("it was killed before it was done"):
    print("# %d of %d times" % (deaths, TIMES * len(PARTS) * len(WORK)))
    check(deaths > TIMES, "it was never killed in time")

finish()
