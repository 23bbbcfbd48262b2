#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev itself, as far as no network is needed: its messages and exit codes, and how it reads apt's configuration.
set -u
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count=0

# check NAME EXPECTED FOUND
check () {
  count=$((count + 1))
  if [ "$2" = "$3" ]; then
    echo "ok $count - $1"
  else
    printf '# expected: %s\n# found:    %s\n' "${2//$'\n'/ | }" "${3//$'\n'/ | }"
    echo "not ok $count - $1"
  fi
}

# status COMMAND...: its exit status, and whether it says something on standard error.
status () { "$@" >/dev/null 2>"$scratch/err" </dev/null; echo "$? $([ -s "$scratch/err" ] && echo said)"; }

check 'help' '0 ' "$(status "$source/dev" --help)"
check 'no command' '2 said' "$(status "$source/dev")"
check 'unknown command' '2 said' "$(status "$source/dev" frobnicate)"
check 'exec without a command' '2 said' "$(status "$source/dev" exec)"
check 'unknown option of test' '2 said' "$(status "$source/dev" test --frobnicate)"
check 'unknown GIMP' '2 said' "$(status "$source/dev" --gimp 2.10 exec true)"
check 'no display' '1 said' "$(unset DISPLAY WAYLAND_DISPLAY; status "$source/dev" gimp)"
check 'exit status of exec' '7 ' "$(status "$source/dev" exec sh -c 'exit 7')"
check 'current folder of exec' "$scratch" "$(cd "$scratch" && "$source/dev" exec pwd)"

. "$source/tools/dev/environment.sh"
mkdir -p "$scratch/apt/sources.list.d"
cat >"$scratch/apt/sources.list" <<'LIST'
# deb http://no.example/debian bookworm main
deb http://one.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/some/key.gpg] https://two.example/debian-security bookworm-security main
deb-src http://one.example/debian bookworm main
LIST
cat >"$scratch/apt/sources.list.d/debian.sources" <<'SOURCES'
# A comment
Types: deb deb-src
# http://no.example/debian
URIs: http://three.example/debian
Suites: bookworm
 bookworm-updates
Components: main

Types: deb
Enabled: no
URIs: http://no.example/debian
Suites: bookworm

Types: deb-src
URIs: http://no.example/debian
Suites: bookworm
SOURCES
check 'apt sources of both kinds' "http://one.example/debian bookworm
https://two.example/debian-security bookworm-security
http://three.example/debian bookworm
http://three.example/debian bookworm-updates" "$(apt_sources "$scratch/apt")"

echo "1..$count"
