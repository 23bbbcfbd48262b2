# SPDX-License-Identifier: GPL-3.0-or-later
# What regenerate, generate into a selection, and interpolate leave alone: alpha, unselected pixels, precision, profile.
from filters import *

WIDTH, HEIGHT = 20, 16
MATRIX = (P.U8_NON_LINEAR, P.U16_NON_LINEAR, P.FLOAT_NON_LINEAR, P.FLOAT_LINEAR)
QUICK = {"steps": 2}


def prepare(gray, precision, selection):
    """An image with a layer that has alpha and one that has not."""
    image, opaque = photo(WIDTH, HEIGHT, gray, precision)
    other, source = photo(WIDTH, HEIGHT, gray, precision, True)
    layer = Gimp.Layer.new_from_drawable(source, image)
    image.insert_layer(layer, None, 0)
    other.delete()
    if not gray:
        image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
    if selection == "feathered":
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 3, 2, 14, 11)
        Gimp.Selection.feather(image, 3)
    elif selection == "partly outside":
        image.select_rectangle(Gimp.ChannelOps.REPLACE, -5, -5, 15, 14)
    return image, [layer, opaque]


def check_untouched(made, before, layer):
    after, mask, alpha = raw(made), selection_over(layer), layer.has_alpha()
    check(after.dtype == before.dtype and after.shape == before.shape, "another format")
    if alpha:
        check(after[..., -1].tobytes() == before[..., -1].tobytes(), "alpha changed")
    outside, inside = mask <= 0, mask > 0.9
    check(after[outside].tobytes() == before[outside].tobytes(), "pixels outside the selection changed")
    changed = (after != before)[..., :before.shape[2] - alpha].any(axis=2)
    check(inside.any() and changed[inside].mean() > 0.5, "the selected pixels did not change")
    check(np.isfinite(after.astype(float)).all(), "pixels that are no numbers")


for precision in MATRIX:
    for gray in (False, True):
        for selection in ("none", "feathered", "partly outside"):
            with Test("%s %s, selection: %s" % (name_of(precision), "gray" if gray else "RGB", selection)):
                image, layers = prepare(gray, precision, selection)
                profile = image.get_color_profile()
                before = [raw(layer) for layer in layers]
                made = make("regenerate", image, layers, t=70.0, **QUICK)
                check(len(made) == 2, "%d new layers" % len(made))
                for i, layer in enumerate(layers):
                    check_untouched(made[i], before[i], layer)
                    check(raw(layer).tobytes() == before[i].tobytes(), "the layer below changed")
                    encoding = Babl.format_get_encoding(layer.get_format())
                    check(Babl.format_get_encoding(made[i].get_format()) == encoding, "another encoding")
                if profile:
                    check(image.get_color_profile().get_icc_profile() == profile.get_icc_profile(), "another profile")
                if selection == "feathered":
                    make("regenerate", image, layers, t=70.0, new_layer=False, **QUICK)
                    for i, layer in enumerate(layers):
                        # In place GIMP itself mixes what was rounded before: one step of an integer format at most.
                        apart = np.abs(raw(layer).astype(float) - raw(made[i]).astype(float)).max()
                        step = 1 if raw(layer).dtype.kind == "u" else 0
                        check(apart <= step, "in place is %g away from the new layer" % apart)
                        put_raw(layer, before[i])
                    for i, layer in enumerate(made):
                        put_raw(layer, before[i])
                    # Put back through sRGB, they are not what they were to the last bit.
                    before = [raw(layer) for layer in layers]
                    filled = make("generate", image, layers, target="selection", **QUICK)
                    for i, layer in enumerate(layers):
                        check_untouched(filled[i], before[i], layer)
                    between, = make("interpolate", image, layers, t=50.0, **{"lambda": "0.5"}, **QUICK)
                    check_untouched(between, before[0], layers[0])
                image.delete()

with Test("generate into an image: its layers have its precision, in the middle of what is selected"):
    image, layer = photo(40, 30, precision=P.U16_NON_LINEAR)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 4, 20, 20)
    before = raw(layer)
    layers = make("generate", image, [layer], target="layer", count=2, seed=4, **QUICK)
    check(len(layers) == 2 and tuple(layers[0].get_offsets())[1:] == (12, 6), layers[0].get_offsets())
    check(raw(layers[0]).dtype == np.uint16 and (raw(layers[0]) % 257 != 0).any(), "the values are of 8 bits")
    check(raw(layer).tobytes() == before.tobytes(), "the layer below changed")
    image.delete()

with Test("several layers at once, and last values"):
    image, layer = photo(WIDTH, HEIGHT)
    second = layer.copy()
    image.insert_layer(second, None, 0)
    check(len(make("regenerate", image, [layer, second], t=30.0, **QUICK)) == 2, "not two new layers")
    check(len(make("regenerate", image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)) == 1, "no new layer")
    image.delete()

finish()
