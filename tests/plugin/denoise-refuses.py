# SPDX-License-Identifier: GPL-3.0-or-later
# What denoising refuses: with a reason, and with nothing changed.
from gimptest import *


def refused(image, drawables, words, **arguments):
    """Fails, says why, and changes no pixel of any layer of the image."""
    def pixels():
        return [raw(d).tobytes() for d in image.get_layers() if not d.is_group()]

    before = pixels()
    status, message = denoise(image, drawables, **arguments)
    check(status != Gimp.PDBStatusType.SUCCESS, "was accepted")
    for word in words:
        check(word in message, "the message is “%s”" % message)
    check(pixels() == before, "pixels changed")


def simple(**arguments):
    image = make_image(24, 24)
    layer = add_layer(image, 24, 24, **arguments)
    fill_noise(layer)
    return image, layer


with Test("an indexed image"):
    image, layer = simple()
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    refused(image, [layer], ["layer", "indexed"])

with Test("a layer with locked pixels, also after one that could be changed"):
    image, good = simple()
    locked = add_layer(image, 24, 24, name="the locked one")
    locked.set_lock_content(True)
    refused(image, [locked], ["the locked one", "locked"])
    refused(image, [good, locked], ["the locked one", "locked"])

with Test("a layer in a locked group"):
    image, good = simple()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    inside = add_layer(image, 24, 24, parent=group, name="inside")
    before = raw(inside)
    group.set_lock_content(True)
    refused(image, [inside], ["inside", "locked"])
    check((raw(inside) == before).all(), "pixels changed")
    group.set_lock_content(False)
    check(denoise(image, [inside], sigma=25)[0] == Gimp.PDBStatusType.SUCCESS, "refused without the lock")

with Test("the mask of a locked layer"):
    image, layer = simple(alpha=True)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    layer.set_lock_content(True)
    refused(image, [mask], ["locked"])

with Test("a layer group"):
    image, good = simple()
    group = Gimp.GroupLayer.new(image, "the group")
    image.insert_layer(group, None, 0)
    refused(image, [group], ["the group", "group"])

with Test("a text layer"):
    image, good = simple()
    text = Gimp.TextLayer.new(image, "words", Gimp.Font.get_by_name("Sans-serif") or Gimp.context_get_font(), 12,
                              Gimp.Unit.pixel())
    image.insert_layer(text, None, 0)
    refused(image, [text], ["text"])

with Test("the selection itself"):
    image, layer = simple()
    refused(image, [image.get_selection()], ["selection"])

with Test("a selection beside the layer"):
    image = make_image(64, 64)
    layer = add_layer(image, 24, 24)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 40, 10, 10)
    refused(image, [layer], ["selection"])

with Test("no layer"):
    image, layer = simple()
    refused(image, [], ["No layer"])

with Test("a layer of another image"):
    image, layer = simple()
    other, foreign = simple()
    before = raw(foreign)
    refused(image, [foreign], ["another image"])
    check((raw(foreign) == before).all(), "pixels changed")

with Test("a model that does not exist"):
    image, layer = simple()
    refused(image, [layer], ["no-such-model"], model="no-such-model")
    refused(image, [layer], ["/no/such/folder"], model="/no/such/folder")
    refused(image, [layer], [], model="")

with Test("a precision that there is not"):
    image, layer = simple()
    refused(image, [layer], ["precision", "f8", "bf16"], precision="f8")

with Test("a file that is no model"):
    image, layer = simple()
    path = os.path.join(folder(), "broken.safetensors")
    with open(path, "wb") as file:
        file.write(b"\xff" * 100)
    refused(image, [layer], ["broken.safetensors"], model=path)

with Test("a new layer for a mask"):
    image, layer = simple(alpha=True)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    refused(image, [mask], ["not a layer"], new_layer=True, sigma=25.0)

finish()
