# SPDX-License-Identifier: GPL-3.0-or-later
# The Help button of each dialog opens its own page, in the user's language, from this computer. Run in German.
import re
import urllib.parse

from filters import *
from desktop import *


def opened():
    """The addresses that other programs were started with."""
    try:
        with open(os.environ["DIFFUSION_OPENED"]) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def check_page(address):
    """It is there, with the part that the address names, and with its pictures."""
    parts = urllib.parse.urlparse(address)
    page = urllib.parse.unquote(parts.path)
    check(parts.scheme == "file" and os.path.isfile(page), address)
    with open(page) as file:
        text = file.read()
    check('lang="de"' in text, "another language")
    check('id="%s"' % parts.fragment in text, "nothing about “%s”" % parts.fragment)
    section = text.split('id="%s"' % parts.fragment)[1].split("<h2")[0]
    pictures = re.findall('src="([^"]*)"', section)
    check(pictures, "no picture")
    for picture in pictures:
        check(os.path.getsize(os.path.join(os.path.dirname(page), picture)) > 0, picture)


image, layer = photo(64, 48)
display = Gimp.Display.new(image)
Gimp.displays_flush()
frame = wait("the image window", lambda: [w for w in windows() if "64x48" in w.get_name()])[0]

for verb, title in (("denoise", "Entrauschen"), ("regenerate", "Neu erzeugen"), ("generate", "Erzeugen"),
                    ("interpolate", "Interpolieren")):
    with Test("help about " + verb):
        if verb == "interpolate":
            image.insert_layer(layer.copy(), None, 0)
        menu(frame, "Filter", "Diffusion", title)
        dialog = window(title, "dialog")
        before = len(opened())
        press(find(dialog, "button", "Hilfe"))
        wait("the page", lambda: len(opened()) > before)
        check(opened()[-1].endswith("#" + verb), opened()[-1])
        check_page(opened()[-1])
        press(find(dialog, "button", "Abbrechen"))
        no_window(title)

display.delete()
finish()
