# SPDX-License-Identifier: GPL-3.0-or-later
# Makes ten versions of one picture, that differ in nothing but the seed:
#
#   gimp-console -id --batch-interpreter=python-fu-eval \
#     -b 'exec(open("regenerate-seeds.py").read()); regenerate_seeds("sketch.png", "versions", model="…", t=500)' --quit
#
# The folder "versions" has to exist; sketch-0.png to sketch-9.png are written there. An error is said on standard error
# and ends GIMP with a status other than 0.
import os

from gi.repository import Gimp, Gio


def regenerate_seeds(source, folder, seeds=range(10), **settings):
    """Settings are the procedure's: model, t, sampler, steps and so on."""
    name = os.path.splitext(os.path.basename(source))[0]
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-diffusion-regenerate")
    for seed in seeds:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(source))
        if image is None:
            raise SystemExit("%s: cannot be read" % source)
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
        target = os.path.join(folder, "%s-%d.png" % (name, seed))
        if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(target), None):
            raise SystemExit("%s: cannot be written" % target)
        image.delete()
        print(target)
