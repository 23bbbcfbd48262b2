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

untouched () { (cd "$scratch/mixed" && sha256sum --quiet --check "$scratch/sums"); }

said () { [ $status != 0 ] && grep -q -- "$1" "$scratch/err" "$scratch/out"; }

# What people have in a folder, in "mixed": names of all kinds, every kind of file, two that cannot be denoised, and two that
# would become one.
mkdir "$scratch/photos" "$scratch/mixed" "$scratch/python" "$scratch/scheme" "$scratch/versions" "$scratch/others"
mkdir "$scratch/by-python" "$scratch/by-scheme" "$scratch/by-command"
tests="
import sys
sys.path.insert(0, '$(dirname "$(readlink -f "$0")")')
from batch_pictures import *"

run python.py "$tests
make_photos('$scratch/photos', 3)
make_pictures('$scratch/mixed')
exec(open('$examples/denoise-folder.py').read())
denoise_folder('$scratch/photos/*.png', '$scratch/python', sigma=20.0)
exec(open('$examples/regenerate-seeds.py').read())
regenerate_seeds('$scratch/photos/0.png', '$scratch/versions', seeds=range(2), model='texture', t=60.0)"
check "in Python" [ $status = 0 ]
check "a result for each of three photos" written "$scratch/python" 0.png 1.png 2.png
check "one for each of two seeds" written "$scratch/versions" 0-0.png 0-1.png

run scheme.scm "
(load \"$examples/denoise-folder.scm\")
(diffusion-denoise-folder \"$scratch/photos/*.png\" \"$scratch/scheme\")
(load \"$examples/regenerate-seeds.scm\")
(diffusion-regenerate-seeds \"$scratch/photos/0.png\" \"$scratch/others/0\" 2 \"texture\" 60)"
check "in Script-Fu" [ $status = 0 ]
check "a result for each of three photos" written "$scratch/scheme" 0.png 1.png 2.png
check "one for each of two seeds" written "$scratch/others" 0-0.png 0-1.png

(cd "$scratch/mixed" && sha256sum -- *) >"$scratch/sums"
good=("a night, ü 밤.png" deep.png gray.tif turned.jpg)
results=("a night, ü 밤.png" deep.png gray.png turned.png twice.png)

# mixed FOLDER LANGUAGE: what came of it.
mixed () {
  check "$2: a broken and an indexed file end GIMP with a status" [ $status != 0 ]
  check "$2: the broken one is named" said "broken.jpg"
  check "$2: the indexed one is named" said "indexed.png"
  check "$2: two do not become one" said "twice.png exists already"
  check "$2: all others are done" written "$1" "${results[@]}"
  check "$2: and nothing else is there" [ "$(ls -A "$1" | wc -l)" = ${#results[@]} ]
}

run mixed-folder.py "
exec(open('$examples/denoise-folder.py').read())
denoise_folder('$scratch/mixed/*', '$scratch/by-python')"
mixed "$scratch/by-python" Python
run mixed-folder.scm "
(load \"$examples/denoise-folder.scm\")
(diffusion-denoise-folder \"$scratch/mixed/*\" \"$scratch/by-scheme\")"
mixed "$scratch/by-scheme" Script-Fu

for i in "${!good[@]}"; do
  "$DIFFUSION_COMMAND" denoise "$scratch/mixed/${good[i]}" "$scratch/by-command/${results[i]}" >"$scratch/out" 2>"$scratch/err"
done
check "the command does the same" written "$scratch/by-command" "${results[@]::${#good[@]}}"
run same.py "$tests
compare(*['$scratch/by-' + each for each in ('command', 'python', 'scheme')])
compare_seeds('$scratch/versions', '$scratch/others')"
check "Python, Script-Fu and the command give the same pixels, at 16 bits, upright; seeds differ" [ $status = 0 ]

# Nobody can write to /proc/self, whoever runs this.
run refused.py "
exec(open('$examples/denoise-folder.py').read())
for source, target in ('$scratch/mixed/d*.png', '$scratch/mixed'), ('$scratch/photos/*.png', '/proc/self'):
    try:
        denoise_folder(source, target)
    except SystemExit as end:
        print(end)
denoise_folder('$scratch/photos/*.png', '$scratch', model='no-such-model')"
check "Python: a photo is not overwritten" said "deep.png exists already"
check "Python: a folder that cannot be written to" said "3 of 3 photos failed"
check "Python: a model that is not there ends GIMP with a reason and a status" said no-such-model
run refused.scm "
(load \"$examples/denoise-folder.scm\")
(diffusion-denoise-folder \"$scratch/photos/*.png\" \"/proc/self\")"
check "Script-Fu: a folder that cannot be written to" said "3 of 3 photos failed"
run missing.scm "
(load \"$examples/denoise-folder.scm\")
(diffusion-denoise-folder \"$scratch/nothing/*.png\" \"$scratch/scheme\")"
check "Script-Fu: no photos" said "no such files"
check "no photo was touched by any of these" untouched

echo "1..$count"
