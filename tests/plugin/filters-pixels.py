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
    image.set_color_profile(Gimp.ColorProfile.new_d50_gray_lab_trc() if gray else Gimp.ColorProfile.new_rgb_adobe())
    # As they are put now, the values are of the profile's space.
    for each in (layer, opaque):
        put_raw(each, noise_pixels(raw(each).shape, dtype_of(precision), 3))
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


def check_made(made, layers, before):
    """New layers as those they were made from, which did not change."""
    check(len(made) == len(layers), "%d new layers" % len(made))
    for i, layer in enumerate(layers):
        check_untouched(made[i], before[i], layer)
        encoding = Babl.format_get_encoding(layer.get_format())
        check(Babl.format_get_encoding(made[i].get_format()) == encoding, "another encoding")
        check(Babl.get_name(made[i].get_format()) == Babl.get_name(layer.get_format()), "another colour space")


for precision in MATRIX:
    for gray in (False, True):
        for selection in ("none", "feathered", "partly outside"):
            with Test("%s %s, selection: %s" % (name_of(precision), "gray" if gray else "RGB", selection)):
                image, layers = prepare(gray, precision, selection)
                profile = image.get_color_profile().get_icc_profile()
                before = [raw(layer) for layer in layers]
                made = make("regenerate", image, layers, t=70.0, **QUICK)
                check_made(made, layers, before)
                between = make("interpolate", image, layers, t=50.0, **{"lambda": "0.5"}, **QUICK)
                check_made(between, layers[:1], before)
                if selection == "none":
                    filled = make("generate", image, layers, target="layer", **QUICK)
                    encoding = Babl.format_get_encoding(layers[1].get_format())
                    check(Babl.format_get_encoding(filled[0].get_format()) == encoding, "another encoding")
                else:
                    check_made(make("generate", image, layers, target="selection", **QUICK), layers, before)
                for i, layer in enumerate(layers):
                    check(raw(layer).tobytes() == before[i].tobytes(), "the layer below changed")
                if selection == "feathered":
                    make("regenerate", image, layers, t=70.0, new_layer=False, **QUICK)
                    for i, layer in enumerate(layers):
                        check(raw(layer).tobytes() == raw(made[i]).tobytes(), "in place is not as the new layer")
                check(image.get_color_profile().get_icc_profile() == profile, "another profile")
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

with Test("several layers at once, and last values before there are any"):
    image, layer = photo(WIDTH, HEIGHT)
    second = layer.copy()
    image.insert_layer(second, None, 0)
    check(len(make("regenerate", image, [layer, second], t=30.0, **QUICK)) == 2, "not two new layers")
    last = Gimp.RunMode.WITH_LAST_VALS
    made, = make("regenerate", image, [layer], run_mode=last)
    check(0 < remembered(made)["t"] < 100, remembered(made))
    made, = make("interpolate", image, [layer, second], run_mode=last)
    check(remembered(made)["lambda"] == "0.5", remembered(made))
    # A mask has no place but its own.
    mask = layer.create_mask(Gimp.AddMaskType.COPY)
    layer.add_mask(mask)
    before = raw(mask).tobytes()
    make("regenerate", image, [mask], run_mode=last)
    check(raw(mask).tobytes() != before and not remembered(mask)["new-layer"], "the mask did not change")
    image.delete()

with Test("a layer remembers what it was made from, and how to make it again"):
    image, layer = photo(WIDTH, HEIGHT)
    second = layer.copy()
    image.insert_layer(second, None, 0)
    put_raw(second, raw(layer)[::-1])
    regenerated, = make("regenerate", image, [layer], t=60.0, seed=5, **QUICK)
    check(remembered(regenerated)["source"] == layer.get_tattoo(), remembered(regenerated))
    generated = make("generate", image, [layer], target="layer", count=2, seed=3, **QUICK)
    between = make("interpolate", image, [layer, second], t=60.0, **{"lambda": "0.3 0.6"}, **QUICK)
    check([remembered(item)["lambda"] for item in between] == ["0.6", "0.3"],
          [remembered(item) for item in between])
    for made in (regenerated, generated[1], between[0], between[1]):
        again = make("repeat", image, [made])
        check(len(again) == 1, "%d layers from “%s”" % (len(again), made.get_name()))
        same(raw(again[0]), raw(made), made.get_name())
        image.remove_layer(again[0])
    image.remove_layer(second)
    status, message = run("repeat", image, [between[0]])
    check(status != SUCCESS and "two layers" in message, message)
    image.delete()

with Test("what a file says of a layer makes GIMP run nothing else"):
    image, layer = photo(WIDTH, HEIGHT)
    text = json.dumps({"procedure": "gimp-image-convert-grayscale", "version": "0"}).encode() + b"\0"
    layer.attach_parasite(Gimp.Parasite.new("gimp-diffusion", 0, text))
    status, message = run("repeat", image, [layer])
    check(status != SUCCESS and "gimp-image-convert-grayscale" in message, message)
    check(image.get_base_type() == Gimp.ImageBaseType.RGB, "it was run")
    image.delete()

finish()
