#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every string of the source is in the catalogues, and translated: complete.sh SOURCE
set -u
cd "$1" || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0

check () { # check NAME COMMAND...
  local name=$1
  shift
  count=$((count + 1))
  if "$@" >"$scratch/said" 2>&1; then
    echo "ok $count - $name"
  else
    sed 's/^/# /' "$scratch/said" | head -n 40
    echo "not ok $count - $name"
  fi
}

grep -rlE '\b(_|N_) ?\("|g_dngettext' core cli ui plugin --include='*.c' --include='*.h' |
  grep -v '^core/base/i18n.h$' | LC_ALL=C sort >"$scratch/files"
check "POTFILES names every file with text" diff po/POTFILES "$scratch/files"
xgettext --from-code=UTF-8 -k_ -kN_ -kg_dngettext:2,3 -f "$scratch/files" -o "$scratch/all.pot" || exit 1

finished () { # finished LANGUAGE
  local said
  said=$(LC_ALL=C msgfmt -c --statistics -o /dev/null "po/$1.po" 2>&1) || { echo "$said"; return 1; }
  case $said in *fuzzy*|*untranslated*) echo "$said"; return 1 ;; esac
}

# Without macros for their lengths, a number would cut its sentence off where the catalogue is made.
whole () { ! grep -rnE '_ ?\(".*" G_G[A-Z0-9]+_FORMAT' core cli ui plugin --include='*.c'; }

for language in $(cat po/LINGUAS); do
  check "$language: nothing untranslated, every format fits" finished "$language"
  check "$language: nothing of the source is missing" msgcmp --use-untranslated "po/$language.po" "$scratch/all.pot"
done
check "numbers in sentences are written so that they can be translated" whole
echo "1..$count"
