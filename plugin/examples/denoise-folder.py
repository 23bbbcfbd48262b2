# SPDX-License-Identifier: GPL-3.0-or-later
# Denoises all photos of a folder from the command line:
#
#   gimp-console -id --batch-interpreter=python-fu-eval \
#     -b 'exec(open("denoise-folder.py").read()); denoise_folder("photos/*.jpg", "clean")' --quit
#
# The folder "clean" has to exist; each photo is written there as PNG. An error is said on standard error and ends GIMP
# with a status other than 0.
import glob
import os

from gi.repository import Gimp, Gio


def denoise_file(source, target, **settings):
    """Settings are the procedure's: model, sigma, strength, luma, chroma, detail, passes."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(source))
    if image is None:
        raise SystemExit("%s: cannot be read" % source)
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-denoise")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers())
    for name, value in settings.items():
        config.set_property(name, value)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise SystemExit("%s: %s" % (source, result.index(1)))
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(target), None):
        raise SystemExit("%s: cannot be written" % target)
    image.delete()
    return result.index(1)


def denoise_folder(pattern, folder, **settings):
    sources = sorted(glob.glob(pattern))
    if not sources:
        raise SystemExit("%s: no such files" % pattern)
    for source in sources:
        name = os.path.splitext(os.path.basename(source))[0]
        sigma = denoise_file(source, os.path.join(folder, name + ".png"), **settings)
        print("%s: noise level %.1f" % (source, sigma))
