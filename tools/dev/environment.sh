# SPDX-License-Identifier: GPL-3.0-or-later
# Where building happens: on this system, when its own packages have GIMP 3, or in a private Debian root.
# Sourced by ./dev. Entry points: environment_prepare LIST..., environment_run COMMAND...

HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gimp-diffusion
release=${DEV_RELEASE:-trixie}
archive_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# Empty: this system itself. Otherwise the private root's folder.
root=

note () { printf './dev: %s\n' "$*" >&2; }
fail () { printf './dev: %s\n' "$@" >&2; exit 1; }

# The packages of the lists named, one a line.
packages () {
  local list
  for list; do grep -v '^#' "$source/tools/dev/packages/$list"; done | sort -u
}

# Are they all installed on this system?
installed () {
  local found
  found=$(dpkg-query -W -f '${Status}\n' $(packages "$@") 2>/dev/null) || return 1
  ! grep -qv ' installed$' <<<"$found"
}

# Runs a command as root on this system.
as_root () {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    note "needs root rights: $*"
    sudo "$@"
  else
    fail "needs root rights, and has neither them nor a terminal to ask for a password at." \
         "Ask somebody who has them to run: $*" \
         "and start again."
  fi
}

# apt_get PACKAGE...: installs them on this system.
apt_get () {
  local log
  log=$(mktemp)
  if as_root env DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 </dev/null &&
     as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null
  then
    rm -f "$log"
  else
    grep -v '^\(Get\|Hit\|Ign\|Reading\)' "$log" | tail -n 20 >&2
    rm -f "$log"
    fail "apt could not install: $*" \
         "Is the network up, and is the mirror in /etc/apt reachable? Starting again goes on from here."
  fi
}

# Does this system's own archive have what the plug-in is built on?
system_has_gimp3 () {
  local candidate
  command -v apt-cache >/dev/null || return 1
  candidate=$(apt-cache policy libgimp-3.0-dev 2>/dev/null | sed -n 's/^ *Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != '(none)' ]
}

# apt_sources [FOLDER]: "URI SUITE" of every binary source apt is configured with there, from both kinds of file.
apt_sources () {
  local etc=${1:-/etc/apt} file
  cat "$etc"/sources.list "$etc"/sources.list.d/*.list 2>/dev/null |
    sed -nE 's/^[ \t]*deb[ \t]+(\[[^]]*\][ \t]*)?([^ \t]+)[ \t]+([^ \t]+).*/\2 \3/p'
  for file in "$etc"/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    awk '
      function flush (i, j) {
        if (types ~ /(^| )deb( |$)/ && enabled != "no")
          for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j]
        types = enabled = key = ""; nu = ns = 0
      }
      /^#/ { next }
      /^[ \t]*$/ { flush (); next }
      /^[^ \t]/ { key = tolower ($1); sub (/:.*/, "", key); sub (/^[^:]*:/, "") }
      {
        n = split ($0, words)
        if (key == "types") types = $0
        if (key == "enabled") enabled = tolower (words[1])
        if (key == "uris") for (i = 1; i <= n; i++) u[++nu] = words[i]
        if (key == "suites") for (i = 1; i <= n; i++) s[++ns] = words[i]
      }
      END { flush () }' "$file"
  done
}

# The sources of the private root, from the mirror that this system uses for its own release.
root_sources () {
  local id codename main security
  id=$(. /etc/os-release && echo "${ID:-}")
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  main=${DEV_MIRROR:-}
  if [ -z "$main" ] && [ "$id" = debian ]; then
    main=$(apt_sources | awk -v c="$codename" '$2 == c { print $1; exit }')
    security=$(apt_sources | awk -v c="$codename" '$2 == c "-security" { print $1; exit }')
  fi
  if [ -z "$main" ]; then
    fail "found no Debian mirror in /etc/apt to take Debian $release from." \
         "Name one: DEV_MIRROR=http://… ./dev …"
  fi
  echo "deb $main $release main"
  if [ "$release" != sid ]; then
    echo "deb $main $release-updates main"
    if [ -n "${security:-}" ]; then echo "deb $security $release-security main"; fi
  fi
}

# The private root belongs to this user; in it, 0 is this user, and other owners are the user's subordinate ids.
root_owner () {
  if [ "$(id -u)" = 0 ]; then "$@"; else unshare --map-root-user --map-auto "$@"; fi
}

# root_enter user|admin COMMAND...; does not return.
root_enter () {
  local as=$1 share=(unshare --mount)
  shift
  if [ "$(id -u)" != 0 ]; then
    if [ "$as" = admin ]; then
      share=(unshare --mount --map-root-user --map-auto)
    else
      share=(unshare --mount --map-current-user --keep-caps)
    fi
  fi
  export DEV_SOURCE=$source DEV_IN_ROOT=$root
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  exec "${share[@]}" bash "$source/tools/dev/enter.sh" "$as" "$root" "$cache/mnt" "$@"
}

root_check_user () {
  if [ "$(id -u)" != 0 ]; then
    grep -q "^$(id -un):" /etc/subuid 2>/dev/null || fail \
      "this user has no subordinate user ids, which making a private root without root rights needs." \
      "Ask somebody with root rights to run: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
    root_owner true 2>/dev/null || fail \
      "this system does not let users make user namespaces, which a private root without root rights needs." \
      "Run ./dev as root, or allow them (sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0)."
  fi
}

# Makes $root: under another name first, so that one that bears its name is whole.
root_create () {
  local part=$root.part log=$cache/$release.log options=() missing=() list start ok=yes
  list=$(packages build | paste -sd,)

  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  [ "$(id -u)" = 0 ] || command -v newuidmap >/dev/null || missing+=(uidmap)
  [ -f "$archive_keys" ] || missing+=(debian-archive-keyring)
  if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || fail "GIMP 3 is not in this system's packages, and making a Debian root needs mmdebstrap, which was not found."
    apt_get "${missing[@]}"
  fi
  root_check_user
  local sources
  sources=$(root_sources) || exit 1

  trap 'root_owner rm -rf --one-file-system "$part"; echo >&2; fail "stopped."' INT TERM
  note "making a Debian $release root in $cache, once: about 300 MB to download, some minutes"
  start=$SECONDS
  root_owner rm -rf --one-file-system "$part"
  mkdir "$part" || fail "cannot write to $cache."
  options=(--variant=apt --include="mount,$list"
           --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*'
           --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/gtk-doc/*')
  # A proxy and the like that apt is configured with here.
  while read -r line; do options+=(--aptopt="$line"); done < <(
    apt-config dump 2>/dev/null | grep -iE '^Acquire::(https?::|ftp::|Retries |Check-Date |Check-Valid-Until |ForceIPv)')

  # Without root rights the folder may be where subordinate ids cannot look, so there it is unpacked from a stream.
  if [ "$(id -u)" = 0 ]; then
    mmdebstrap --mode=root "${options[@]}" "$release" "$part" - <<<"$sources" >"$log" 2>&1 9>&- || ok=no
  else
    mmdebstrap --mode=unshare --format=tar "${options[@]}" "$release" - - <<<"$sources" 2>"$log" |
      root_owner tar -x --exclude=./dev -C "$part" 2>>"$log" || ok=no
  fi
  if [ $ok = no ]; then
    root_owner rm -rf --one-file-system "$part"
    grep -E '^(E|W|Err)|rror|nable' "$log" | tail -n 15 >&2
    if grep -q NO_PUBKEY "$log"; then
      fail "this system does not know Debian $release's key: update debian-archive-keyring (apt-get install debian-archive-keyring)."
    fi
    fail "could not make the Debian $release root (all of it: $log)." \
         "Is the network up, the mirror in /etc/apt reachable, and room left on the disk ($(df -h --output=avail "$cache" | tail -n 1 | tr -d ' ') free in $cache)?" \
         "Nothing half made was kept; start again."
  fi
  # Places for the host's own to be bound on.
  root_owner bash -c 'cd "$1/etc" && rm -f resolv.conf localtime machine-id && touch resolv.conf localtime machine-id hosts && mkdir -p ../var/tmp' - "$part"
  mv "$part" "$root"
  note "made it in $((SECONDS - start)) s"
}

# What a list of packages is called once installed in the root.
root_stamp () { echo "$root/var/lib/gimp-diffusion-$1-$(packages "$1" | sha256sum | cut -c1-12)"; }

# Installs a list in the root, which holds the build list from its making.
root_add () {
  local list=$1 stamp log=$cache/$release-$1.log start=$SECONDS
  stamp=$(root_stamp "$list")
  note "adding what ./dev $list needs to the Debian $release root, once"
  if ! (root_enter admin env DEBIAN_FRONTEND=noninteractive HOME=/root bash -c '
      dpkg --configure -a &&
      apt-get -o APT::Sandbox::User=root update &&
      apt-get -o APT::Sandbox::User=root -o Dpkg::Options::=--force-unsafe-io install -y --no-install-recommends "$@" &&
      apt-get clean && if command -v localedef; then
        for l in de_DE en_US ko_KR; do localedef -i $l -f UTF-8 $l.UTF-8 || exit; done
      fi' - $(packages "$list")) >"$log" 2>&1 </dev/null
  then
    grep -E '^(E|W|Err)|rror' "$log" | tail -n 15 >&2
    fail "could not install the packages of tools/dev/packages/$list in the private root (all of it: $log)." \
         "Is the network up and the mirror reachable? Starting again goes on from here."
  fi
  root_owner touch "$stamp"
  note "added them in $((SECONDS - start)) s"
}

# locked FILE COMMAND...: runs the command, which makes FILE, unless that exists; one ./dev at a time.
locked () {
  local file=$1
  shift
  if [ -e "$file" ]; then return; fi
  { mkdir -p "$cache/mnt" && true >>"$cache/lock"; } 2>/dev/null || fail \
    "cannot write to $cache." \
    "Name a folder that can be written to: XDG_CACHE_HOME=… ./dev …"
  (
    flock -n 9 || { note "waiting for another ./dev that makes or changes the private root"; flock 9; }
    [ -e "$file" ] || "$@"
  ) 9>>"$cache/lock" || exit 1
}

# Makes ready: the build list always, and the lists named.
environment_prepare () {
  local list
  if [ -n "${DEV_IN_ROOT:-}" ]; then return; fi
  if [ "$release" = trixie ] && installed build "$@"; then return; fi

  root=$cache/$release-$(packages build | sha256sum | cut -c1-12)
  if [ ! -d "$root" ]; then
    if [ "$release" = trixie ] && system_has_gimp3; then
      root=
      note "installing what is missing with apt"
      apt_get $(packages build "$@")
      return
    fi
    locked "$root" root_create
  fi
  for list; do locked "$(root_stamp "$list")" root_add "$list"; done
}

# Runs a command where building happens; does not return.
environment_exec () {
  export DIFFUSION_MODELS=${DIFFUSION_MODELS-$source/weights}
  if [ -n "$root" ]; then root_enter user "$@"; else exec "$@"; fi
}

# The same, and returns.
environment_run () { (environment_exec "$@"); }
