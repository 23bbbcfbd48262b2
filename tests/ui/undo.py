# SPDX-License-Identifier: GPL-3.0-or-later
# Each run is one step of the undo history, which brings back what was there to the last bit, and takes it away again.
from desktop import *
from filters import *

WIDTH, HEIGHT = 60, 50


def state(image):
    return [(layer.get_name(), layer.get_parasite("gimp-diffusion") is not None, raw(layer).tobytes())
            for layer in image.get_layers()]


def undo(frame, entry, image, expected):
    menu(frame, "Edit", entry)
    wait(entry, lambda: state(image) == expected, 20)


image, layer = photo(WIDTH, HEIGHT, precision=P.U16_NON_LINEAR, alpha=True)
second = layer.copy()
image.insert_layer(second, None, 0)
image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
image.select_ellipse(Gimp.ChannelOps.REPLACE, 8, 6, 40, 36)
Gimp.Selection.feather(image, 8)
display = Gimp.Display.new(image)
image.clean_all()
Gimp.displays_flush()
frame = wait("the image window", lambda: [w for w in windows() if "%dx%d" % (WIDTH, HEIGHT) in w.get_name()])[0]
before = state(image)
for verb, more in (("denoise", {"sigma": 20.0}),
                   ("denoise", {"sigma": 20.0, "new_layer": True}),
                   ("regenerate", {"t": 60.0, "steps": 2}),
                   ("regenerate", {"t": 60.0, "steps": 2, "new_layer": False}),
                   ("generate", {"target": "layer", "steps": 2, "count": 2}),
                   ("generate", {"target": "selection", "steps": 2}),
                   ("generate", {"target": "selection", "steps": 2, "new_layer": False}),
                   ("interpolate", {"t": 60.0, "steps": 2, "lambda": "0.3 0.6"})):
    with Test("%s %s" % (verb, more)):
        status, values = run(verb, image, [layer, second], **more)
        check(status == SUCCESS, values)
        after = state(image)
        check(after != before, "nothing changed")
        Gimp.displays_flush()
        undo(frame, "Undo", image, before)
        check(not image.is_dirty(), "one step did not take it back")
        undo(frame, "Redo", image, after)
        undo(frame, "Undo", image, before)
display.delete()

finish()
