# SPDX-License-Identifier: GPL-3.0-or-later
# Windows and what is in them, as a screen reader sees and uses them.
import os
import signal
import subprocess
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi

from gimptest import *
from mainloop import check_main_loop

# Generous: nothing here is about speed, and machines that test are busy.
PATIENCE = 120

Atspi.init()
Atspi.set_timeout(20000, 60000)


def wait(what, condition, patience=PATIENCE):
    """Until condition () is true; its value. Programs that are starting or ending answer with errors."""
    end = time.monotonic() + patience
    while True:
        try:
            value = condition()
        except Exception as error:
            value = None
            if time.monotonic() > end:
                raise AssertionError("%s: %s" % (what, error))
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.1)


def children(node):
    for i in range(node.get_child_count()):
        child = node.get_child_at_index(i)
        if child is not None:
            yield child


def walk(node):
    yield node
    for child in children(node):
        yield from walk(child)


def state(node, name):
    return node.get_state_set().contains(getattr(Atspi.StateType, name))


def windows():
    """All windows that are shown, of all programs."""
    desktop = Atspi.get_desktop(0)
    found = []
    for i in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(i)
        try:
            found += [w for w in children(program) if state(w, "SHOWING")]
        except Exception:
            pass
    return found


def window(title, role=None):
    """The window whose title has these words."""
    def search():
        for candidate in windows():
            if title in candidate.get_name() and (role is None or has_role(candidate, role)):
                return candidate
    return wait("the window “%s”" % title, search)


def no_window(title):
    wait("“%s” to close" % title, lambda: not [w for w in windows() if title in w.get_name()])


def has_role(node, role):
    """Since at-spi2 2.56 a push button is called a button."""
    return node.get_role_name().replace("push button", "button") == role.replace("push button", "button")


def find(node, role, name=None, showing=True, exact=False):
    def search():
        for candidate in walk(node):
            if has_role(candidate, role) and (name is None or name == candidate.get_name()
                                              or (name in candidate.get_name() and not exact)):
                if not showing or state(candidate, "SHOWING"):
                    return candidate
    return wait("%s “%s”" % (role, name), search)


def find_all(node, role):
    return [candidate for candidate in walk(node) if has_role(candidate, role)]


def press(node):
    """What pressing the space key on it does."""
    action = node.get_action_iface()
    if action is None or not action.do_action(0):
        raise AssertionError("“%s” cannot be pressed" % node.get_name())


def menu(frame, *path):
    """Chooses from the menu bar; names as they are without mnemonic."""
    node = wait("the menu bar", lambda: [n for n in walk_shallow(frame, 4) if n.get_role_name() == "menu bar"])[0]
    for i, name in enumerate(path):
        node = wait("the menu entry “%s”" % name,
                    lambda: [n for n in walk_shallow(node, 2) if n.get_name().startswith(name) and n != node])[0]
        if i == len(path) - 1:
            wait("“%s” to be usable" % name, lambda: state(node, "SENSITIVE"))
            press(node)


def walk_shallow(node, depth):
    yield node
    if depth > 0:
        for child in children(node):
            yield from walk_shallow(child, depth - 1)


def value(node):
    return node.get_value_iface().get_current_value()


def set_value(node, number):
    node.get_value_iface().set_current_value(number)


def text(node):
    return Atspi.Text.get_text(node, 0, -1)


def entries(combo):
    return [n.get_name() for n in walk(combo) if n.get_role_name() in ("menu item", "list item", "table cell", "icon")]


def chosen(combo):
    """What a list shows of itself."""
    selected = combo.get_selection_iface().get_selected_child(0)
    return selected.get_name() if selected else ""


def choose(combo, name):
    """The entry of a list whose name begins so."""
    index = wait("the entry “%s”" % name,
                 lambda: [i + 1 for i, entry in enumerate(entries(combo)) if entry.startswith(name)])[0] - 1
    wait("“%s” to be chosen" % name, lambda: combo.get_selection_iface().select_child(index))


def check_names(dialog):
    """All that can be used has a name for screen readers."""
    for node in walk(dialog):
        if state(node, "FOCUSABLE") and state(node, "SHOWING") and node.get_role_name() not in ("dialog", "viewport"):
            assert (node.get_name() or node.get_description() or
                    [r for r in node.get_relation_set() if r.get_relation_type() == Atspi.RelationType.LABELLED_BY]), (
                        "a %s has no name" % node.get_role_name())


def place(node):
    """x, y, width, height on the screen."""
    extents = node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    return extents.x, extents.y, extents.width, extents.height


def mouse(*words):
    subprocess.run(["xdotool"] + [str(word) for word in words], check=True)


def screenshot(path, region=None):
    """The screen or x, y, width, height of it, as a file and as a list of rows of bytes."""
    command = ["import", "-window", "root"]
    if region:
        command += ["-crop", "%dx%d+%d+%d" % (region[2], region[3], region[0], region[1]), "+repage"]
    subprocess.run(command + [path], check=True)


def screen_pixels(region):
    command = ["import", "-window", "root", "-crop", "%dx%d+%d+%d" % (region[2], region[3], region[0], region[1]),
               "+repage", "-depth", "8", "rgb:-"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def keep(name, region=None):
    """A screenshot for those who look at the results, where UI_SHOTS names a folder."""
    folder = os.environ.get("UI_SHOTS")
    if folder:
        screenshot(os.path.join(folder, name + ".png"), region)


def kill_plugin():
    victims = plugin_processes()
    assert victims, "no process to kill"
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    wait("the process to end", lambda: not plugin_processes())
    # GIMP says that it crashed.
    for note in [w for w in windows() if "Message" in w.get_name()]:
        press(find(note, "button"))


def check_undo_history(frame, layer):
    """What is done to the layer is one step, and can be taken back."""
    before = raw(layer)
    Gimp.context_set_foreground(Gegl.Color.new("red"))
    layer.edit_fill(Gimp.FillType.FOREGROUND)
    check((raw(layer) != before).any(), "the layer cannot be painted on any more")
    Gimp.displays_flush()
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: (raw(layer) == before).all())
