#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command with a private root's /usr, /etc and /var and everything else of the host, from the current folder.
# Called inside a fresh mount namespace: enter.sh user|admin ROOT EMPTY-FOLDER COMMAND...
# "admin" is for apt: in / of the root alone, with its own list of users and all capabilities.
set -eu

as=$1 root=$2 new=$3
shift 3
cwd=$PWD

mount -t tmpfs -o mode=755 tmpfs "$new"
mkdir "$new/.host"

for dir in usr etc var; do
  mkdir "$new/$dir"
  mount --bind "$root/$dir" "$new/$dir"
done
for link in bin sbin lib lib32 lib64 libx32; do
  if [ -L "$root/$link" ]; then ln -s "$(readlink "$root/$link")" "$new/$link"; fi
done

# Names, users and the clock are the host's.
files=(resolv.conf hosts)
if [ "$as" = user ]; then files+=(passwd group localtime machine-id); fi
for file in "${files[@]}"; do
  if [ -f "/etc/$file" ] && [ -f "$root/etc/$file" ]; then
    mount --bind "$(readlink -f "/etc/$file")" "$new/etc/$file"
  fi
done

# What people work in is visible where it was.
for path in /*; do
  case $path in
    /bin|/sbin|/lib|/lib32|/lib64|/libx32|/usr|/etc|/var|/boot|/lost+found) ;;
    *)
      if [ "$as" = admin ] && [[ $path != /@(dev|proc|sys) ]]; then
        if [ -d "$path" ]; then mkdir -m 1777 "$new$path"; fi
      elif [ -L "$path" ]; then
        ln -s "$(readlink "$path")" "$new$path"
      elif [ -d "$path" ]; then
        mkdir "$new$path"
        mount --rbind "$path" "$new$path"
      fi ;;
  esac
done
if [ "$as" = admin ]; then
  cwd=/
else
  for path in "$HOME" "$cwd" "$DEV_SOURCE" /var/tmp; do
    case $path in
      /usr/*|/etc/*|/var/*)
        if mkdir -p "$new$path" 2>/dev/null; then mount --rbind "$path" "$new$path"; fi ;;
    esac
  done
fi

# Not chroot, in which no user namespace can be made: sandboxes of image loaders need them.
cd "$new"
pivot_root . .host
umount -l /.host
cd "$cwd" 2>/dev/null || { echo "./dev: $cwd cannot be seen in the build environment." >&2; exit 1; }
if [ "$as" = admin ]; then exec "$@"; fi
exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"
