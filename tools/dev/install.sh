# SPDX-License-Identifier: GPL-3.0-or-later
# Installing for use, and GIMP with the plug-in without installing. Sourced by ./dev.

# run_gimp FOLDER ARGUMENT...: does not return. GIMP keeps settings of its own for this.
run_gimp () {
  local stage=$source/$1/stage config=$cache/gimp$build_suffix
  shift
  environment_run meson install -C "${stage%/stage}" --no-rebuild --quiet --destdir "$stage"
  mkdir -p "$config"
  printf '(plug-in-path "%s:${gimp_plug_in_dir}/plug-ins")\n' "$stage$(plugin_dir)" >"$config/gimprc"
  GIMP3_DIRECTORY=$config environment_exec gimp "$@"
}

gimp_variable () { environment_run pkg-config --variable="$1" gimp-3.0; }

plugin_dir () { echo "$(gimp_variable gimplibdir)/plug-ins"; }

# install_for user|system
install_for () {
  local prefix plugins series become=()
  environment_prepare
  if [ -n "$root" ]; then
    fail "GIMP 3 is not on this system, so there is nothing to install the plug-in into: its packages have no libgimp-3.0." \
         "What is built in the private Debian root needs that root's libraries, the command too; it runs without installing:" \
         "  ./dev gimp                                          GIMP 3 with the plug-in" \
         "  ./dev build && ./dev exec $source/build/cli/diffusion --help    the command"
  fi
  if [ "$1" = system ]; then
    prefix=/usr/local
    plugins=$(plugin_dir)
    [ "$(id -u)" = 0 ] || become=(as_root)
  else
    series=$(basename "$(gimp_variable gimpdatadir)")
    prefix=$HOME/.local
    plugins=${XDG_CONFIG_HOME:-$HOME/.config}/GIMP/$series/plug-ins
  fi
  build "build-install" --prefix="$prefix" -Dplugin=enabled -Dplugin_dir="$plugins"
  ${become[@]+"${become[@]}"} meson install -C "$source/build-install" --no-rebuild --quiet ||
    fail "could not install to $prefix and $plugins."
  echo "the plug-in: $plugins"
  echo "the command: $prefix/bin/diffusion"
  echo "the models:  $prefix/share/gimp-diffusion/models"
  echo "To remove them again: ./dev exec ninja -C $source/build-install uninstall"
  case :$PATH: in *":$prefix/bin:"*) ;; *) note "$prefix/bin is not in your PATH." ;; esac
}
