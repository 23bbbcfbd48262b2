# SPDX-License-Identifier: GPL-3.0-or-later
# Runs inside GIMP for tools/screenshots.sh: opens each dialog, or those that are named after the
# photo, waits until the preview is finished, and takes a picture of it.
# Nothing here looks for words but for names of models and classes, so that it works in all languages.
import os
import subprocess
import threading
import time
import traceback

from gi.repository import Gio

from desktop import *
from gimptest import *

QUIET = 3  # seconds without work or change, until a preview counts as finished
SIDE = 256  # of the textures


def dialog_windows():
    command = ["xdotool", "search", "--onlyvisible", "--classname", "gimp-diffusion"]
    return subprocess.run(command, capture_output=True, text=True).stdout.split()


def work_done(window):
    """Processor time that the window's program has used."""
    process = subprocess.run(["xdotool", "getwindowpid", window], capture_output=True, text=True).stdout.strip()
    with open("/proc/%s/stat" % process) as file:
        words = file.read().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def settle(window):
    """Until the preview is finished: nothing changes, and hardly anything is computed."""
    seen, work, since = b"", 0, time.monotonic()
    while time.monotonic() - since < QUIET:
        time.sleep(0.5)
        now = subprocess.run(["import", "-window", window, "-depth", "8", "rgb:-"], capture_output=True).stdout
        worked = work_done(window)
        if now != seen or worked - work > 10:
            since = time.monotonic()
        seen, work = now, worked


def choose_last_class(dialog):
    """The class, in all languages, is the list with so many entries."""
    combo = [n for n in find_all(dialog, "combo box") if len(entries(n)) > 9][0]
    wait("wood", lambda: combo.get_selection_iface().select_child(len(entries(combo)) - 1))


def tile(dialog):
    """A seamless texture, which is the first switch; its size is what is asked for first."""
    choose_last_class(dialog)
    press(find(dialog, "check box"))


def large_tile(dialog):
    tile(dialog)
    for spin in find_all(dialog, "spin button")[:2]:
        set_value(spin, SIDE)


def photograph(name, prepare):
    try:
        window = wait("the dialog", dialog_windows)[-1]
        if prepare:
            prepare([w for w in windows() if has_role(w, "dialog")][-1])
        settle(window)
        subprocess.run(["import", "-window", window, "-strip", os.path.join(os.environ["UI_SHOTS"], name + ".png")])
        while dialog_windows():
            subprocess.run(["xdotool", "windowfocus", "--sync", window, "key", "Escape"])
            time.sleep(0.5)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def show(verb, image, drawables, prepare=None):
    thread = threading.Thread(target=photograph, args=(verb, prepare))
    thread.start()
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-" + verb)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
    config.set_property("image", image)
    if drawables:
        config.set_core_object_array("drawables", drawables)
    procedure.run(config)
    thread.join()


def texture(image, name):
    """A layer of that class, made by the model."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-generate")
    config = procedure.create_config()
    for key, value in (("run-mode", Gimp.RunMode.NONINTERACTIVE), ("image", image), ("target", "layer"),
                       ("class", name), ("size", str(SIDE)), ("seamless", True), ("sampler", "dpm++"), ("seed", 1)):
        config.set_property(key, value)
    procedure.run(config)
    return image.get_layers()[0]


photo = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(arguments()[0]))
dialogs = arguments()[1:] or ["denoise", "regenerate", "generate", "interpolate"]
if "denoise" in dialogs:
    show("denoise", photo, [photo.get_layers()[0]])
if "generate" in dialogs:
    show("generate", None, [], large_tile)
if "regenerate" in dialogs or "interpolate" in dialogs:
    image = make_image(SIDE, SIDE)
    wood, rock = texture(image, "wood"), texture(image, "rock")
if "regenerate" in dialogs:
    show("regenerate", image, [wood], tile)
if "interpolate" in dialogs:
    show("interpolate", image, [wood, rock], choose_last_class)
