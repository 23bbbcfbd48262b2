#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The examples that come with the plug-in, as people run them: batch.sh PLUG-IN EXAMPLES
set -u
plug_in=$1 examples=$2
in_gimp=$(dirname "$(readlink -f "$0")")/../../tools/dev/in-gimp
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export IN_GIMP_KEEP=$scratch/gimp
count=0

# check NAME TRUE-OR-FALSE-COMMAND...
check () {
  local name=$1
  shift
  count=$((count + 1))
  if "$@"; then
    echo "ok $count - $name"
  else
    sed 's/^/# /' "$scratch/out" "$scratch/err" 2>/dev/null | tail -n 20
    echo "not ok $count - $name"
  fi
}

# run NAME TEXT: the script, in GIMP; its exit status in $status.
run () {
  printf '%s\n' "$2" >"$scratch/$1"
  "$in_gimp" "$plug_in" "$scratch/$1" >"$scratch/out" 2>"$scratch/err"
  status=$?
  if grep -q '^1..0 # SKIP' "$scratch/out"; then grep '^1..0' "$scratch/out"; exit 0; fi
}

written () { # written FOLDER NAME...
  local folder=$1 name
  shift
  for name; do [ -s "$folder/$name" ] || return 1; done
}

said () { [ $status != 0 ] && grep -q -- "$1" "$scratch/err" "$scratch/out"; }

mkdir "$scratch/photos" "$scratch/python" "$scratch/scheme"
run python.py "
import sys
sys.path.insert(0, '$(dirname "$(readlink -f "$0")")')
from gimptest import *
from gi.repository import Gio
for i in range(3):
    image = make_image(64, 48)
    fill_noise(add_layer(image, 64, 48), i)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path('$scratch/photos/%d.png' % i), None)
exec(open('$examples/denoise-folder.py').read())
denoise_folder('$scratch/photos/*.png', '$scratch/python', sigma=20.0)"
check "a folder of photos, in Python" [ $status = 0 ]
check "a result for each of three" written "$scratch/python" 0.png 1.png 2.png

run scheme.scm "
(load \"$examples/denoise-folder.scm\")
(diffusion-denoise-folder \"$scratch/photos/*.png\" \"$scratch/scheme\")"
check "a folder of photos, in Script-Fu" [ $status = 0 ]
check "a result for each of three" written "$scratch/scheme" 0.png 1.png 2.png

mkdir "$scratch/versions" "$scratch/others"
run seeds.py "
exec(open('$examples/regenerate-seeds.py').read())
regenerate_seeds('$scratch/photos/0.png', '$scratch/versions', seeds=range(2), model='texture', t=60.0)"
check "one photo over two seeds, in Python" [ $status = 0 ]
check "two results" written "$scratch/versions" 0-0.png 0-1.png

run seeds.scm "
(load \"$examples/regenerate-seeds.scm\")
(diffusion-regenerate-seeds \"$scratch/photos/0.png\" \"$scratch/others/0\" 2 \"texture\" 60)"
check "one photo over two seeds, in Script-Fu" [ $status = 0 ]
check "two results" written "$scratch/others" 0-0.png 0-1.png

run compare.py "
import sys
sys.path.insert(0, '$(dirname "$(readlink -f "$0")")')
from gimptest import *
from gi.repository import Gio
def load(path):
    return raw(Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path('$scratch/' + path)).get_layers()[0])
check((load('versions/0-0.png') == load('others/0-0.png')).all(), 'Python and Script-Fu differ')
check((load('versions/0-0.png') != load('versions/0-1.png')).any(), 'two seeds gave the same picture')"
check "the same seed gives the same picture, another one another" [ $status = 0 ]

run missing.py "
exec(open('$examples/denoise-folder.py').read())
denoise_folder('$scratch/photos/*.png', '$scratch/python', model='no-such-model')"
check "a failure in Python ends GIMP with a reason and a status" said no-such-model

run missing.scm "
(load \"$examples/denoise-folder.scm\")
(diffusion-denoise-folder \"$scratch/nothing/*.png\" \"$scratch/scheme\")"
check "a failure in Script-Fu, too" said "no such files"

echo "1..$count"
