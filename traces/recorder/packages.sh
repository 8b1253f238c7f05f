# Where everything comes from: Debian packages, by name, from the mirror this machine already uses.
# Sourced by record.sh.
# shellcheck shell=bash disable=SC2164 # set -e is in force

readonly HOST_PACKAGES="binutils cpio gcc gcc-12 libc6-dev lz4 make xz-utils zstd qemu-system-x86"
readonly GUEST_PACKAGES="busybox-static sqlite3 libsqlite3-0 libreadline8 libtinfo6 zlib1g libc6"
readonly QEMU_PACKAGES="qemu-system-x86 qemu-system-common qemu-system-data"
readonly QEMU_VERSION="10.0.2"

# Tools of this machine. Bookworm's own QEMU is not run: it brings the libraries and the firmware.
install_host_packages() {
  local missing=() package
  for package in $HOST_PACKAGES; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  $SUDO apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# apt with a private package list that holds bookworm-backports alone; apt checks signatures and digests.
backports_apt() {
  "$@" -o Dir::Etc::sourcelist="$WORK/apt/backports.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$WORK/apt/lists" -o Dir::Cache="$WORK/apt/cache" -o APT::Sandbox::User=root
}

# apt as this machine has it set up.
own_apt() {
  "$@" -o APT::Sandbox::User=root
}

kernel_release() {
  apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: linux-image-\(.*\)/\1/p' | head -n 1
}

fetch_packages() {
  local release mirror headers
  release=$(kernel_release) || true
  [[ $release ]] || fail "no package linux-image-amd64: run apt-get update, or use Debian 12 on x86-64"
  # shellcheck disable=SC2016 # apt's own variables
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' |
    awk '$2 == "bookworm" && !found { print $1; found = 1 }') || true
  [[ $mirror ]] || fail "apt knows no mirror of bookworm: the recorder needs Debian 12"

  rm -rf "$WORK/debs"
  mkdir -p "$WORK/debs" "$WORK/apt/lists/partial" "$WORK/apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm-backports main" \
    >"$WORK/apt/backports.list"
  cd "$WORK/debs"
  say "downloading QEMU from bookworm-backports"
  # shellcheck disable=SC2086,SC2015 # lists of names; either may fail
  backports_apt apt-get -qq update && backports_apt apt-get -qq download $QEMU_PACKAGES ||
    fail "bookworm-backports cannot be read from the mirror that apt uses; check the network and try again"
  compgen -G "qemu-system-x86_*${QEMU_VERSION}+*.deb" >/dev/null ||
    fail "bookworm-backports no longer offers QEMU $QEMU_VERSION, the version this recorder was verified with"

  say "downloading kernel $release and the guest's programs"
  headers=$(apt-cache depends "linux-headers-$release" | sed -n 's/.*Depends: //p') || true
  # shellcheck disable=SC2086 # lists of names
  own_apt apt-get -qq download "linux-image-$release" "linux-headers-$release" $headers $GUEST_PACKAGES ||
    fail "the packages of kernel $release cannot be downloaded: run apt-get update and try again"
  cd "$HERE"
}

# What the workload needs besides, into a root of its own.
fetch_workload() {
  local root=$WORK/root-$TRACE deb names
  names=$(workload packages)
  [[ ! -f $root/packages.tsv || $(cat "$root/packages.list" 2>/dev/null) != "$names" ]] || return 0
  say "downloading the programs of $TRACE: $names"
  rm -rf "$root" "$WORK/debs-$TRACE"
  mkdir -p "$root" "$WORK/debs-$TRACE"
  cd "$WORK/debs-$TRACE"
  # shellcheck disable=SC2086 # a list of names
  own_apt apt-get -qq download $names ||
    fail "the packages of workload $TRACE cannot be downloaded: run apt-get update and try again"
  cd "$HERE"
  for deb in "$WORK/debs-$TRACE"/*.deb; do
    dpkg-deb -x "$deb" "$root" || exit 1
    describe_package "$deb"
  done | sort >"$WORK/packages.part" ||
    fail "$WORK/debs-$TRACE holds a package that cannot be unpacked: make room, try again"
  echo "$names" >"$root/packages.list"
  mv "$WORK/packages.part" "$root/packages.tsv"
}

# describe_package FILE: its name, version and digest.
describe_package() {
  printf '%s\t%s\t%s\n' "$(dpkg-deb -f "$1" Package)" "$(dpkg-deb -f "$1" Version)" "$(sha256sum "$1" | cut -d' ' -f1)"
}

# check_digests FILE: what the file describes is what the committed recordings were made with, where it has the same version.
check_digests() {
  local other
  other=$(awk -F '\t' 'NR == FNR { known[$1 " " $2] = $3; next } ($1 " " $2) in known && known[$1 " " $2] != $3 { print $1, $2 }' \
    "$HERE/digests.tsv" "$1")
  [[ ! $other ]] ||
    fail "${other//$'\n'/, } is not the package of that version that traces/recorder/digests.tsv knows; ask the mirror again"
  other=$(awk -F '\t' 'NR == FNR { known[$1 " " $2] = 1; next } !(($1 " " $2) in known) { print $1, $2 }' "$HERE/digests.tsv" "$1")
  [[ ! $other ]] || say "other versions than the committed recordings' (the new recording quotes their digests): ${other//$'\n'/, }"
}

unpack_packages() {
  local deb
  say "unpacking into work/root"
  rm -rf "$ROOT"
  mkdir -p "$ROOT"
  for deb in "$WORK"/debs/*.deb; do
    dpkg-deb -x "$deb" "$ROOT" || exit 1
    describe_package "$deb"
  done | sort >"$WORK/packages.part" || fail "$WORK/debs holds a package that cannot be unpacked: make room, try again"
  # The headers' makefile includes its other half by an absolute path.
  sed -i "s#include /usr/src#include $ROOT/usr/src#" "$ROOT"/usr/src/linux-headers-*-amd64/Makefile
  check_digests "$WORK/packages.part"
  # Last, for this file says that all is there.
  mv "$WORK/packages.part" "$WORK/packages.tsv"
}
