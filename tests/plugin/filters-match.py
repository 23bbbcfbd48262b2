# SPDX-License-Identifier: GPL-3.0-or-later
# All procedures give what the command gives for the same settings, bit for bit.
from filters import *

with Test("generate: several pictures by the name of their class, as layers of a new image"):
    command("generate", path("out.png"), "--model", "classes", "--class", "wood", "--steps", "3", "--count", "2",
            "--seed", "7", "--size", "20x12")
    status, values = run("generate", None, [], model="classes", steps=3, count=2, seed=7, size="20x12", **{"class": "wood"})
    check(status == SUCCESS, values)
    image = values[0]
    check(image.get_width() == 20 and image.get_height() == 12, "the image has another size")
    layers = image.get_layers()
    check(len(layers) == 2, "%d layers" % len(layers))
    for i, layer in enumerate(layers):
        same(raw(layer), load("out-%03d.png" % (i + 1)), "picture %d" % i)
    settings = remembered(layers[1])
    check(settings["seed"] == 8 and settings["count"] == 1 and settings["class"] == "wood", settings)
    check(settings["steps"] == 3 and settings["sampler"] == "ddim" and len(settings["model_hash"]) == 64, settings)
    again = make("generate", None, [], model="classes", steps=3, seed=8, size="20x12", **{"class": "1"})
    same(raw(again[0]), raw(layers[1]), "the class by its number")
    image.delete()

for gray, precision, more in (
        (False, P.U8_NON_LINEAR, {}),
        (False, P.U16_NON_LINEAR, {"sigma": 30.0, "strength": 0.7, "luma": 0.8, "chroma": 0.4, "detail": 0.3}),
        (True, P.U8_NON_LINEAR, {"sigma": 30.0}),
        (True, P.U16_NON_LINEAR, {"sigma": 20.0, "passes": 2, "precision": "bf16"})):
    with Test("denoise: %s %s %s" % ("gray" if gray else "RGB", name_of(precision), more)):
        image, layer = photo(70, 50, gray, precision)
        save(image, "in.png")
        options = [word for name, value in more.items() for word in ("--" + name, str(value))]
        command("denoise", path("in.png"), path("out.png"), "--model", "photo", *options)
        made, = make("denoise", image, [layer], new_layer=True, **more)
        same(raw(made), load("out.png"), "the new layer")
        make("denoise", image, [layer], **more)
        same(raw(layer), raw(made), "in place")
        image.delete()

for sampler, more in (("ancestral", {}), ("ddim", {"eta": 0.5}), ("dpm++", {}), ("ddim", {"seamless": True})):
    with Test("generate: %s %s" % (sampler, more)):
        options = ["--seamless"] if "seamless" in more else ["--eta", "0.5"] if "eta" in more else []
        command("generate", path("one.png"), "--sampler", sampler, "--steps", "4", *options)
        layers = make("generate", None, [], sampler=sampler, steps=4, **more)
        same(raw(layers[0]), load("one.png"), "the picture")

with Test("regenerate: a whole layer, larger than the model, in a new layer and in place"):
    image, layer = photo(40, 24)
    before = raw(layer)
    save(image, "in.png")
    command("regenerate", path("in.png"), path("out.png"), "--t", "60", "--steps", "4", "--seed", "3")
    made, = make("regenerate", image, [layer], t=60.0, steps=4, seed=3)
    same(raw(made), load("out.png"), "the new layer")
    same(raw(layer), before, "the layer below")
    check(image.get_layers()[0] == made, "the new layer is not above")
    check("seed 3" in made.get_name() and "texture" in made.get_name(), made.get_name())
    settings = remembered(made)
    check(settings["t"] == 60 and settings["seed"] == 3 and settings["version"], settings)
    other = make("regenerate", image, [layer], strength=0.6, steps=4, seed=3, new_layer=False)
    check(other[0] == layer, "not in place")
    same(raw(layer), raw(made), "in place, by its strength")
    image.delete()

with Test("regenerate: a tile that stays one"):
    # The shipped model: an untrained one answers nothing, at the edges too.
    model = os.path.join(os.path.dirname(os.environ["DIFFUSION_SCRIPT"]), "../../weights/texture")
    settings = {"model": model, "class": "wood", "t": 600.0, "steps": 2, "seed": 3, "seamless": True}
    image, layer = photo(40, 24)
    save(image, "in.png")
    options = ["--model", model, "--class", "wood", "--t", "600", "--steps", "2", "--seed", "3"]
    command("regenerate", path("in.png"), path("out.png"), "--seamless", *options)
    made, = make("regenerate", image, [layer], **settings)
    same(raw(made), load("out.png"), "the new layer")
    check(remembered(made)["seamless"], "it is not remembered")
    command("regenerate", path("in.png"), path("out.png"), *options)
    check((raw(made) != load("out.png")).any(), "its edges are those of any layer")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 40, 24)
    again, = make("regenerate", image, [layer], **settings)
    same(raw(again), raw(made), "with all of it selected")
    image.delete()

for jumps in ({}, {"jump_length": 2, "jump_count": 2}):
    with Test("regenerate: a selection %s" % jumps):
        image, layer = photo(48, 40)
        save(image, "in.png")
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 22, 8, 17, 14)
        mask = selection_over(layer)
        hard = make_image(48, 40, True)
        same_size = add_layer(hard, 48, 40)
        put_raw(same_size, np.where(mask > 0.5, 255, 0).astype(np.uint8))
        image.select_item(Gimp.ChannelOps.REPLACE, channel_from(image, raw(same_size)))
        save_mask(image, "mask.png")
        options = ["--jump-length", "2", "--jump-count", "2"] if jumps else []
        command("regenerate", path("in.png"), path("out.png"), "--t", "60", "--steps", "5", "--mask", path("mask.png"),
                *options)
        made, = make("regenerate", image, [layer], t=60.0, steps=5, **jumps)
        same(raw(made), load("out.png"), "the result")
        outside = selection_over(layer) == 0
        check((raw(made)[outside] == raw(layer)[outside]).all(), "pixels outside changed")
        image.delete()
        hard.delete()

with Test("regenerate: a gray layer, and one of 16 bits"):
    for gray, precision in ((True, P.U8_NON_LINEAR), (False, P.U16_NON_LINEAR), (True, P.U16_NON_LINEAR)):
        image, layer = photo(20, 18, gray, precision)
        save(image, "in.png")
        command("regenerate", path("in.png"), path("out.png"), "--t", "60", "--steps", "3", "--sampler", "ancestral")
        made, = make("regenerate", image, [layer], t=60.0, steps=3, sampler="ancestral")
        same(raw(made), load("out.png"), "gray %s" % name_of(precision) if gray else name_of(precision))
        image.delete()

with Test("generate: the selection is what regenerating it from noise alone gives"):
    image, layer = photo(48, 40)
    save(image, "in.png")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 5, 6, 20, 9)
    save_mask(image, "mask.png")
    command("regenerate", path("in.png"), path("out.png"), "--strength", "1", "--steps", "5", "--mask", path("mask.png"))
    made, = make("generate", image, [layer], target="selection", steps=5)
    same(raw(made), load("out.png"), "the result")
    image.delete()

with Test("regenerate: a photo model, with less noise than it was trained for"):
    image, layer = photo(70, 30, precision=P.U16_NON_LINEAR)
    save(image, "in.png")
    command("regenerate", path("in.png"), path("out.png"), "--model", "photo", "--t", "100", "--steps", "2")
    made, = make("regenerate", image, [layer], model="photo", t=100.0, steps=2)
    same(raw(made), load("out.png"), "the result")
    image.delete()

for noise in ("shared", "slerp", "inversion"):
    with Test("interpolate: " + noise):
        image, a = photo(24, 20)
        save(image, "a.png")
        other, source = photo(24, 20, seed=5)
        save(other, "b.png")
        b = Gimp.Layer.new_from_drawable(source, image)
        image.insert_layer(b, None, 0)
        before = raw(a), raw(b)
        command("interpolate", path("a.png"), path("b.png"), path("out.png"), "--t", "50", "--steps", "3", "--noise", noise,
                "--lambda", "0.25", "0.75")
        layers = make("interpolate", image, [a, b], t=50.0, steps=3, noise=noise, **{"lambda": "0.25 0.75"})
        for i, layer in enumerate(reversed(layers)):
            same(raw(layer), load("out-%03d.png" % (i + 1)), "λ number %d" % i)
        same(raw(a), before[0], "the first layer")
        same(raw(b), before[1], "the second layer")
        check(len(image.get_layers()) == 4, "%d layers" % len(image.get_layers()))
        image.delete()
        other.delete()

finish()
