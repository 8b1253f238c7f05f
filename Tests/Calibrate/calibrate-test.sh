#!/usr/bin/env bash
# Runs the programs of `gi-bench profile measure` that need virtualization inside emulated machines that have it. What
# is asserted are events, never time: the programs' account of them, and beside it the kernel's own trace of every exit.
#
#   calibrate-test.sh     the /dev/kvm program in QEMU's emulator: SVM, Debian's kernel, KVM's module for AMD
#   FULL=1 ...            gi-bench itself there, too; and in Debian's Bochs with VMX, KVM's module for Intel and our
#                         kernel module; some minutes
#
# Takes from Debian's mirror what this machine lacks; kernel and headers are unpacked, not installed. Works in
# .build/calibrate.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$HERE/../.." && pwd)
PROGRAMS=$REPOSITORY/Sources/Calibration/Programs
WORK=${WORK:-$REPOSITORY/.build/calibrate}
FULL=${FULL:-}
SUDO=$([[ $(id -u) == 0 ]] || echo sudo)
# Many times what a boot takes on an idle machine.
QEMU_SECONDS=${QEMU_SECONDS:-150} BOCHS_SECONDS=${BOCHS_SECONDS:-1800}

say() { echo "calibrate-test: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# shellcheck source=packages.sh
. "$HERE/packages.sh"
# shellcheck source=machines.sh
. "$HERE/machines.sh"

# section NAME: the lines of a machine's console between "== NAME" and the next "==".
section() { tr -d '\r' <"$CONSOLE" | awk -v name="== $1" '/^== /{ inside = $0 == name; next } inside'; }

# How many lines an expectation has.
lines() { wc -l <"$HERE/$1"; }

# Whether the standard input, read to its end, has such a line.
has() { grep "$@" >/dev/null; }

# same WHAT FILE: the standard input is what the file says.
same() {
  diff -u --label "expected $1" --label "$1" "$HERE/$2" - >"$WORK/difference" ||
    fail "$1 is not as expected, see also $CONSOLE: $(echo && cat "$WORK/difference")"
}

# The last report of the module: an insmod that fails may try twice.
module_report() {
  section "$1" | sed -n 's/.*gi_calibration: //p' |
    awk '$0 == "begin" { lines = ""; next } { lines = lines $0 "\n" } END { printf "%s", lines }'
}

# check_kvm VENDOR FIGURE...: the /dev/kvm program did what it must, and took these figures.
check_kvm() {
  local vendor=$1 name
  shift
  section forbidden | same "$vendor: a device that may not be opened" forbidden.txt
  section events | same "$vendor: events" "$vendor-events.txt"
  section trace | awk -f "$HERE/exits.awk" | same "$vendor: the kernel's trace of exits" "$vendor-exits.txt"
  section hang | same "$vendor: a guest that hangs" hang.txt
  [[ $(section figures | tail -n 1) == end ]] || fail "$vendor: the figures break off, see $CONSOLE"
  for name in nothing vmcall out.user store.present store.absent log.drain "$@"; do
    section figures | has "^figure $name " || fail "$vendor: there is no figure $name, see $CONSOLE"
  done
}

# A known deviation of Bochs 2.7: a virtualization exception reports the EPTP index of the last VMFUNC, where the SDM
# (vol. 3C, "Virtualization-Exception Information") has the VMCS's field, which the module has set to 0 since.
bochs_ve_index() { sed '/^event ve exceptions/s/ index=1$/ index=0/'; }

# The module's guest in VMX, and what the module refuses.
check_module() {
  local name pages
  module_report module | grep -E '^(fact|event) ' | bochs_ve_index | same "module: events" module-events.txt
  [[ $(module_report module | tail -n 1) == end ]] || fail "module: its report breaks off, see $CONSOLE"
  for name in eptp_write invept.single invept.all exit.vmcall store.plain vmfunc store.ve; do
    module_report module | has "^figure $name " || fail "module: there is no figure $name, see $CONSOLE"
  done
  for name in touch touch.invept.single touch.invept.all touch.vmfunc; do
    pages=$(module_report module | awk -v name=$name '$1 == "curve" && $2 == name { print $3 }' | paste -sd ' ')
    [[ $pages == "1 2 4 8 16 32 64 128 256 512 1024 2048" ]] || fail "module: the curve $name has points at $pages"
  done
  section loaded | same "module: what stays loaded" nothing.txt
  module_report module-hang | grep -v '^fact ' | sed 's/0x[0-9a-f]*/ADDRESS/' |
    same "module: a guest that hangs" module-hang.txt
  module_report module-busy | same "module: VMX on already" module-busy.txt
}

# gi-bench itself: as a test it runs the guest and says that it measures nothing; else it refuses, under a hypervisor.
check_gi_bench() {
  [[ $(section measure | tail -n 1) == "status 0" ]] || fail "gi-bench --functional failed, see $CONSOLE"
  section measure | has 'log.all pages=512 of 512' || fail "gi-bench --functional shows no events, see $CONSOLE"
  section profile | has 'NO MEASUREMENT (functional run): VMCALL handled by KVM' ||
    fail "the profile of gi-bench --functional does not say that it is no measurement, see $CONSOLE"
  section profile | has '"tag" : "measured"' && fail "a functional run claims to have measured, see $CONSOLE"
  [[ $(section refused | tail -n 1) == "status 0" ]] || fail "gi-bench failed, see $CONSOLE"
  section refused | has '/dev/kvm: under a' || fail "gi-bench did not refuse a guest under a hypervisor, see $CONSOLE"
  section left | same "gi-bench: what is left behind" left.txt
}

main() {
  mkdir -p "$WORK"
  install_packages qemu-system-x86 busybox-static cpio gcc libc6-dev
  fetch_kernel
  build_program
  if [[ $FULL ]]; then
    install_packages bochs bochsbios vgabios grub-pc-bin grub-common xorriso mtools make gcc-12 libelf1
    build_module
    swift build --package-path "$REPOSITORY" --product gi-bench >&2
  fi

  CONSOLE=$WORK/qemu.console
  WITH_GI_BENCH=1 initramfs ccp kvm kvm-amd
  boot_qemu
  check_kvm amd store.write_protected
  if [[ $FULL ]]; then
    module_report module | same "module: no VMX" module-missing.txt
    check_gi_bench
  fi
  say "amd: $(lines amd-events.txt) lines of events and $(lines amd-exits.txt) of exits as expected, a guest" \
    "that hangs, a device that may not be opened"
  [[ $FULL ]] || return 0

  CONSOLE=$WORK/bochs.console
  initramfs kvm kvm-intel
  boot_bochs
  check_kvm intel store.logged store.ioeventfd store.ioeventfd.any
  check_module
  say "intel: $(lines intel-events.txt) lines of events, $(lines intel-exits.txt) of exits," \
    "$(lines module-events.txt) of the module as expected, two guests that hang, VMX on already, no VMX"
}

main
