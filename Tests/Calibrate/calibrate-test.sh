#!/usr/bin/env bash
# Runs the /dev/kvm program of `gi-bench profile measure` inside an emulated machine that has virtualization: QEMU's own
# emulator with SVM, Debian's kernel, KVM's module for AMD. What is asserted are events, never time: the program's account of
# them, and beside it the kernel's own trace of every exit.
#
# Takes from Debian's mirror what this machine lacks; nothing else is installed. Works in .build/calibrate.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$HERE/../.." && pwd)
PROGRAMS=$REPOSITORY/Sources/Calibration/Programs
WORK=${WORK:-$REPOSITORY/.build/calibrate}
SUDO=$([[ $(id -u) == 0 ]] || echo sudo)
# Twenty times what a boot takes by itself.
SECONDS_LIMIT=${SECONDS_LIMIT:-150}

say() { echo "calibrate-test: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

install_tools() {
  local missing=() package
  for package in qemu-system-x86 busybox-static cpio gcc libc6-dev; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]} (apt-get)"
  $SUDO apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The kernel's package, unpacked and not installed, once.
fetch_kernel() {
  local package
  [[ ! -d $WORK/kernel ]] || return 0
  package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
  if [[ ! $package ]]; then
    $SUDO apt-get update -qq
    package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
  fi
  [[ $package ]] || fail "apt knows no linux-image-amd64: this test needs Debian on x86-64"
  say "downloading $package"
  rm -rf "$WORK/kernel.part"
  mkdir -p "$WORK/kernel.part"
  (cd "$WORK/kernel.part" && apt-get -o APT::Sandbox::User=root download -qq "$package" && dpkg-deb -x ./*.deb . && rm ./*.deb) ||
    fail "$package cannot be downloaded and unpacked: run apt-get update and try again"
  mv "$WORK/kernel.part" "$WORK/kernel"
}

build_initramfs() {
  local root=$WORK/initramfs module
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,modules,proc,sys}
  gcc -std=gnu11 -O2 -Wall -Wextra -Werror -pthread -static -o "$root/bin/gi-kvm" \
    "$PROGRAMS"/kvm*.[cS] "$PROGRAMS"/{report,processors}.c
  cp /bin/busybox "$root/bin/"
  for module in irqbypass ccp kvm kvm-amd; do
    cp "$(find "$WORK/kernel" -name "$module.ko")" "$root/modules/" || fail "the kernel has no module $module"
  done
  cp "$HERE/init.sh" "$root/init"
  echo 'nobody:x:65534:65534::/:/bin/sh' >"$root/etc/passwd"
  (cd "$root" && find . | sort | cpio -o -H newc --quiet -R 0:0) >"$WORK/initramfs.cpio"
}

boot() {
  local status=0
  say "booting"
  timeout -s KILL "$SECONDS_LIMIT" qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 512 -nodefaults -display none \
    -no-reboot -serial "file:$WORK/console" -kernel "$WORK"/kernel/boot/vmlinuz-* -initrd "$WORK/initramfs.cpio" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off" </dev/null || status=$?
  ((status != 137)) || fail "the machine was not done within $SECONDS_LIMIT s, see $WORK/console"
  ((status == 0)) || fail "QEMU ended with status $status, see $WORK/console"
}

# section NAME: the lines of the console between "== NAME" and the next "==".
section() { tr -d '\r' <"$WORK/console" | awk -v name="== $1" '/^== /{ inside = $0 == name; next } inside'; }

# same NAME FILE: a section is what the file says.
same() {
  section "$1" | diff -u --label "expected $1" --label "$1" "$HERE/$2" - >"$WORK/difference" ||
    fail "$1 differs, see also $WORK/console: $(echo; cat "$WORK/difference")"
}

check() {
  same events events.txt
  section trace | awk -f "$HERE/exits.awk" >"$WORK/exits"
  diff -u --label "expected exits" --label exits "$HERE/exits-amd.txt" "$WORK/exits" >"$WORK/difference" ||
    fail "the kernel's trace of exits differs, see also $WORK/console: $(echo; cat "$WORK/difference")"
  section figures | grep -q '^end$' || fail "the figures break off, see $WORK/console"
  for name in nothing vmcall out.user store.present store.absent store.write_protected log.drain; do
    section figures | grep -q "^figure $name " || fail "there is no figure $name, see $WORK/console"
  done
  same hang hang.txt
  same forbidden forbidden.txt
  say "as expected: $(wc -l <"$HERE/events.txt") lines of events, $(wc -l <"$HERE/exits-amd.txt") of exits, a guest that hangs, a device that may not be opened"
}

mkdir -p "$WORK"
install_tools
fetch_kernel
build_initramfs
boot
check
