# SPDX-License-Identifier: GPL-3.0-or-later
# The model chooser: adding models, those that do not fit, one that vanished, the models folder.
import shutil
import time

from filters import *
from desktop import *

MODELS = os.path.join(os.environ["XDG_DATA_HOME"], "gimp-diffusion", "models")


def open_dialog(title):
    menu(frame, "Filters", "Diffusion", title + "...")
    return window(title, "dialog")


def cancel(dialog, title):
    press(find(dialog, "button", "Cancel"))
    no_window(title)


def add(dialog, file, button="Add"):
    """By typing where it is."""
    press(find(dialog, "button", "Add Model"))
    chooser = window("Add a Model")
    wait("the window to have the keyboard", lambda: state(chooser, "ACTIVE"))
    mouse("type", "--delay", 10, file)
    wait("the path", lambda: [n for n in find_all(chooser, "text") if text(n) == file])
    accept, pressed = find(chooser, "button", button, exact=True), 0

    def closed():
        # GTK looks at the file before it closes, and forgets what was pressed when the window changes meanwhile.
        nonlocal pressed
        if not [w for w in windows() if w.get_name() == "Add a Model"]:
            return True
        if time.monotonic() > pressed + 3:
            pressed = time.monotonic()
            press(accept)
    wait("“Add a Model” to close", closed)


def refusal():
    """What is said of a model that is not added."""
    alert = wait("the reason", lambda: [w for w in windows() if w.get_role_name() == "alert"])[0]
    said = " ".join(n.get_name() for n in find_all(alert, "label"))
    press(find(alert, "button", "Close"))
    wait("the message to close", lambda: not [w for w in windows() if w.get_role_name() == "alert"])
    return said


def chooser(dialog):
    return find(dialog, "combo box", "Model")


image, layer = photo(64, 48)
display = Gimp.Display.new(image)
Gimp.displays_flush()
frame = wait("the image window", lambda: [w for w in windows() if "64x48" in w.get_name()])[0]
given = os.environ["DIFFUSION_MODELS"]
dialog = open_dialog("Denoise")

with Test("what does not fit is explained and not added"):
    with open(path("broken.safetensors"), "wb") as file:
        file.write(b"no model " * 100)
    for file, word in ((os.path.join(given, "texture", "config.json"), "texture"),
                       (path("broken.safetensors"), "broken.safetensors"),
                       (path("absent.safetensors"), "absent.safetensors")):
        add(dialog, file)
        said = refusal()
        check(word in said, "“%s” is not named: %s" % (word, said))
        check(not os.path.exists(MODELS) or not os.listdir(MODELS), os.listdir(MODELS) if os.path.exists(MODELS) else "")
        check(chosen(chooser(dialog)) == "photo", chosen(chooser(dialog)))

with Test("a good model is copied, listed and chosen"):
    shutil.copytree(os.path.join(given, "photo"), path("mine"))
    add(dialog, path("mine/config.json"))
    wait("the new model", lambda: chosen(chooser(dialog)) == "mine")
    check(os.path.isfile(os.path.join(MODELS, "mine", "config.json")), "not copied")
    shutil.rmtree(path("mine"))
    check(entries(chooser(dialog)).count("mine") == 1, entries(chooser(dialog)))

with Test("“Open Models Folder” shows where it is"):
    press(find(dialog, "button", "Open Models Folder"))
    wait("the folder", lambda: os.path.exists(os.environ["DIFFUSION_OPENED"]))
    with open(os.environ["DIFFUSION_OPENED"]) as file:
        check(file.read().rstrip("/\n").endswith("/gimp-diffusion/models"), "another folder")

with Test("it works, and is there the next time, in other dialogs too"):
    press(find(dialog, "button", "Denoise"))
    no_window("Denoise")
    wait("the result", lambda: layer.get_parasite("gimp-diffusion"))
    check(remembered(layer)["model"] == "mine", remembered(layer))
    dialog = open_dialog("Denoise")
    check(chosen(chooser(dialog)) == "mine", chosen(chooser(dialog)))
    cancel(dialog, "Denoise")
    dialog = open_dialog("Regenerate")
    check({"mine", "photo", "texture"} <= set(entries(chooser(dialog))), entries(chooser(dialog)))
    cancel(dialog, "Regenerate")

with Test("one that vanished is said, and not replaced"):
    shutil.rmtree(os.path.join(MODELS, "mine"))
    dialog = open_dialog("Denoise")
    check(chosen(chooser(dialog)).startswith("mine"), chosen(chooser(dialog)))
    wait("what is wrong", lambda: [n for n in find_all(dialog, "label") if "“mine” is not installed" in n.get_name()])
    wait("Denoise to be refused", lambda: not state(find(dialog, "button", "Denoise"), "SENSITIVE"))
    choose(chooser(dialog), "photo")
    wait("Denoise to be possible", lambda: state(find(dialog, "button", "Denoise"), "SENSITIVE"))
    cancel(dialog, "Denoise")

display.delete()
finish()
