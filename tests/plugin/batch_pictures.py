# SPDX-License-Identifier: GPL-3.0-or-later
# A folder as people have them, and whether what was made of it is the same, for batch.sh.
import struct

from filters import *


def save_to(image, *path):
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(os.path.join(*path)), None)


def turn(path):
    """Says in a JPEG that its left side is up, and nothing else that Exif could say."""
    with open(path, "rb") as file:
        data = file.read()
    at, kept = 2, b""
    while data[at + 1] >= 0xe0:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        kept += data[at:end] if data[at + 1] != 0xe1 else b""
        at = end
    data = data[:2] + kept + data[at:]
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 8, 0)
    exif = b"Exif\0\0" + b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    with open(path, "wb") as file:
        file.write(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])


def make_photos(folder, count):
    for i in range(count):
        save_to(photo(64, 48, seed=i)[0], folder, "%d.png" % i)


def make_pictures(folder):
    image, layer = photo(64, 40)
    save_to(image, folder, "a night, ü 밤.png")
    save_to(image, folder, "turned.jpg")
    turn(os.path.join(folder, "turned.jpg"))
    save_to(image, folder, "twice.jpg")
    save_to(image, folder, "twice.png")
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    save_to(image, folder, "indexed.png")
    save_to(photo(64, 40, precision=P.U16_NON_LINEAR, alpha=True)[0], folder, "deep.png")
    save_to(photo(50, 40, gray=True)[0], folder, "gray.tif")
    with open(os.path.join(folder, "turned.jpg"), "rb") as file:
        start = file.read(200)
    with open(os.path.join(folder, "broken.jpg"), "wb") as file:
        file.write(start)


def load_from(*path):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(os.path.join(*path)))
    pixels = raw(image.get_layers()[0])
    image.delete()
    return pixels


def compare(command, python, scheme):
    for name in os.listdir(command):
        one, two, three = (load_from(folder, name) for folder in (command, python, scheme))
        check(one.dtype == (np.uint16 if name == "deep.png" else np.uint8), "%s: %s" % (name, one.dtype))
        check(name != "turned.png" or one.shape[:2] == (64, 40), "it lies: %s" % (one.shape,))
        same(three, two, name + " by Python and Script-Fu")
        if name != "turned.png":
            same(two, one, name + " by Python and the command")
        else:  # GIMP rounds otherwise when it reads JPEG files
            check(two.shape == one.shape and np.abs(two.astype(int) - one).max() <= 4, "the JPEG file is another picture")


def compare_seeds(first, other):
    zero, one = (load_from(first, "0-%d.png" % seed) for seed in range(2))
    same(load_from(other, "0-0.png"), zero, "seed 0")
    same(load_from(other, "0-1.png"), one, "seed 1")
    check((zero != one).any(), "two seeds gave the same picture")
