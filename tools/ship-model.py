#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# tools/ship-model.py TRAINED NAME: puts a trained model into weights/NAME with half-precision weights, what
# weights/NAME.json says and the curve of its loss added to its card, and its hash in the manifest. Run it with ./dev exec.
import csv
import hashlib
import json
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
trained, name = sys.argv[1:]
weights = root / "weights"
target = weights / name


def read(path):
    return json.loads(path.read_text()) if path.exists() else {}


def write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def curve(path, points=40):
    """Mean losses of a training's log by the step they go up to, about so many."""
    with path.open() as file:
        rows = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    length = max(1, len(rows) // points)
    parts = [rows[i:i + length] for i in range(0, len(rows), length)]
    return {part[-1][0]: float(f"{sum(loss for _, loss in part) / len(part):.4g}") for part in parts}


# A conversion replaces the folder.
pictures = {path: path.read_bytes() for path in target.glob("*.png")}
subprocess.run([root / "build/cli/diffusion", "convert", trained, target, "--dtype", "f16"], check=True)
for path, picture in pictures.items():
    path.write_bytes(picture)
card = read(target / "model_card.json")
# Where the training kept its files is nobody else's business.
settings = card.get("training_settings", {})
settings.pop("cache", None)
if "init" in settings:
    settings["init"] = pathlib.Path(settings["init"]).name
card.update(read(weights / (name + ".json")))
content = (target / "diffusion_pytorch_model.safetensors").read_bytes()
card["training_curve"] = curve(pathlib.Path(trained) / "log.csv")
card["sha256"] = hashlib.sha256(content).hexdigest()
write(target / "model_card.json", card)

manifest = read(weights / "manifest.json")
manifest[name] = {"bytes": len(content), "sha256": card["sha256"], "license": card["license"]}
write(weights / "manifest.json", manifest)
