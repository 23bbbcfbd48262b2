# SPDX-License-Identifier: GPL-3.0-or-later
# Makes ten versions of one picture, that differ in nothing but the seed:
#
#   gimp-console -id --batch-interpreter=python-fu-eval \
#     -b 'exec(open("regenerate-seeds.py").read()); regenerate_seeds("sketch.png", "versions", model="…", t=500)' --quit
#
# The folder "versions" has to exist; sketch-0.png to sketch-9.png are written there, each whole or not at all. No file
# is overwritten. An error is said on standard error and ends GIMP with a status other than 0.
import os

from gi.repository import Gimp, Gio


def regenerate_seed(source, target, seed, **settings):
    """Settings are the procedure's: model, t, sampler, steps and so on."""
    if os.path.exists(target):
        raise SystemExit("%s exists already" % target)
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(source))
    if image is None:
        raise SystemExit("%s: cannot be read" % source)
    image.policy_rotate(False)  # upright, however the camera was held
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-regenerate")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers())
    config.set_property("seed", seed)
    for key, value in settings.items():
        config.set_property(key, value)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise SystemExit("%s: %s" % (source, result.index(1)))
    part = os.path.join(os.path.dirname(target), ".part-" + os.path.basename(target))
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(part), None):
        raise SystemExit("%s: cannot be written" % target)
    os.replace(part, target)
    image.delete()


def regenerate_seeds(source, folder, seeds=range(10), **settings):
    name = os.path.splitext(os.path.basename(source))[0]
    for seed in seeds:
        target = os.path.join(folder, "%s-%d.png" % (name, seed))
        regenerate_seed(source, target, seed, **settings)
        print(target, flush=True)
