# SPDX-License-Identifier: GPL-3.0-or-later
# The dialogs of Regenerate, Generate and Interpolate, as people use them; pixels compared after them.
from filters import *
from desktop import *


def shown(image):
    display = Gimp.Display.new(image)
    image.clean_all()
    Gimp.displays_flush()
    size = "%dx%d" % (image.get_width(), image.get_height())
    return display, wait("the image window", lambda: [w for w in windows() if size in w.get_name()])[0]


def open_dialog(frame, entry):
    menu(frame, "Filters", "Diffusion", entry + "...")
    dialog = window(entry, "dialog")
    computed(dialog)
    return dialog


def computed(dialog):
    return wait("the preview", lambda: [n for n in find_all(dialog, "label") if "Takes about" in n.get_name()
                                        and "measured" not in n.get_name()])


def close_all_but(kept):
    """The windows that results were shown in, so that menus are about the image before."""
    for number in range(1, 100):
        display = Gimp.Display.get_by_id(number)
        if display and display.is_valid() and display != kept:
            display.delete()
    Gimp.displays_flush()


def end(dialog, button, title):
    press(find(dialog, "button", button))
    no_window(title)


def undo(frame, done):
    menu(frame, "Edit", "Undo")
    wait("undo", done)


def number(dialog, name, to):
    spin = find(dialog, "spin button", name)
    set_value(spin, to)
    wait("%s to be %g" % (name, to), lambda: value(spin) == to)


def preview(dialog, other_than=None):
    """What the right half of the preview shows, once it does not change any more, and is not what it was."""
    x, y, width, height = place(find(dialog, "drawing area", "Preview"))
    region = x + width // 2 + 20, y + 40, width // 2 - 40, height - 60
    computed(dialog)
    seen = screen_pixels(region)

    def settled():
        nonlocal seen
        time.sleep(0.3)
        previous, seen = seen, screen_pixels(region)
        return previous == seen != other_than
    wait("the preview to be another", settled)
    return seen


image, layer = photo(96, 64)
display, frame = shown(image)
before = raw(layer)

with Test("regenerate: every control has a name and changes the preview or the result"):
    dialog = open_dialog(frame, "Regenerate")
    check_names(dialog)
    choose(find(dialog, "combo box", "Model"), "classes")
    choose(find(dialog, "combo box", "Class"), "wood")
    number(dialog, "Change", 10)
    wait("words for little change", lambda: [n for n in find_all(dialog, "label") if n.get_name().startswith("Keeps")])
    words = [n.get_name() for n in find_all(dialog, "label") if n.get_name().startswith("Keeps")]
    little = preview(dialog)
    number(dialog, "Change", 90)
    wait("other words", lambda: [n for n in find_all(dialog, "label") if n.get_name().startswith("Keeps")
                                 and n.get_name() not in words])
    much = preview(dialog, little)
    seed = value(find(dialog, "spin button", "Seed"))
    press(find(dialog, "button", "Another"))
    wait("another seed", lambda: value(find(dialog, "spin button", "Seed")) != seed)
    preview(dialog, much)
    number(dialog, "Seed", 5)
    press(find(dialog, "toggle button", "More settings"))
    choose(find(dialog, "combo box", "Sampler"), "Fastest")
    number(dialog, "Steps", 4)
    preview(dialog)
    keep("regenerate")

with Test("regenerate: OK gives what a script gives, as a new layer, in one undo step"):
    end(dialog, "Regenerate", "Regenerate")
    wait("the new layer", lambda: len(image.get_layers()) == 2 and remembered(image.get_layers()[0]))
    made = raw(image.get_layers()[0])
    settings = remembered(image.get_layers()[0])
    check(settings["t"] == 90 and settings["seed"] == 5 and settings["steps"] == 4 and settings["class"] == "wood", settings)
    other, same_layer = photo(96, 64)
    scripted, = make("regenerate", other, [same_layer], model="classes", t=90.0, seed=5, sampler="dpm++", steps=4,
                     **{"class": "wood"})
    same(made, raw(scripted), "from the dialog and from a script")
    other.delete()
    undo(frame, lambda: len(image.get_layers()) == 1)
    same(raw(layer), before, "after undo")

with Test("regenerate: repeat with the last values"):
    menu(frame, "Filters", "Repeat")
    wait("the new layer", lambda: len(image.get_layers()) == 2 and remembered(image.get_layers()[0]))
    same(raw(image.get_layers()[0]), made, "repeated")

with Test("repeat with the settings of a layer"):
    image.set_selected_layers([image.get_layers()[0]])
    Gimp.displays_flush()
    menu(frame, "Filters", "Diffusion", "Repeat with")
    wait("the new layer", lambda: len(image.get_layers()) == 3 and remembered(image.get_layers()[0]))
    same(raw(image.get_layers()[0]), made, "repeated")
    for _ in range(2):
        layers = len(image.get_layers())
        undo(frame, lambda: len(image.get_layers()) == layers - 1)

with Test("regenerate: cancel changes nothing"):
    image.clean_all()
    end(open_dialog(frame, "Regenerate"), "Cancel", "Regenerate")
    check(len(image.get_layers()) == 1 and not image.is_dirty(), "the image changed")

with Test("generate: every control, into a new image"):
    dialog = open_dialog(frame, "Generate")
    check_names(dialog)
    choose(find(dialog, "combo box", "Model"), "classes")
    choose(find(dialog, "combo box", "Class"), "wool")
    first = preview(dialog)
    number(dialog, "Size", 24)
    number(dialog, "Height", 16)
    number(dialog, "Count", 2)
    press(find(dialog, "check box", "Seamless"))
    number(dialog, "Seed", 3)
    preview(dialog, first)
    press(find(dialog, "toggle button", "More settings"))
    number(dialog, "Steps", 5)
    preview(dialog)
    keep("generate")
    images = Gimp.get_images()
    end(dialog, "Generate", "Generate")
    new = wait("the new image", lambda: [i for i in Gimp.get_images() if i not in images])[0]
    wait("its layers", lambda: len(new.get_layers()) == 2 and all(remembered(each) for each in new.get_layers()))
    pictures = [raw(each) for each in new.get_layers()]
    close_all_but(display)
    scripted = make("generate", None, [], model="classes", size="24x16", count=2, seamless=True, seed=3, steps=5,
                    **{"class": "wool"})
    for i, made in enumerate(scripted):
        same(pictures[i], raw(made), "picture %d" % i)
    scripted[0].get_image().delete()

with Test("generate: into the selection, nothing else changes"):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 30, 20, 30, 24)
    Gimp.displays_flush()
    dialog = open_dialog(frame, "Generate")
    choose(find(dialog, "combo box", "Into"), "The selection")
    preview(dialog)
    keep("generate-selection")
    end(dialog, "Generate", "Generate")
    wait("the new layer", lambda: len(image.get_layers()) == 2 and remembered(image.get_layers()[0]))
    made = raw(image.get_layers()[0])
    changed = (made != before).any(axis=2)
    check(changed[20:44, 30:60].mean() > 0.9, "the selection was not filled")
    changed[20:44, 30:60] = False
    check(not changed.any(), "pixels outside changed")
    other, same_layer = photo(96, 64)
    other.select_rectangle(Gimp.ChannelOps.REPLACE, 30, 20, 30, 24)
    scripted, = make("generate", other, [same_layer], target="selection", model="classes", seed=3, steps=5, **{"class": "wool"})
    same(made, raw(scripted), "from the dialog and from a script")
    other.delete()
    undo(frame, lambda: len(image.get_layers()) == 1)
    Gimp.Selection.none(image)

with Test("interpolate: every control, with another layer, as new layers"):
    second = layer.copy()
    image.insert_layer(second, None, 0)
    put_raw(second, raw(layer)[::-1])
    image.set_selected_layers([layer])
    Gimp.displays_flush()
    dialog = open_dialog(frame, "Interpolate")
    check_names(dialog)
    one = preview(dialog)
    number(dialog, "Change", 60)
    number(dialog, "New layers", 3)
    choose(find(dialog, "combo box", "Noise"), "Each its own")
    number(dialog, "Seed", 4)
    preview(dialog, one)
    keep("interpolate")
    end(dialog, "Interpolate", "Interpolate")
    made = wait("the layers between", lambda: len(image.get_layers()) == 5 and [
        raw(each) for each in image.get_layers() if each not in (layer, second) and remembered(each)])
    check(len(made) == 3, "%d layers" % len(made))
    undo(frame, lambda: len(image.get_layers()) == 2)
    scripted = make("interpolate", image, [layer], t=60.0, noise="slerp", seed=4,
                    **{"with": second, "lambda": "0.25 0.5 0.75"})
    for one, other in zip(made, scripted):
        same(one, raw(other), "from the dialog and from a script")

display.delete()

with Test("generate: with no image open"):
    frame = wait("the empty window", lambda: [w for w in windows() if w.get_name() == "GNU Image Manipulation Program"])[0]
    dialog = open_dialog(frame, "Generate")
    preview(dialog)
    images = Gimp.get_images()
    end(dialog, "Generate", "Generate")
    new = wait("the new image", lambda: [i for i in Gimp.get_images() if i not in images])[0]
    wait("its layer", lambda: remembered(new.get_layers()[0]))
    scripted, = make("generate", None, [], model="classes", size="24x16", seed=3, steps=5, **{"class": "wool"})
    same(raw(new.get_layers()[0]), raw(scripted), "from the dialog and from a script")

# Long enough to be stopped on the way.
image, layer = photo(900, 700)
display, frame = shown(image)
before = raw(layer)


def start():
    dialog = open_dialog(frame, "Regenerate")
    choose(find(dialog, "combo box", "Sampler", showing=False), "Thorough")
    number(dialog, "Change", 99)
    computed(dialog)
    press(find(dialog, "button", "Regenerate"))
    running = window("Regenerating")
    wait("the first steps", lambda: state(find(running, "button", "Stop"), "SENSITIVE")
         and value(find(running, "progress bar")) > 0.1)
    return running


with Test("regenerate: stop keeps what there is"):
    running = start()
    keep("running")
    end(running, "Stop", "Regenerating")
    wait("the new layer", lambda: len(image.get_layers()) == 2 and remembered(image.get_layers()[0]))
    check((raw(image.get_layers()[0]) != before).any(), "nothing changed")
    check(remembered(image.get_layers()[0])["stopped"], "it does not say that it was stopped")
    same(raw(layer), before, "the layer below")
    undo(frame, lambda: len(image.get_layers()) == 1)

with Test("regenerate: cancel while it runs changes nothing"):
    image.clean_all()
    end(start(), "Cancel", "Regenerating")
    time.sleep(1)
    check(len(image.get_layers()) == 1 and not image.is_dirty(), "the image changed")
    same(raw(layer), before, "the layer")


with Test("regenerate: killed on the way, image and undo history stay sound"):
    start()
    kill_plugin()
    no_window("Regenerating")
    check(len(image.get_layers()) == 1, "a new layer")
    same(raw(layer), before, "the layer")
    check_undo_history(frame, layer)

with Test("generate: with a large model the dialog is alive, and what changes while it computes is made"):
    models = os.path.join(os.environ["XDG_DATA_HOME"], "gimp-diffusion", "models")
    os.makedirs(models)
    subprocess.run([os.environ["DIFFUSION_TINY_UNET"], "--large", os.path.join(models, "large")], check=True)
    dialog = open_dialog(frame, "Generate")
    press(find(dialog, "toggle button", "More settings"))
    number(dialog, "Steps", 10)
    choose(find(dialog, "combo box", "Model"), "large")
    # Each time what runs has to end first.
    for size in (48, 64, 56, 64):
        number(dialog, "Size", size)
        number(dialog, "Height", size)
    number(dialog, "Count", 2)
    preview(dialog)
    end(dialog, "Generate", "Generate")
    running = window("Generating")
    wait("the first steps", lambda: state(find(running, "button", "Stop"), "SENSITIVE"))
    images = Gimp.get_images()
    end(running, "Stop", "Generating")
    new = wait("the new image", lambda: [i for i in Gimp.get_images() if i not in images])[0]
    check(new.get_width() == 64 and new.get_height() == 64, "it has %d×%d pixels" % (new.get_width(), new.get_height()))
    close_all_but(display)

with Test("generate: killed on the way, image and undo history stay sound"):
    dialog = open_dialog(frame, "Generate")
    choose(find(dialog, "combo box", "Into"), "New layers")
    computed(dialog)
    end(dialog, "Generate", "Generate")
    running = window("Generating")
    wait("the first steps", lambda: state(find(running, "button", "Stop"), "SENSITIVE"))
    kill_plugin()
    no_window("Generating")
    check(len(image.get_layers()) == 1, "a new layer")
    same(raw(layer), before, "the layer")
    check_undo_history(frame, layer)

display.delete()

with Test("the main loop was alive while the networks ran"):
    check_main_loop()

finish()
