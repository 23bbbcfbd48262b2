# SPDX-License-Identifier: GPL-3.0-or-later
# Building, testing and running what was built. Sourced by ./dev; paths of build folders are relative to the source.

# What the folders are called after, beyond their purpose.
build_suffix=

# try_build FOLDER MESON-OPTION...: configures the folder where that is due and builds; says nothing unless it fails
# or somebody watches.
try_build () {
  local folder=$source/$1 options quiet=--quiet start=$SECONDS
  shift
  # Another environment or other options: what was built before does not fit.
  options="$root $*"
  if [ -e "$folder" ] && [ "$(cat "$folder/dev-options" 2>/dev/null)" != "$options" ]; then
    note "configuring $folder anew"
    rm -rf "$folder"
  fi
  if [ ! -e "$folder/build.ninja" ]; then
    mkdir -p "$folder" || return
    echo "$options" >"$folder/dev-options"
    if ! environment_run meson setup "$folder" "$source" "$@" >"$folder/dev-setup.log" 2>&1; then
      tail -n 30 "$folder/dev-setup.log" >&2
      return 1
    fi
  fi
  if [ -t 2 ]; then quiet=; fi
  environment_run ninja $quiet -j "$(nproc)" -C "$folder" >&2 || return
  if [ $((SECONDS - start)) -gt 3 ]; then note "built in $((SECONDS - start)) s"; fi
}

build () { try_build "$@" || fail "the build failed."; }

# run_tests FOLDER MESON-TEST-ARGUMENT...: adds to passed, failed and skipped.
run_tests () {
  local folder=$source/$1 log=$source/$1/meson-logs/testlog.json status=0 bad
  shift
  rm -f "$log"
  environment_run meson test -C "$folder" --no-rebuild --print-errorlogs "$@" || status=$?
  passed=$((passed + $(results "$log" 'OK|EXPECTEDFAIL')))
  skipped=$((skipped + $(results "$log" 'SKIP|IGNORED')))
  bad=$(results "$log" 'FAIL|ERROR|TIMEOUT|UNEXPECTEDPASS|INTERRUPT')
  if [ "$bad" = 0 ] && [ $status != 0 ]; then bad=1; fi
  failed=$((failed + bad))
}

# How many tests of meson's log, one JSON object a line, came to one of these results.
results () { grep -cE "\"result\": \"($2)\"" "$1" 2>/dev/null || true; }

test_all () {
  local passed=0 failed=0 skipped=0 all=() core=()
  local suite options=(-Dwerror=true) apart=(dev plugin ui performance long)
  for suite; do
    all+=(--suite "$suite")
    [[ " ${apart[*]} " == *" $suite "* ]] || core+=(--suite "$suite")
  done
  if [ -n "$build_suffix" ] && [ $# = 0 ]; then all=(--suite plugin --suite ui); fi

  if try_build "build-test$build_suffix" "${options[@]}"; then
    run_tests "build-test$build_suffix" ${all[@]+"${all[@]}"}
  else
    failed=$((failed + 1))
  fi
  if [ -z "$build_suffix" ] && { [ $# = 0 ] || [ ${#core[@]} -gt 0 ]; }; then
    note "the core under the address and undefined behaviour sanitizers"
    if try_build build-sanitize "${options[@]}" --buildtype=debugoptimized -Db_sanitize=address,undefined \
         -Db_lundef=false -Dplugin=disabled; then
      for suite in "${apart[@]}"; do core+=(--no-suite "$suite"); done
      # Stack frames after return: gcc 14 misaligns wide vectors in them.
      export ASAN_OPTIONS=detect_stack_use_after_return=0:abort_on_error=1
      run_tests build-sanitize --timeout-multiplier 8 "${core[@]}"
    else
      failed=$((failed + 1))
    fi
  fi

  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed = 0 ] && [ $passed -gt 0 ]
}
