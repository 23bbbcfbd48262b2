# SPDX-License-Identifier: GPL-3.0-or-later
# What denoising leaves alone: alpha, unselected pixels, precision, profile; in every kind of layer.
import json

from gimptest import *

WIDTH, HEIGHT = 48, 40
# All of these with everything; of the others one of each width, since every call starts the plug-in anew.
MAIN = (P.U8_NON_LINEAR, P.U16_NON_LINEAR, P.FLOAT_NON_LINEAR, P.FLOAT_LINEAR)
OTHERS = (P.U8_LINEAR, P.U16_PERCEPTUAL, P.U32_NON_LINEAR, P.HALF_LINEAR, P.DOUBLE_LINEAR)


def make(gray, precision, selection="none", alphas=(False,)):
    image = make_image(WIDTH, HEIGHT, gray, precision)
    x, y = (-11, 9) if selection == "partly outside" else (0, 0)
    layers = [add_layer(image, WIDTH, HEIGHT, alpha, x, y) for alpha in alphas]
    for layer in layers:
        fill_noise(layer)
    if selection == "feathered":
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 6, 5, 34, 30)
        Gimp.Selection.feather(image, 6)
    elif selection == "partly outside":
        image.select_rectangle(Gimp.ChannelOps.REPLACE, -20, -20, 40, 45)
    return image, layers if len(layers) > 1 else layers[0]


def check_untouched(layer, before, selection):
    after = raw(layer)
    mask = selection_over(layer)
    alpha = layer.has_alpha()
    check(after.dtype == before.dtype and after.shape == before.shape, "the layer's format changed")
    if alpha:
        check(after[..., -1].tobytes() == before[..., -1].tobytes(), "alpha changed")
    outside = mask <= 0
    check(selection == "none" or outside.any(), "nothing is outside the selection")
    check(after[outside].tobytes() == before[outside].tobytes(), "pixels outside the selection changed")
    colors = before.shape[2] - (1 if alpha else 0)
    inside = mask > 0.9
    changed = (after != before)[..., :colors].any(axis=2)
    check(inside.any() and changed[inside].mean() > 0.5, "the selected pixels did not change")
    check(np.isfinite(after.astype(np.float64)).all(), "the result has pixels that are no numbers")
    return after[..., :colors][inside]


def distance_to_8_bits(values):
    """Mean distance to the next 8-bit level, 0.25 for values that know nothing of 8 bits."""
    values = values.astype(np.float64)
    if values.max() > 2:
        values /= 2.0 ** np.ceil(np.log2(values.max())) - 1
    return np.abs(values * 255 - np.rint(values * 255)).mean()


for precision in MAIN + OTHERS:
    for gray in (False, True) if precision in MAIN else (False,):
        for selection in ("none", "feathered", "partly outside") if precision in MAIN else ("feathered",):
            with Test("%s %s, selection: %s" % (name_of(precision), "gray" if gray else "RGB", selection)):
                image, layers = make(gray, precision, selection, (False, True))
                encodings = [Babl.format_get_encoding(layer.get_format()) for layer in layers]
                before = [raw(layer) for layer in layers]
                status, message = denoise(image, layers, sigma=25)
                check(status == Gimp.PDBStatusType.SUCCESS, message)
                for i, layer in enumerate(layers):
                    check(Babl.format_get_encoding(layer.get_format()) == encodings[i], "another format")
                    values = check_untouched(layer, before[i], selection)
                    if before[i].dtype != np.uint8:
                        check(distance_to_8_bits(values) > 0.1, "the result was quantised to 8 bits")
                image.delete()

with Test("strength 0 and noise level 0 are accepted"):
    image, layer = make(False, P.U16_NON_LINEAR, alphas=(True,))
    for arguments in ({"strength": 0.0, "sigma": 25.0}, {"sigma": 0.0}):
        status, message = denoise(image, [layer], **arguments)
        check(status == Gimp.PDBStatusType.SUCCESS, message)
    image.delete()

with Test("a colour profile stays, and the pixels are worked on in its space"):
    image, layer = make(False, P.U16_NON_LINEAR)
    image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
    profile = image.get_color_profile().get_icc_profile()
    before = raw(layer)
    other, same = make(False, P.U16_NON_LINEAR)
    check(denoise(image, [layer], sigma=25)[0] == Gimp.PDBStatusType.SUCCESS, "failed")
    check(denoise(other, [same], sigma=25)[0] == Gimp.PDBStatusType.SUCCESS, "failed")
    check(image.get_color_profile().get_icc_profile() == profile, "another profile")
    check(np.abs(raw(layer).astype(int) - raw(same).astype(int)).max() <= 1, "the profile changed the result")
    image.delete()
    other.delete()

with Test("layers of a few pixels"):
    image = make_image(9, 9)
    layers = [add_layer(image, width, height, True) for width, height in ((1, 1), (1, 9), (9, 1), (2, 2))]
    for layer in layers:
        fill_noise(layer)
    before = [raw(layer) for layer in layers]
    for sigma in (0.5, 25.0):
        status, message = denoise(image, layers, sigma=sigma)
        check(status == Gimp.PDBStatusType.SUCCESS, message)
    for layer, pixels in zip(layers, before):
        check(raw(layer)[..., 3].tobytes() == pixels[..., 3].tobytes(), "alpha changed")
    image.delete()

with Test("a layer entirely outside the canvas"):
    image = make_image(20, 20)
    layer = add_layer(image, 16, 16, False, 100, -100)
    fill_noise(layer)
    before = raw(layer)
    status, message = denoise(image, [layer], sigma=25)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check((raw(layer) != before).any(), "nothing changed")
    image.delete()

with Test("several layers at once, one of them twice"):
    image = make_image(32, 32)
    layers = [add_layer(image, 32, 32, i == 1, i * 3, 0, name="layer %d" % i) for i in range(3)]
    for i, layer in enumerate(layers):
        fill_noise(layer, i)
    before = [raw(layer) for layer in layers]
    status, message = denoise(image, [layers[0], layers[1], layers[0]], sigma=25)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    for i, layer in enumerate(layers):
        changed = (raw(layer) != before[i]).any()
        check(changed == (i < 2), "layer %d: changed is %s" % (i, changed))
    once = raw(layers[0])
    put_raw(layers[0], before[0])
    denoise(image, [layers[0]], sigma=25)
    check((raw(layers[0]) == once).all(), "a layer given twice is not as when given once")
    image.delete()

with Test("the same layer, alone and with a selection, gives the same pixels"):
    image, layer = make(False, P.U16_NON_LINEAR)
    before = raw(layer)
    denoise(image, [layer], sigma=25)
    whole = raw(layer)
    put_raw(layer, before)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 10, 12, 9)
    denoise(image, [layer], sigma=25)
    part = raw(layer)
    difference = np.abs(part[10:19, 20:32].astype(int) - whole[10:19, 20:32].astype(int)).max()
    check(difference <= 2, "differs by %d of 65535" % difference)
    image.delete()

with Test("a layer mask is edited where it is what was chosen, and left alone where not"):
    image = make_image(32, 32)
    layer = add_layer(image, 32, 32, True)
    fill_noise(layer)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    fill_noise(mask, 5)
    mask_before, layer_before = raw(mask), raw(layer)
    check(denoise(image, [layer], sigma=25)[0] == Gimp.PDBStatusType.SUCCESS, "failed")
    check((raw(mask) == mask_before).all(), "the mask changed with the layer")
    layer_after = raw(layer)
    check((layer_after != layer_before).any(), "the layer did not change")
    status, message = denoise(image, [mask], sigma=25)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check((raw(mask) != mask_before).any(), "the mask did not change")
    check((raw(layer) == layer_after).all(), "the layer changed with the mask")
    image.delete()

with Test("a channel"):
    image = make_image(32, 32)
    add_layer(image, 32, 32)
    channel = Gimp.Channel.new(image, "channel", 32, 32, 50.0, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    fill_noise(channel)
    before = raw(channel)
    status, message = denoise(image, [channel], sigma=25)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check((raw(channel) != before).any(), "nothing changed")
    image.delete()

with Test("pixels that are no numbers stay, and do not spread"):
    image = make_image(40, 40, False, P.FLOAT_LINEAR)
    layer = add_layer(image, 40, 40, True)
    pixels = noise_pixels((40, 40, 4), np.float32)
    pixels[10, 10, 0] = np.nan
    pixels[20, 20, 1] = np.inf
    pixels[30, 30, :3] = (-0.5, 3.0, 20.0)
    put_raw(layer, pixels)
    status, message = denoise(image, [layer], sigma=25)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    after = raw(layer)
    check(np.isnan(after[10, 10, 0]) and np.isposinf(after[20, 20, 1]), "they changed")
    check((~np.isfinite(after)).sum() == 2, "they spread")
    image.delete()

with Test("a channel of the image that is not to be edited does not change"):
    for precision in (P.U16_NON_LINEAR, P.DOUBLE_NON_LINEAR):
        image, layer = make(False, precision)
        before = raw(layer)
        image.set_component_active(Gimp.ChannelType.GREEN, False)
        check(denoise(image, [layer], sigma=25)[0] == Gimp.PDBStatusType.SUCCESS, "failed")
        after = raw(layer)
        check((after[..., 0] != before[..., 0]).any(), "red did not change")
        check(np.abs(after[..., 1].astype(float) - before[..., 1]).max() <= 1e-6 * before.max(), "green changed")
        image.delete()

with Test("with last values"):
    image, layer = make(False, P.U8_NON_LINEAR)
    before = raw(layer)
    status, message = denoise(image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS, sigma=25)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check((raw(layer) != before).any(), "nothing changed")
    image.delete()

with Test("a new layer above, which remembers its settings"):
    image = make_image(48, 40, False, P.U16_NON_LINEAR)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    layer = add_layer(image, 48, 40, True, 5, -3, group, name="photo")
    fill_noise(layer)
    before = raw(layer)
    status, message = denoise(image, [layer], sigma=25, strength=0.5, new_layer=True)
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check((raw(layer) == before).all(), "the layer changed")
    made = group.get_children()[0]
    check(len(group.get_children()) == 2 and made.get_name() == "photo, denoised", "it is called " + made.get_name())
    check(made.get_offsets()[1:] == layer.get_offsets()[1:], "it is elsewhere")
    settings = json.loads(bytes(made.get_parasite("gimp-diffusion").get_data()).rstrip(b"\0"))
    check(settings["sigma"] == 25 and settings["strength"] == 0.5 and settings["model"] == "photo", settings)
    check(settings["source"] == layer.get_tattoo(), settings)
    check(len(settings["model_hash"]) == 64 and settings["procedure"] == "plug-in-diffusion-denoise", settings)
    other, same = make_image(48, 40, False, P.U16_NON_LINEAR), None
    same = add_layer(other, 48, 40, True)
    fill_noise(same)
    denoise(other, [same], sigma=25, strength=0.5)
    check((raw(made) == raw(same)).all(), "not what it is in place")
    status, message = call("plug-in-diffusion-repeat", image, [made])
    check(status == Gimp.PDBStatusType.SUCCESS, message)
    check(len(group.get_children()) == 3, "repeating made no layer")
    repeated = [item for item in group.get_children() if item not in (made, layer)][0]
    check((raw(repeated) == raw(made)).all(), "not the same again")
    status, message = call("plug-in-diffusion-repeat", image, [layer])
    check(status != Gimp.PDBStatusType.SUCCESS and "no settings" in message, message)
    image.delete()
    other.delete()

finish()
