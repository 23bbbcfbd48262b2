#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tools/screenshots.sh BUILD [LANGUAGE…]: takes the pictures of the help pages anew, in English, German and Korean. They
# are those of a real GIMP on a screen of its own, with the models of weights/. Called by ./dev screenshots.
set -eu

source=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
build=$(readlink -f "$1")
shift
if [ $# = 0 ]; then set -- en de ko; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work/root meson install -C "$build" --no-rebuild --quiet
plug_in=$(find "$work/root" -path '*/plug-ins/gimp-diffusion/gimp-diffusion')
declare -A locales=([en]=en_US [de]=de_DE [ko]=ko_KR)

for language; do
  mkdir "$work/$language"
  UI_SHOTS=$work/$language UI_LOCALE=${locales[$language]}.UTF-8 DIFFUSION_MODELS=$source/weights \
    "$source/tests/ui/in-gimp-window" "$plug_in" "$source/tools/screenshots.py" "$source/tests/samples/budgie-noisy.png" \
    >"$work/log" 2>&1 || true
  for dialog in denoise regenerate generate interpolate; do
    if [ ! -s "$work/$language/$dialog.png" ]; then
      tail -n 20 "$work/log" >&2
      echo "no picture of $dialog ($language)" >&2
      exit 1
    fi
    # As few colours as do not show, so that the pictures stay small.
    colours=64
    if [ $dialog = denoise ]; then colours=256; fi
    convert "$work/$language/$dialog.png" -dither None -colors $colours -strip -define png:compression-level=9 \
      "PNG8:$source/plugin/help/images/$dialog-$language.png"
  done
done
