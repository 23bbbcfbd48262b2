#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev demo [PHOTO]: denoises a photo in a real GIMP and shows what it did. Called with the build folder first.
set -eu

source=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
build=$1
shift
if [ $# -gt 1 ]; then echo "Usage: ./dev demo [PHOTO]" >&2; exit 2; fi

photo=${1:-$source/tests/samples/budgie-noisy.png}
clean=
if [ $# = 0 ]; then clean=$source/tests/samples/budgie-clean.png; fi
if [ ! -r "$photo" ]; then echo "./dev demo: cannot read $photo" >&2; exit 1; fi
photo=$(readlink -f "$photo")

output=$source/demo-output
mkdir -p "$output"
log=$output/gimp.log
report=$output/report.txt
rm -f "$report"

keep=${XDG_CACHE_HOME:-$HOME/.cache}/gimp-diffusion/demo
if ! DIFFUSION_MODELS=$source/weights${DIFFUSION_MODELS:+:$DIFFUSION_MODELS} IN_GIMP_KEEP=$keep \
     "$source/tools/dev/in-gimp" "$build/plugin/gimp-diffusion" "$source/tools/demo.py" \
     "$photo" "$output" "$report" "$clean" >"$log" 2>&1 || [ ! -s "$report" ]
then
  grep -E 'Error|error|Warning:' "$log" | grep -v 'Welcome' | tail -n 8 >&2
  echo "./dev demo: it did not work; all that GIMP said is in $log" >&2
  exit 1
fi
cat "$report"
