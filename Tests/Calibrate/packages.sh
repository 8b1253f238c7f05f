# What the machines are made of: Debian packages, by name, from the mirror this machine already uses.
# Sourced by calibrate-test.sh.
# shellcheck shell=bash

# install_packages NAME...: those that are missing.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]} (apt-get)"
  $SUDO apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# unpack FOLDER PACKAGE...: downloads packages and unpacks them, once.
unpack() {
  local folder=$WORK/$1
  shift
  [[ ! -d $folder ]] || return 0
  say "downloading $*"
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  (
    cd "$folder.part"
    apt-get -o APT::Sandbox::User=root download -qq "$@"
    for package in ./*.deb; do dpkg-deb -x "$package" .; done
    rm ./*.deb
  ) || fail "$* cannot be downloaded and unpacked: run apt-get update and try again"
  mv "$folder.part" "$folder"
}

kernel_package() {
  apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1
}

fetch_kernel() {
  local package
  [[ ! -d $WORK/kernel ]] || return 0
  package=$(kernel_package)
  if [[ ! $package ]]; then
    $SUDO apt-get update -qq
    package=$(kernel_package)
  fi
  [[ $package ]] || fail "apt knows no linux-image-amd64: this test needs Debian on x86-64"
  unpack kernel "$package"
}

# The headers of the kernel that was fetched, whose makefile includes its other half by an absolute path.
fetch_headers() {
  local release=$1 headers
  headers=$(apt-cache depends "linux-headers-$release" | sed -n 's/.*Depends: //p' | grep -v -- '-gcc-' || true)
  # shellcheck disable=SC2086 # a list of names
  unpack headers "linux-headers-$release" $headers
  sed -i "s#^include /usr/src#include $WORK/headers/usr/src#" "$WORK/headers/usr/src/linux-headers-$release/Makefile"
}
