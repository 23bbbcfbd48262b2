# SPDX-License-Identifier: GPL-3.0-or-later
# What generate, regenerate and interpolate refuse: with a reason, and with nothing changed.
from filters import *


def refused(words, verb, image, drawables, **arguments):
    def state():
        return [(layer.get_name(), raw(layer).tobytes()) for layer in image.get_layers()] if image else []

    before, images = state(), len(Gimp.get_images())
    status, message = run(verb, image, drawables, **arguments)
    check(status != SUCCESS, "was accepted")
    for word in words:
        check(word in message, "the message is “%s”" % message)
    check(state() == before and len(Gimp.get_images()) == images, "something changed")


image, layer = photo(24, 20)
second = layer.copy()
image.insert_layer(second, None, 0)

for verb, more in (("generate", {}), ("regenerate", {"t": 20.0}), ("interpolate", {"t": 20.0, "lambda": "0.5"})):
    drawables = [layer, second] if verb == "interpolate" else [layer]
    for words, arguments in (
            (["no-such-model"], {"model": "no-such-model"}),
            (["model"], {"model": ""}),
            (["sampler", "euler", "ddim"], {"sampler": "euler"}),
            (["eta", "ddim"], {"eta": 0.5, "sampler": "dpm++"}),
            (["precision", "f32"], {"precision": "f8"}),
            (["class", "no classes"], {"class": "1"}),
            (["class", "bark, wood, wool"], {"model": "classes"}),
            (["class", "steel", "bark"], {"model": "classes", "class": "steel"}),
            (["class", "3"], {"model": "classes", "class": "3"}),
            (["classifier"], {"classifier": "texture", "class": "1"}),
            (["respacing"], {"respacing": "5", "steps": 5})):
        with Test("%s: %s" % (verb, arguments)):
            refused(words, verb, image, drawables, **{**more, **arguments})

with Test("regenerate: t"):
    refused(["1 to 100", "strength"], "regenerate", image, [layer])
    refused(["strength"], "regenerate", image, [layer], t=5.0, strength=0.5)
    refused(["101", "1 to 100"], "regenerate", image, [layer], t=101.0)

with Test("regenerate: more noise than a photo model was trained for"):
    refused(["500", "trained", "1000"], "regenerate", image, [layer], model="photo", t=500.0)

with Test("regenerate: jumps without a selection, no layer, a group, a locked layer, a mask as a new layer"):
    refused(["jump-length"], "regenerate", image, [layer], t=5.0, jump_length=2)
    refused(["No layer"], "regenerate", image, [], t=5.0)
    layer.set_lock_content(True)
    refused(["locked"], "regenerate", image, [layer], t=5.0)
    layer.set_lock_content(False)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    refused(["not a layer"], "regenerate", image, [mask], t=5.0)
    layer.remove_mask(Gimp.MaskApplyMode.DISCARD)

with Test("regenerate: part of a tile"):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 2, 2, 5, 5)
    refused(["seamless"], "regenerate", image, [layer], t=5.0, seamless=True)
    Gimp.Selection.none(image)

with Test("a selection beside the layer, a layer group, a text layer"):
    other, far = photo(24, 20)
    far.set_offsets(100000, -50000)
    other.select_rectangle(Gimp.ChannelOps.REPLACE, 2, 2, 5, 5)
    group = Gimp.GroupLayer.new(other, "group")
    text = Gimp.TextLayer.new(other, "words", Gimp.context_get_font(), 12, Gimp.Unit.pixel())
    for item in (group, text):
        other.insert_layer(item, None, 0)
    before = raw(far)
    for verb, more in (("regenerate", {"t": 5.0}), ("generate", {"target": "selection"})):
        for item, word in ((far, "does not touch"), (group, "layer group"), (text, "text layer")):
            status, message = run(verb, other, [item], **more)
            check(status != SUCCESS and word in message, message)
    check((raw(far) == before).all() and len(other.get_layers()) == 3, "something changed")
    Gimp.Selection.none(other)
    status, values = run("regenerate", other, [far], t=5.0, steps=1)
    check(status == SUCCESS, values)
    other.delete()

with Test("generate: target, size, selection"):
    refused(["target", "moon", "layer"], "generate", image, [layer], target="moon")
    refused(["no image"], "generate", None, [], target="layer")
    refused(["no image"], "generate", None, [], target="selection")
    refused(["selected"], "generate", image, [layer], target="selection")
    refused(["size", "12x"], "generate", None, [], size="12x")
    refused(["size", "0"], "generate", None, [], size="0")
    refused(["size", "1x2x3"], "generate", None, [], size="1x2x3")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 2, 2, 5, 5)
    refused(["count"], "generate", image, [layer], target="selection", count=2)
    refused(["seamless"], "generate", image, [layer], target="selection", seamless=True)
    Gimp.Selection.none(image)

with Test("generate: a photo model cannot make pictures from nothing"):
    refused(["trained"], "generate", None, [], model="photo", size="16")

with Test("interpolate: one layer, three, sizes, λ, noise"):
    refused(["two"], "interpolate", image, [layer], t=20.0, **{"lambda": "0.5"})
    refused(["3", "two"], "interpolate", image, [layer, second, image.get_layers()[0].copy()], t=20.0, **{"lambda": "0.5"})
    refused(["lambda"], "interpolate", image, [layer, second], t=20.0)
    refused(["lambda", "2"], "interpolate", image, [layer, second], t=20.0, **{"lambda": "0.5 2"})
    refused(["lambda", "x"], "interpolate", image, [layer, second], t=20.0, **{"lambda": "0.5,x"})
    refused(["noise", "pink", "slerp"], "interpolate", image, [layer, second], t=20.0, noise="pink", **{"lambda": "0.5"})
    small = add_layer(image, 9, 9, name="small")
    refused(["24×20", "9×9"], "interpolate", image, [layer, small], t=20.0, **{"lambda": "0.5"})
    image.remove_layer(small)

with Test("an indexed image"):
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    status, message = run("regenerate", image, [layer], t=5.0)
    check(status != SUCCESS and "indexed" in message, message)
    status, message = run("generate", image, [layer], target="layer")
    check(status != SUCCESS and "indexed" in message, message)

finish()
