# SPDX-License-Identifier: GPL-3.0-or-later
# The Denoise dialog, as people use it: every control, the preview, OK, stop, cancel, repeat; pixels compared after it.
import json
import time

from gimptest import *
from desktop import *

SIZE = 640, 480
TITLE = "Denoise"
RUNNING = "Denoising"


def open_image(width, height):
    image = make_image(width, height)
    layer = add_layer(image, width, height, name="photo")
    fill_noise(layer)
    display = Gimp.Display.new(image)
    image.clean_all()
    Gimp.displays_flush()
    frame = wait("the image window", lambda: [w for w in windows() if "%dx%d" % (width, height) in w.get_name()])[0]
    return image, layer, display, frame


def close_image(image, display):
    display.delete()


def open_dialog(frame):
    menu(frame, "Filters", "Diffusion", "Denoise...")
    dialog = window(TITLE, "dialog")
    automatic = find(dialog, "check box", "Automatic")
    if state(automatic, "CHECKED"):
        press(automatic)
    return dialog


def area(dialog):
    return place(find(dialog, "drawing area", "Preview"))


def computed(dialog):
    """The preview is there: what it costs is said."""
    return wait("the preview", lambda: [n for n in find_all(dialog, "label") if "Takes about" in n.get_name()])


def position(part, whole):
    """Where a part of the picture was cut out: left, top."""
    rows, columns = whole.shape[0] - part.shape[0] + 1, whole.shape[1] - part.shape[1] + 1
    distance = np.zeros((rows, columns))
    for y in range(0, part.shape[0], 13):
        for x in range(0, part.shape[1], 13):
            distance += np.abs(whole[y:y + rows, x:x + columns] - part[y, x]).sum(axis=2)
    top, left = np.unravel_index(distance.argmin(), distance.shape)
    return left, top


image, layer, display, frame = open_image(*SIZE)
before = raw(layer)

with Test("open from the menu, and see the preview"):
    dialog = open_dialog(frame)
    computed(dialog)
    keep("dialog")
    x, y, width, height = area(dialog)
    check(width >= 400 and height >= 300, "the preview has only %d×%d pixels" % (width, height))

with Test("every control has a name for screen readers"):
    check_names(dialog)

with Test("every control changes the setting"):
    moved = {"Level": 40, "Strength": 150, "Brightness": 80, "Color": 60, "Detail": 50, "Passes": 2}
    for name, number in moved.items():
        spin = find(dialog, "spin button", name)
        set_value(spin, number)
        wait("%s to be %g" % (name, number), lambda: abs(value(spin) - number) < 0.01)

with Test("the preview follows the controls, and the divider can be dragged"):
    computed(dialog)
    x, y, width, height = area(dialog)
    right = (x + width // 2 + 30, y + 40, width // 2 - 60, height - 80)
    set_value(find(dialog, "spin button", "Passes"), 1)
    set_value(find(dialog, "spin button", "Strength"), 0)
    time.sleep(1)
    shown = []
    for strength in (0, 200):
        set_value(find(dialog, "spin button", "Strength"), strength)
        previous = shown[-1] if shown else None
        wait("the preview to change", lambda: screen_pixels(right) != previous)
        time.sleep(2)
        computed(dialog)
        shown.append(screen_pixels(right))
    check(shown[0] != shown[1], "strength changes nothing in the preview")
    middle = x + width // 2, y + height // 2
    mouse("mousemove", *middle, "mousedown", 1, "mousemove", x + width - 20, middle[1], "mousemove", x + width - 5,
          middle[1], "mouseup", 1)
    wait("before on both sides", lambda: screen_pixels(right) != shown[1])
    mouse("mousemove", x + width - 5, middle[1], "mousedown", 1, "mousemove", x + width // 2 + 10, middle[1],
          "mousemove", *middle, "mouseup", 1)
    wait("the divider in the middle", lambda: screen_pixels(right) == shown[1])

with Test("zoom, drag and keyboard"):
    press(find(dialog, "button", "Zoom in"))
    wait("200 %", lambda: [n for n in find_all(dialog, "label") if n.get_name() == "200 %"])
    zoomed = screen_pixels(right)
    mouse("mousemove", x + width // 4, y + height // 2, "mousedown", 1, "mousemove", x + width // 4 - 40,
          y + height // 2 - 30, "mousemove", x + width // 4 - 60, y + height // 2 - 40, "mouseup", 1)
    wait("another part", lambda: screen_pixels(right) != zoomed)
    mouse("key", "1")
    wait("100 %", lambda: [n for n in find_all(dialog, "label") if n.get_name() == "100 %"])

with Test("cancel changes nothing"):
    press(find(dialog, "button", "Cancel"))
    no_window(TITLE)
    check((raw(layer) == before).all() and not image.is_dirty(), "the image changed")

with Test("OK: the pixels are those of the same settings in a script, in one undo step"):
    dialog = open_dialog(frame)
    set_value(find(dialog, "spin button", "Level"), 30)
    set_value(find(dialog, "spin button", "Color"), 70)
    computed(dialog)
    press(find(dialog, "button", "Denoise"))
    no_window(TITLE)
    wait("the result", lambda: (raw(layer) != before).any())
    result = raw(layer)
    other = make_image(*SIZE)
    same = add_layer(other, *SIZE)
    put_raw(same, before)
    status, message = denoise(other, [same], sigma=30, chroma=0.7)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check((raw(same) == result).all(), "not the same pixels")
    other.delete()
    settings = json.loads(bytes(layer.get_parasite("gimp-diffusion").get_data()).rstrip(b"\0"))
    check(settings["sigma"] == 30 and abs(settings["chroma"] - 0.7) < 1e-9, settings)
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: (raw(layer) == before).all())
    check(layer.get_parasite("gimp-diffusion") is None, "the settings stayed")

with Test("repeat with the last values"):
    menu(frame, "Filters", "Repeat")
    wait("the same result", lambda: (raw(layer) == result).all())
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: (raw(layer) == before).all())

with Test("the preview shows partly selected pixels as they become"):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, -300, -300, 300 + 3 * SIZE[0] // 4, SIZE[1] + 600)
    Gimp.Selection.feather(image, 200)
    Gimp.displays_flush()
    dialog = open_dialog(frame)
    set_value(find(dialog, "spin button", "Level"), 30)
    set_value(find(dialog, "spin button", "Strength"), 200)
    x, y, width, height = area(dialog)
    middle = x + 3 * width // 4 - 60, y + height // 2 - 60, 120, 120
    previous = None
    while previous != screen_pixels(middle):
        previous = screen_pixels(middle)
        time.sleep(2)
        computed(dialog)
    seen = np.frombuffer(previous, np.uint8).reshape(middle[3], middle[2], 3).astype(int)
    press(find(dialog, "button", "Denoise"))
    no_window(TITLE)
    wait("the result", lambda: (raw(layer) != before).any())
    left, top = position(seen, raw(layer).astype(int))
    place_in = np.s_[top:top + middle[3], left:left + middle[2]]
    mask = selection_over(layer)[place_in]
    check(((mask > 0.1) & (mask < 0.9)).mean() > 0.5, "hardly any pixel there is partly selected")
    check((raw(layer)[place_in] != before[place_in]).mean() > 0.5, "hardly any pixel there changed")
    difference = np.abs(seen - raw(layer)[place_in]).max()
    check(difference <= 1, "the preview is off by up to %d levels" % difference)
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: (raw(layer) == before).all())
    Gimp.Selection.none(image)
    Gimp.displays_flush()

close_image(image, display)

# Large enough to be stopped on the way.
image, layer, display, frame = open_image(3000, 2400)
before = raw(layer)


def start():
    dialog = open_dialog(frame)
    computed(dialog)
    set_value(find(dialog, "spin button", "Passes"), 4)
    computed(dialog)
    press(find(dialog, "button", "Denoise"))
    running = window(RUNNING)
    wait("the first tiles", lambda: value(find(running, "progress bar")) > 0.1)
    return running

with Test("stop keeps what there is, in one undo step"):
    running = start()
    keep("running")
    press(find(running, "button", "Stop"))
    no_window(RUNNING)
    wait("the part that was done", lambda: (raw(layer) != before).any())
    changed = (raw(layer) != before).any(axis=2).mean()
    check(0 < changed < 0.999, "%.1f %% of the pixels changed" % (100 * changed))
    menu(frame, "Edit", "Undo")
    wait("undo", lambda: (raw(layer) == before).all())

with Test("cancel while it runs changes nothing"):
    running = start()
    press(find(running, "button", "Cancel"))
    no_window(RUNNING)
    time.sleep(1)
    check((raw(layer) == before).all(), "pixels changed")

with Test("killed on the way, image and undo history stay sound"):
    for moment in (0.1, 0.9):
        running = start()
        time.sleep(moment)
        kill_plugin()
        no_window(RUNNING)
        check((raw(layer) == before).all(), "pixels changed")
        check_undo_history(frame, layer)

close_image(image, display)

with Test("the main loop was alive while the network ran"):
    check_main_loop()

finish()
