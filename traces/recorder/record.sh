#!/usr/bin/env bash
# Records a guest: every store of a complete boot with a workload, from reset to power-off.
#
#   record.sh [NAME]      NAME is a file of workloads/ without its suffix, or quick; the default is boot
#
# A guest of your own, by environment; see ../RecordYourOwn.md:
#   KERNEL=FILE           an x86-64 kernel, vmlinuz or vmlinux; default: Debian's
#   HEADERS=FOLDER        its build tree, for the driver; default: /lib/modules/RELEASE/build
#   INITRAMFS=FILE        an initial RAM file system, whose /init runs once the driver is loaded; NAME only names the recording
#   PROTECT="SYMBOL ..."  kernel symbols to protect besides those that always are; SYMBOL:BYTES for a size of your own
#   APPEND="..."          more of the kernel's command line
#   KEEP=COLUMNS LEVEL=N  --columns and --level of `gi-bench trace convert`; default: linear-pages, 19
#   RAM_MIB, SECONDS_LIMIT, STREAM_LIMIT_MIB, FREE_MIB   memory of the guest, and what a recording may take
#
# Leaves work/NAME.raw.zst (the raw stream) and work/NAME.json (its description), and converts them
# to ../NAME.trace. Needs Debian 12 on x86-64, packages by name, 6 GB of disk; see ../README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=${WORK:-$HERE/work}
ROOT=$WORK/root
TRACE=${1:-boot}
SUDO=$([[ $(id -u) == 0 ]] || echo sudo)
KERNEL=${KERNEL:+$(realpath -m "$KERNEL")} HEADERS=${HEADERS:-} INITRAMFS=${INITRAMFS:+$(realpath -m "$INITRAMFS")}
PROTECT=${PROTECT:-} APPEND=${APPEND:-} KEEP=${KEEP:-linear-pages} LEVEL=${LEVEL:-19}
RAM_MIB=${RAM_MIB:-128} SECONDS_LIMIT=${SECONDS_LIMIT:-900}
STREAM_LIMIT_MIB=${STREAM_LIMIT_MIB:-4096} FREE_MIB=${FREE_MIB:-6144}

readonly VCPUS=2
readonly FLAGS="-M pc -accel tcg,thread=single -icount shift=0,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm \
-seed 1 -cpu qemu64 -m ${RAM_MIB}M -smp $VCPUS -display none -no-reboot -nodefaults -net none"
readonly SYMBOLS_CMDLINE="console=ttyS0 nokaslr norandmaps panic=-1 cryptomgr.notests init_on_alloc=0 lpj=4000000\
${APPEND:+ $APPEND}"
readonly CMDLINE=$SYMBOLS_CMDLINE${INITRAMFS:+ rdinit=/gi/init}

say() { echo "record: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# shellcheck source=packages.sh
. "$HERE/packages.sh"
# shellcheck source=kernel.sh
. "$HERE/kernel.sh"
# shellcheck source=initramfs.sh
. "$HERE/initramfs.sh"

check_request() {
  local name free
  [[ $(uname -m) == x86_64 ]] || fail "this machine is $(uname -m); the recorder reads host registers of x86-64"
  command -v apt-get >/dev/null || fail "no apt-get here; the recorder needs Debian 12"
  [[ $TRACE =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || fail "\"$TRACE\" is no name for a recording: letters, digits, . _ and -"
  for name in RAM_MIB SECONDS_LIMIT STREAM_LIMIT_MIB FREE_MIB; do
    [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$name is \"${!name}\"; expected a number above 0"
  done
  ((RAM_MIB <= 2048)) || fail "RAM_MIB is $RAM_MIB; the recorder follows a guest of at most 2048 MiB"
  for name in KERNEL INITRAMFS; do
    [[ ! ${!name} || (-f ${!name} && -r ${!name}) ]] || fail "$name is ${!name}, which is no file that can be read"
  done
  [[ $INITRAMFS || -f $HERE/workloads/$TRACE.sh ]] ||
    fail "no workload $TRACE; there are: quick $(cd "$HERE/workloads" && echo *.sh | sed 's/\.sh//g')"
  mkdir -p "$WORK"
  free=$(($(df -Pk "$WORK" | awk 'NR == 2 { print $4 }') / 1024))
  ((free >= FREE_MIB)) || fail "$WORK has $free MiB free; a recording needs $FREE_MIB MiB while it is made"
}

build_plugin() {
  say "building the plugin"
  gcc -std=gnu11 -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -fomit-frame-pointer -ffixed-rbp \
    -o "$WORK/recorder.so" "$HERE"/plugin/*.c
}

# qemu INITRD CONSOLE CMDLINE [ARGUMENT...]
qemu() {
  local initrd=$1 console=$2 cmdline=$3
  shift 3
  # shellcheck disable=SC2086 # a list of flags
  timeout -s KILL "$SECONDS_LIMIT" "$ROOT/usr/bin/qemu-system-x86_64" -L "$ROOT/usr/share/qemu" -L /usr/share/seabios \
    $FLAGS -kernel "$VMLINUX" -initrd "$initrd" -append "$cmdline" -serial "file:$console" "$@"
}

record() {
  local phases='' id name at status=0 reader log=$WORK/$TRACE.log
  while read -r id name _; do
    at=$(symbol "$name" 5)
    [[ ! $at ]] || phases+=",phase=0x$at:$id"
  done <"$HERE/phases.txt"
  say "recording $TRACE"
  SECONDS=0
  trap 'rm -f "$WORK/$TRACE.raw.part"' EXIT
  exec 3> >(ulimit -f $((STREAM_LIMIT_MIB * 1024)) && exec zstd -q -f -3 -o "$WORK/$TRACE.raw.part")
  reader=$!
  qemu "$WORK/$TRACE.cpio" "$log" "$CMDLINE" \
    -plugin "$WORK/recorder.so,ram=$((RAM_MIB << 20)),stream=/dev/fd/3,arm=6,touched=$WORK/$TRACE.touched$phases" ||
    status=$?
  exec 3>&-
  wait "$reader" ||
    fail "the raw stream could not be stored: the disk of $WORK is full, or it exceeds $STREAM_LIMIT_MIB MiB compressed"
  ((status != 137)) || fail "the guest did not power off within $SECONDS_LIMIT s, see $log"
  ((status == 0)) || fail "QEMU ended with status $status, see $log"
  grep -q 'reboot: Power down' "$log" || fail "the guest did not power off, see $log"
  grep -q 'gi: region' "$log" || say "no driver was loaded in this guest: a replay protects what --policy says, see $log"
  mv "$WORK/$TRACE.raw.part" "$WORK/$TRACE.raw.zst"
  say "recorded in $SECONDS s, $(($(stat -c %s "$WORK/$TRACE.raw.zst") >> 20)) MiB compressed"
}

# The packages that took part: not Debian's kernel in a guest with another.
packages() {
  if [[ $KERNEL ]]; then grep -v '^linux-' "$WORK/packages.tsv"; else cat "$WORK/packages.tsv"; fi
}

describe() {
  local title
  say "describing the recording in work/$TRACE.json"
  if [[ $INITRAMFS ]]; then
    title="$TRACE: initramfs ${INITRAMFS##*/}, SHA-256 $(sha256sum <"$INITRAMFS" | cut -d' ' -f1)"
  else
    title=$(sed -n '1s/^# *//p' "$HERE/workloads/$TRACE.sh")
  fi
  awk -v title="$title" -v kernel="$RELEASE" -v kernel_package="$KERNEL_PACKAGE" \
    -v cmdline="$CMDLINE" -v ram=$((RAM_MIB << 20)) -v vcpus=$VCPUS \
    -v qemu="$("$ROOT/usr/bin/qemu-system-x86_64" --version | sed -n '1s/.*version //p')" -v flags="$FLAGS" -f "$HERE/describe.awk" \
    part=packages <(packages) part=limits "$HERE/limits.txt" part=phases "$HERE/phases.txt" \
    part=touched "$WORK/$TRACE.touched" part=symbols "$SYMBOLS" part=log "$WORK/$TRACE.log" >"$WORK/$TRACE.json"
}

convert() {
  command -v swift >/dev/null || {
    say "no swift here: the recording stays in work/$TRACE.raw.zst"
    return
  }
  say "converting to traces/$TRACE.trace"
  cd "$HERE/../.."
  zstd -dc "$WORK/$TRACE.raw.zst" | swift run gi-bench trace convert --from recorder - --columns "$KEEP" \
    --level "$LEVEL" --description "$WORK/$TRACE.json" --output "traces/$TRACE.trace"
}

# The last part of the recording of boot, for tests: kprobes, every attack, forks.
cut_quick() {
  say "cutting traces/quick.trace out of traces/boot.trace"
  cd "$HERE/../.."
  swift run gi-bench trace cut traces/boot.trace --from-mark set-kprobes --to-mark power-off \
    --output traces/quick.trace
}

main() {
  if [[ $TRACE == quick && ! $INITRAMFS ]]; then
    cut_quick
    return
  fi
  check_request
  install_host_packages
  if [[ ! -f $WORK/packages.tsv ]]; then
    fetch_packages
    unpack_packages
  fi
  choose_kernel
  build_plugin
  build_modules
  read_symbols
  build_initramfs
  record
  describe
  convert
}

# Sourced, it only defines; see test.sh.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; exit; fi
