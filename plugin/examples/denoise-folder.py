# SPDX-License-Identifier: GPL-3.0-or-later
# Denoises all photos of a folder from the command line:
#
#   gimp-console -id --batch-interpreter=python-fu-eval \
#     -b 'exec(open("denoise-folder.py").read()); denoise_folder("photos/*.jpg", "clean")' --quit
#
# The folder "clean" has to exist; each photo is written there as PNG, whole or not at all. No file is overwritten. What
# cannot be read, denoised or written is said on standard error, and the others are done; GIMP's status is not 0 then.
import glob
import os
import sys

from gi.repository import Gimp, Gio


def load(path):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    if image is None:
        raise RuntimeError("cannot be read")
    image.policy_rotate(False)  # upright, however the camera was held
    return image


def save(image, path):
    part = os.path.join(os.path.dirname(path), ".part-" + os.path.basename(path))
    try:
        if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(part), None):
            raise RuntimeError("cannot be written")
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def denoise_file(source, target, **settings):
    """Settings are the procedure's: model, sigma, strength, luma, chroma, detail, passes. Returns the noise level."""
    if os.path.exists(target):
        raise RuntimeError("%s exists already" % target)
    image = load(source)
    try:
        procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-denoise")
        config = procedure.create_config()
        config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
        config.set_property("image", image)
        config.set_core_object_array("drawables", image.get_layers())
        for name, value in settings.items():
            config.set_property(name, value)
        result = procedure.run(config)
        if result.index(0) != Gimp.PDBStatusType.SUCCESS:
            raise RuntimeError(result.index(1))
        save(image, target)
    finally:
        image.delete()
    return result.index(1)


def denoise_folder(pattern, folder, **settings):
    sources = sorted(glob.glob(pattern))
    if not sources:
        raise SystemExit("%s: no such files" % pattern)
    failed = 0
    for source in sources:
        target = os.path.join(folder, os.path.splitext(os.path.basename(source))[0] + ".png")
        try:
            print("%s: noise level %.1f" % (source, denoise_file(source, target, **settings)), flush=True)
        except Exception as error:
            failed += 1
            print("%s: %s" % (source, error), file=sys.stderr, flush=True)
    if failed:
        raise SystemExit("%d of %d photos failed" % (failed, len(sources)))
