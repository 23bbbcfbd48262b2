# SPDX-License-Identifier: GPL-3.0-or-later
# Each dialog with the keyboard alone: opened from the menu, settings typed, Return does it; the pixels are compared. Then
# its settings are there the next time, are saved, loaded and reset with GIMP's own buttons, and Tab comes to all of it.
from filters import *
from desktop import *

SIZE = 64, 48


def key(*names):
    mouse("key", "--delay", "20", *names)


def shown_settings(dialog, names):
    return {name: value(find(dialog, "spin button", name)) for name in names}


def active(node):
    wait("“%s” to have the keyboard" % node.get_name(), lambda: state(node, "ACTIVE"))


def computed(dialog):
    return wait("the preview", lambda: [n for n in find_all(dialog, "label") if "Takes about" in n.get_name()])


def go_to_entry(node, name):
    """With the arrow keys, in an open menu."""
    target = wait("the menu entry “%s”" % name,
                  lambda: [n for n in walk_shallow(node, 2) if n.get_name().startswith(name) and n != node])[0]
    for _ in range(60):
        if state(target, "SELECTED"):
            return target
        key("Up")
    raise AssertionError("the keys do not come to “%s”" % name)


def open_with_keys(entry):
    menu_bar = wait("the menu bar", lambda: [n for n in walk_shallow(frame, 4) if n.get_role_name() == "menu bar"])[0]
    filters = wait("the menu", lambda: [n for n in children(menu_bar) if n.get_name() == "Filters"])[0]
    active(frame)
    key("alt+r")
    wait("the menu to open", lambda: state(filters, "SELECTED"))
    submenu = go_to_entry(filters, "Diffusion")
    key("Right")
    go_to_entry(submenu, entry)
    key("Return")
    dialog = window(entry, "dialog")
    active(dialog)
    return dialog


def open_dialog(entry):
    menu(frame, "Filters", "Diffusion", entry + "...")
    dialog = window(entry, "dialog")
    active(dialog)
    return dialog


def usable(dialog):
    """Everything that can have the keyboard."""
    return [n for n in walk(dialog) if n != dialog and all(state(n, name) for name in ("FOCUSABLE", "SHOWING", "SENSITIVE"))]


def describe(node):
    return "%s “%s”" % (node.get_role_name(), node.get_name())


def focused(nodes):
    """The one that has the keyboard; None where a list has it, of which GTK does not say so."""
    return next((n for n in nodes if state(n, "FOCUSED")), None)


def tab(nodes):
    """To the next control."""
    before = focused(nodes)
    key("Tab")
    try:
        wait("another control", lambda: not state(before, "FOCUSED") if before else focused(nodes), 5 if before else 1)
    except AssertionError:
        check(not before, "Tab does not leave it")
    return focused(nodes)


def tab_to(dialog, role, name):
    target, nodes = find(dialog, role, name), usable(dialog)
    for _ in nodes:
        if state(target, "FOCUSED"):
            break
        tab(nodes)
    check(state(target, "FOCUSED"), "Tab does not come to “%s”" % name)
    return target


def enter(dialog, name, number):
    tab_to(dialog, "spin button", name)
    key("ctrl+a")
    mouse("type", number)


def check_tab(dialog):
    """Tab comes to everything, and goes round."""
    lists = [n for n in usable(dialog) if n.get_role_name() == "combo box"]
    nodes = [n for n in usable(dialog) if n not in lists]
    reached, steps = set(), 0
    while steps < 2 * len(nodes) and not (set(nodes) <= reached):
        reached.add(tab(nodes))
        steps += 1
    missed = [n for n in nodes if n not in reached]
    check(not missed, "Tab does not come to " + ", ".join(map(describe, missed)))
    check(steps >= len(nodes) + len(lists) - 1, "Tab does not come to all lists")


def reset(dialog, entry):
    """An entry of what the Reset button shows."""
    press(wait("the Reset button", lambda: [n for n in walk(dialog) if n.get_name() == "Reset"
                                            and n.get_action_iface() is not None])[0])
    press(wait("“%s”" % entry, lambda: [n for w in windows() if w != frame for n in walk(w)
                                        if n.get_name().startswith(entry)
                                        and state(n, "SHOWING")])[0])


def denoise_with_keys(dialog):
    tab_to(dialog, "check box", "Automatic")
    key("space")
    wait("the level", lambda: state(find(dialog, "spin button", "Level"), "SENSITIVE"))
    enter(dialog, "Level", 30)
    enter(dialog, "Strength", 60)


def more_settings(dialog):
    tab_to(dialog, "toggle button", "More settings")
    key("space")
    wait("more settings", lambda: state(find(dialog, "spin button", "Steps", showing=False), "SHOWING"))


def regenerate_with_keys(dialog):
    enter(dialog, "Change", 60)
    enter(dialog, "Seed", 7)
    more_settings(dialog)
    enter(dialog, "Steps", 3)


def generate_with_keys(dialog):
    combo = find(dialog, "combo box", "Into")
    key("alt+i")
    key("Down")
    wait("“New layers” to be chosen", lambda: chosen(combo).startswith("New layers"))
    enter(dialog, "Size", 24)
    enter(dialog, "Height", 16)
    enter(dialog, "Count", 2)
    enter(dialog, "Seed", 5)
    more_settings(dialog)
    enter(dialog, "Steps", 3)


def interpolate_with_keys(dialog):
    enter(dialog, "Change", 60)
    enter(dialog, "New layers", 2)
    enter(dialog, "Seed", 4)


# What to do with keys, what the dialog shows of it the next time, what it is in a script, and what the dialog shows when it
# is used first.
DIALOGS = {
    "Denoise": (denoise_with_keys, {"Level": 30, "Strength": 60}, {"sigma": 30.0, "strength": 0.6}, {"Strength": 100}),
    "Regenerate": (regenerate_with_keys, {"Change": 60, "Seed": 7}, {"t": 60.0, "seed": 7, "steps": 3, "sampler": "ddim"},
                   {"Seed": 0}),
    "Generate": (generate_with_keys, {"Size": 24, "Height": 16, "Count": 2, "Seed": 5},
                 {"target": "layer", "size": "24x16", "count": 2, "seed": 5, "steps": 3}, {"Count": 1, "Seed": 0}),
    "Interpolate": (interpolate_with_keys, {"Change": 60, "New layers": 2, "Seed": 4},
                    {"t": 60.0, "lambda": "0.333333 0.666667", "seed": 4}, {"New layers": 1, "Seed": 0}),
}


def picture():
    image, layer = photo(*SIZE)
    second = layer.copy()
    put_raw(second, raw(layer)[::-1])
    image.insert_layer(second, None, 0)
    layers = [layer, second]
    return image, layers


def results(count):
    """The layers of the image that remember what they were made with, when there are so many."""
    made = [layer for layer in image.get_layers() if layer.get_parasite("gimp-diffusion")]
    return made if len(made) == count else None


image, layers = picture()
display = Gimp.Display.new(image)
frame = wait("the image window", lambda: [w for w in windows() if "%dx%d" % SIZE in w.get_name()])[0]
before = [raw(layer).tobytes() for layer in layers]
for entry, (with_keys, settings, script, usual) in DIALOGS.items():
    verb = entry.lower()
    image.set_selected_layers(layers if verb == "interpolate" else layers[:1])
    image.clean_all()
    Gimp.displays_flush()
    with Test(verb + ": with the keyboard alone, from the menu to the result"):
        dialog = open_with_keys(entry)
        usual = {**shown_settings(dialog, set(settings) - {"Level"}), **usual}
        with_keys(dialog)
        keep("keys-" + verb)
        key("Return")
        no_window(entry)
        other, others = picture()
        # From top to bottom, as GIMP hands out what is selected.
        scripted = make(verb, other, others[::-1] if verb == "interpolate" else others[:1], **script)
        made = wait("the result", lambda: results(len(scripted)))
        for one, layer in zip(made, scripted):
            same(raw(one), raw(layer), "with keys and in a script")
        other.delete()
        active(frame)
        key("ctrl+z")
        wait("undo", lambda: [raw(layer).tobytes() for layer in image.get_layers()[::-1]] == before)

    with Test(verb + ": the last settings, saved, loaded and reset"):
        dialog = open_dialog(entry)
        check(shown_settings(dialog, settings) == settings, shown_settings(dialog, settings))
        press(find(dialog, "button", "Save Settings"))
        for name, number in settings.items():
            set_value(find(dialog, "spin button", name), number + 8)
        wait("other settings", lambda: shown_settings(dialog, settings) == {n: v + 8 for n, v in settings.items()})
        press(find(dialog, "button", "Load Saved Settings"))
        wait("the saved settings", lambda: shown_settings(dialog, settings) == settings)
        reset(dialog, "Reset to Factory")
        wait("the usual settings", lambda: shown_settings(dialog, usual) == usual)
        computed(dialog)
        keep("reset-" + verb)
        reset(dialog, "Reset to Initial")
        wait("the settings it was opened with", lambda: shown_settings(dialog, settings) == settings)

    with Test(verb + ": everything can be come to with Tab and has a name; Escape leaves"):
        computed(dialog)
        if verb != "denoise":
            press(find(dialog, "toggle button", "More settings"))
            find(dialog, "spin button", "Steps")
        check_names(dialog)
        check_tab(dialog)
        key("Escape")
        no_window(entry)
        check(not image.is_dirty(), "the image changed")

with Test("denoise: of a layer whose mask is selected it is said that the mask changes"):
    mask = layers[0].create_mask(Gimp.AddMaskType.WHITE)
    layers[0].add_mask(mask)
    layers[0].set_edit_mask(True)
    image.set_selected_layers(layers[:1])
    Gimp.displays_flush()
    dialog = open_dialog("Denoise")
    wait("words about the mask", lambda: [n for n in find_all(dialog, "label") if "mask is selected" in n.get_name()])
    keep("mask")
    key("Escape")
    no_window("Denoise")

with Test("denoise: of a layer group it is said what to choose instead"):
    group = Gimp.GroupLayer.new(image, "the group")
    image.insert_layer(group, None, 0)
    image.set_selected_layers([group])
    Gimp.displays_flush()
    menu(frame, "Filters", "Diffusion", "Denoise...")
    said = window("Message")
    check([n for n in find_all(said, "label") if "“the group” is a layer group" in n.get_name()], "other words")
    press(find(said, "button", "OK"))
    check(not [w for w in windows() if w.get_name() == "Denoise"], "the dialog is there all the same")

display.delete()
finish()
