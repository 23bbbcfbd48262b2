# SPDX-License-Identifier: GPL-3.0-or-later
# The dialogs of Regenerate, Generate and Interpolate, as people use them; pixels compared after them.
from filters import *
from desktop import *


def shown(image, size):
    display = Gimp.Display.new(image)
    image.clean_all()
    Gimp.displays_flush()
    frame = wait("the image window", lambda: [w for w in windows() if size in w.get_name()])[0]
    return display, frame


def open_dialog(frame, entry, title):
    menu(frame, "Filters", "Diffusion", entry)
    dialog = window(title, "dialog")
    wait("the preview", lambda: [n for n in find_all(dialog, "label") if "Takes about" in n.get_name()])
    return dialog


def check_names(dialog):
    for node in walk(dialog):
        if state(node, "FOCUSABLE") and state(node, "SHOWING") and node.get_role_name() not in ("dialog", "viewport"):
            check(node.get_name() or node.get_description() or
                  [r for r in node.get_relation_set() if r.get_relation_type() == Atspi.RelationType.LABELLED_BY],
                  "a %s has no name" % node.get_role_name())


image, layer = photo(96, 64)
display, frame = shown(image, "96x64")
before = raw(layer)

with Test("regenerate: the dialog, words for t, and OK as in a script"):
    dialog = open_dialog(frame, "Regenerate...", "Regenerate")
    check_names(dialog)
    set_value(find(dialog, "spin button", "Change"), 90)
    wait("its words", lambda: [n for n in find_all(dialog, "label") if n.get_name().startswith("Keeps")])
    set_value(find(dialog, "spin button", "Seed"), 5)
    time.sleep(2)
    keep("regenerate")
    press(find(dialog, "push button", "Regenerate"))
    no_window("Regenerate")
    wait("the new layer", lambda: len(image.get_layers()) == 2)
    made = raw(image.get_layers()[0])
    settings = remembered(image.get_layers()[0])
    check(settings["t"] == 90 and settings["seed"] == 5, settings)
    other, same_layer = photo(96, 64)
    scripted, = make("regenerate", other, [same_layer], t=90.0, seed=5)
    same(made, raw(scripted), "from the dialog and from a script")
    other.delete()
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: len(image.get_layers()) == 1)
    same(raw(layer), before, "after undo")

with Test("regenerate: cancel changes nothing"):
    dialog = open_dialog(frame, "Regenerate...", "Regenerate")
    press(find(dialog, "push button", "Cancel"))
    no_window("Regenerate")
    check(len(image.get_layers()) == 1, "there is a new layer")

with Test("generate: into a new image"):
    dialog = open_dialog(frame, "Generate...", "Generate")
    check_names(dialog)
    time.sleep(2)
    keep("generate")
    press(find(dialog, "push button", "Generate"))
    no_window("Generate")
    wait("the new image", lambda: len(Gimp.get_images()) == 2)

with Test("interpolate: with another layer"):
    second = layer.copy()
    image.insert_layer(second, None, 0)
    image.set_selected_layers([layer])
    Gimp.displays_flush()
    dialog = open_dialog(frame, "Interpolate...", "Interpolate")
    check_names(dialog)
    time.sleep(2)
    keep("interpolate")
    press(find(dialog, "push button", "Interpolate"))
    no_window("Interpolate")
    wait("the layer between", lambda: len(image.get_layers()) == 3)

display.delete()

# Long enough to be stopped on the way.
image, layer = photo(600, 500)
display, frame = shown(image, "600x500")
before = raw(layer)


def start():
    dialog = open_dialog(frame, "Regenerate...", "Regenerate")
    set_value(find(dialog, "spin button", "Change"), 99)
    press(find(dialog, "push button", "Regenerate"))
    running = window("Regenerating")
    wait("the first steps", lambda: state(find(running, "push button", "Stop"), "SENSITIVE")
         and value(find(running, "progress bar")) > 0.1)
    return running


with Test("regenerate: stop keeps what there is"):
    running = start()
    keep("running")
    press(find(running, "push button", "Stop"))
    no_window("Regenerating")
    wait("the new layer", lambda: len(image.get_layers()) == 2)
    check((raw(image.get_layers()[0]) != before).any(), "nothing changed")
    check(remembered(image.get_layers()[0])["stopped"], "it does not say that it was stopped")
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: len(image.get_layers()) == 1)

with Test("regenerate: cancel while it runs changes nothing"):
    running = start()
    press(find(running, "push button", "Cancel"))
    no_window("Regenerating")
    time.sleep(1)
    check(len(image.get_layers()) == 1 and (raw(layer) == before).all(), "something changed")

finish()
