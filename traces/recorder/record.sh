#!/usr/bin/env bash
# Records a guest: every store of a complete boot with a workload, from reset to power-off.
#
#   record.sh [NAME]      NAME is a file of workloads/ without its suffix, or quick; the default is boot
#
# What is recorded, by environment:
#   REPEAT=N              so many recordings of it: NAME, NAME-2, ... NAME-N; the guest's random numbers differ
#   ACCESSES=load-driver  loads and fetches too, from the loading of the driver on; or from another mark's number, or start;
#                         empty for stores alone; the default is the workload's
#   VCPUS, CPU, RAM_MIB   vCPUs (2, at most 8), CPU model of QEMU (qemu64; "qemu64,+pcid"), memory (128, at most 2048)
#   INSTRUCTIONS_PER_SECOND=N   of a vCPU, in the guest's time: 1000000000 (the default), divided by 2, 4, ... 1024, or times
#                         2, 3, ... 16; beyond the default only the driver's timer follows, not the kernel's
#
# A guest of your own, by environment; see ../RecordYourOwn.md:
#   KERNEL=FILE           an x86-64 kernel, vmlinuz or vmlinux; default: Debian's
#   HEADERS=FOLDER        its build tree, for the driver; default: /lib/modules/RELEASE/build
#   INITRAMFS=FILE        an initial RAM file system, whose /init runs once the driver is loaded; NAME only names the recording
#   PROTECT="SYMBOL ..."  kernel symbols to protect besides those that always are; SYMBOL:BYTES for a size of your own
#   APPEND="..."          more of the kernel's command line
#   KEEP=COLUMNS LEVEL=N  --columns and --level of `gi-bench trace convert`; default: linear-pages, 19
#   SECONDS_LIMIT, STREAM_LIMIT_MIB, FREE_MIB   what a recording may take
#
# Leaves work/NAME.raw.zst (the raw stream) and work/NAME.json (its description), and converts them
# to ../NAME.trace. Needs Debian 12 on x86-64, packages by name, 6 GB of disk; see ../README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=${WORK:-$HERE/work}
OUTPUT=${OUTPUT:-$(realpath "$HERE/..")} # where traces go
ROOT=$WORK/root
TRACE=${1:-boot}
if [[ $TRACE == --plugin ]]; then TRACE=boot PLUGIN_ONLY=1; fi
SUDO=$([[ $(id -u) == 0 ]] || echo sudo)
KERNEL=${KERNEL:+$(realpath -m "$KERNEL")} HEADERS=${HEADERS:-} INITRAMFS=${INITRAMFS:+$(realpath -m "$INITRAMFS")}
PROTECT=${PROTECT:-} APPEND=${APPEND:-} LEVEL=${LEVEL:-19} REPEAT=${REPEAT:-1}
VCPUS=${VCPUS:-2} CPU=${CPU:-qemu64} INSTRUCTIONS_PER_SECOND=${INSTRUCTIONS_PER_SECOND:-1000000000}
RECORDING=$TRACE REPLICATE=1 # of several recordings, the one at hand

# workload WORD: what the workload's file says behind "# WORD:"; nothing for a guest of one's own.
workload() {
  [[ $INITRAMFS ]] || sed -n "s/^# $1: *//p" "$HERE/workloads/$TRACE.sh" 2>/dev/null || true
}
ACCESSES=${ACCESSES-$(workload accesses)} KEEP=${KEEP:-linear-pages${ACCESSES:+,loads,fetches}}
RAM_MIB=${RAM_MIB:-$(workload memory)} RAM_MIB=${RAM_MIB:-128} SECONDS_LIMIT=${SECONDS_LIMIT:-900}
STREAM_LIMIT_MIB=${STREAM_LIMIT_MIB:-4096} FREE_MIB=${FREE_MIB:-6144}

# Sets SHIFT, an instruction takes 2^SHIFT nanoseconds, and PERIOD, the milliseconds of the driver's timer.
choose_rate() {
  local default=1000000000
  [[ $INSTRUCTIONS_PER_SECOND =~ ^[1-9][0-9]{0,10}$ ]] || return 1
  for SHIFT in {0..10}; do
    PERIOD=20
    ((INSTRUCTIONS_PER_SECOND << SHIFT != default)) || return 0
  done
  SHIFT=0 PERIOD=$((INSTRUCTIONS_PER_SECOND / (default / 20)))
  ((INSTRUCTIONS_PER_SECOND % default == 0 && INSTRUCTIONS_PER_SECOND / default <= 16))
}
SHIFT=0 PERIOD=20
choose_rate || PERIOD=

readonly FLAGS="-M pc -accel tcg,thread=single -icount shift=$SHIFT,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm \
-seed 1 -cpu $CPU -m ${RAM_MIB}M -smp $VCPUS -display none -no-reboot -nodefaults -net none"
readonly SYMBOLS_CMDLINE="console=ttyS0 nokaslr norandmaps panic=-1 cryptomgr.notests init_on_alloc=0 lpj=4000000\
${APPEND:+ $APPEND}"
readonly CMDLINE=$SYMBOLS_CMDLINE${INITRAMFS:+ rdinit=/gi/init}

# The command line of the recording at hand: the first one's is plain, and the others' numbers seed the guest's random pool, in the
# kernel at once and in init.sh again, since QEMU would repeat a recording bit for bit.
cmdline() {
  echo "$CMDLINE$( ((REPLICATE == 1)) || echo " replicate=$REPLICATE")"
}

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
  for name in RAM_MIB SECONDS_LIMIT STREAM_LIMIT_MIB FREE_MIB VCPUS REPEAT; do
    [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$name is \"${!name}\"; expected a number above 0"
  done
  ((RAM_MIB <= 2048)) || fail "RAM_MIB is $RAM_MIB; the recorder follows a guest of at most 2048 MiB"
  ((VCPUS >= 2 && VCPUS <= 8)) || fail "VCPUS is $VCPUS; the driver and the recorder take 2 to 8"
  [[ $PERIOD ]] || fail "INSTRUCTIONS_PER_SECOND is \
$INSTRUCTIONS_PER_SECOND; expected 1000000000, divided by 2, 4, ... 1024 or times 2, 3, ... 16"
  [[ $CPU =~ ^[A-Za-z0-9_.,+=-]+$ ]] || fail "CPU is \"$CPU\"; expected a model that qemu-system-x86_64 -cpu takes"
  case $ACCESSES in
  '') ;;
  start) ACCESS_MARK=0 ;;
  load-driver) ACCESS_MARK=100 ;;
  *) [[ $ACCESSES =~ ^[1-9][0-9]{0,5}$ ]] || fail "ACCESSES is \"$ACCESSES\"; expected load-driver, start, or a mark's number"
    ACCESS_MARK=$ACCESSES ;;
  esac
  for name in KERNEL INITRAMFS; do
    [[ ! ${!name} || (-f ${!name} && -r ${!name}) ]] || fail "$name is ${!name}, which is no file that can be read"
  done
  [[ $INITRAMFS || -f $HERE/workloads/$TRACE.sh ]] ||
    fail "no workload $TRACE; there are: quick $(cd "$HERE/workloads" && echo *.sh | sed 's/\.sh//g')"
  [[ ! $ACCESSES || $KEEP == *loads* || $KEEP == *fetches* ]] ||
    fail "ACCESSES asks for loads and fetches, KEEP keeps neither: add loads,fetches to it"
  mkdir -p "$WORK"
  free=$(($(df -Pk "$WORK" | awk 'NR == 2 { print $4 }') / 1024))
  ((free >= FREE_MIB)) || fail "$WORK has $free MiB free; a recording needs $FREE_MIB MiB while it is made"
}

build_plugin() {
  say "building the plugin"
  gcc -std=gnu11 -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -fomit-frame-pointer -ffixed-rbp \
    -o "$WORK/recorder.so" "$HERE"/plugin/*.c || fail "the plugin does not build: see above"
}

# What an end at any moment has to take along: the emulator, and whoever stores its stream, run on of themselves.
READER=
clean_up() {
  trap '' HUP INT TERM
  # shellcheck disable=SC2046 # a list of numbers
  kill $(jobs -p) 2>/dev/null || true
  if [[ $READER ]]; then
    exec 3>&-
    wait "$READER" || true
  fi
  rm -f "$WORK/$RECORDING.raw.part" "$WORK/$RECORDING.json.part"
}

# From here on a signal ends the recorder by way of clean_up.
heed_signals() {
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# qemu INITRD CONSOLE CMDLINE [ARGUMENT...]
# In the background, since a shell that waits for what is in front of it heeds no signal.
qemu() {
  local initrd=$1 console=$2 cmdline=$3 status=0
  shift 3
  heed_signals
  # shellcheck disable=SC2086 # a list of flags
  timeout -s KILL "$SECONDS_LIMIT" "$ROOT/usr/bin/qemu-system-x86_64" -L "$ROOT/usr/share/qemu" -L /usr/share/seabios \
    $FLAGS -kernel "$VMLINUX" -initrd "$initrd" -append "$cmdline" -serial "file:$console" "$@" &
  wait $! || status=$?
  return $status
}

record() {
  local phases='' id name at status=0 log=$WORK/$RECORDING.log failure
  while read -r id name _; do
    at=$(symbol "$name" 5)
    [[ ! $at ]] || phases+=",phase=0x$at:$id"
  done <"$HERE/phases.txt"
  say "recording $RECORDING; the guest's console is $log"
  SECONDS=0
  heed_signals
  exec 3> >(ulimit -f $((STREAM_LIMIT_MIB * 1024)) && exec zstd -q -f -3 -o "$WORK/$RECORDING.raw.part")
  READER=$!
  qemu "$WORK/$TRACE.cpio" "$log" "$(cmdline)" \
    -plugin "$WORK/recorder.so,ram=$((RAM_MIB << 20)),stream=/dev/fd/3,arm=6,touched=$WORK/$RECORDING.touched${ACCESS_MARK:+,accesses=$ACCESS_MARK}$phases" ||
    status=$?
  exec 3>&-
  wait "$READER" || {
    READER=
    fail "the raw stream could not be stored: the disk of $WORK is full, or it exceeds $STREAM_LIMIT_MIB MiB compressed"
  }
  READER=
  ((status != 137)) || fail "the guest did not power off within $SECONDS_LIMIT s, see $log"
  ((status == 0)) || fail "QEMU ended with status $status, see $log"
  failure=$(sed -n 's/\r$//; s/^workload: failed //p' "$log" | head -n 1)
  [[ ! $failure ]] || fail "the workload failed inside the guest ($failure), so there is no recording; see $log"
  grep -q 'reboot: Power down' "$log" || fail "the guest did not power off, see $log"
  grep -q 'gi: region' "$log" || say "no driver was loaded in this guest: a replay protects what --policy says, see $log"
  # A description belongs to its stream.
  rm -f "$WORK/$RECORDING.json"
  mv "$WORK/$RECORDING.raw.part" "$WORK/$RECORDING.raw.zst"
  say "recorded in $SECONDS s, $(($(stat -c %s "$WORK/$RECORDING.raw.zst") >> 20)) MiB compressed"
}

# The packages that took part: not Debian's kernel in a guest with another.
packages() {
  if [[ $KERNEL ]]; then grep -v '^linux-' "$WORK/packages.tsv"; else cat "$WORK/packages.tsv"; fi
  if [[ $(workload packages) ]]; then cat "$WORK/root-$TRACE/packages.tsv"; fi
}

describe() {
  local title
  say "describing the recording in work/$RECORDING.json"
  if [[ $INITRAMFS ]]; then
    title="$TRACE: initramfs ${INITRAMFS##*/}, SHA-256 $(sha256sum <"$INITRAMFS" | cut -d' ' -f1)"
  else
    title=$(sed -n '1s/^# *//p' "$HERE/workloads/$TRACE.sh")
  fi
  awk -v title="$title" -v kernel="$RELEASE" -v kernel_package="$KERNEL_PACKAGE" \
    -v workload="$TRACE" -v replicate="$REPLICATE" -v rate="$INSTRUCTIONS_PER_SECOND" -v accesses="${ACCESS_MARK:-}" \
    -v cmdline="$(cmdline)" -v ram=$((RAM_MIB << 20)) -v vcpus=$VCPUS \
    -v qemu="$("$ROOT/usr/bin/qemu-system-x86_64" --version | sed -n '1s/.*version //p')" -v flags="$FLAGS" -f "$HERE/describe.awk" \
    part=packages <(packages) part=limits "$HERE/limits.txt" part=phases "$HERE/phases.txt" \
    part=touched "$WORK/$RECORDING.touched" part=symbols "$SYMBOLS" part=log "$WORK/$RECORDING.log" \
    >"$WORK/$RECORDING.json.part"
  mv "$WORK/$RECORDING.json.part" "$WORK/$RECORDING.json"
}

convert() {
  command -v swift >/dev/null || {
    say "no swift here: the recording stays in work/$RECORDING.raw.zst"
    return
  }
  say "converting to ${OUTPUT#"$PWD"/}/$RECORDING.trace at level $LEVEL"
  SECONDS=0
  cd "$HERE/../.."
  # Built by itself first: a build that fails is no broken stream.
  swift build --product gi-bench >"$WORK/build.log" 2>&1 || fail "gi-bench does not build, see $WORK/build.log"
  zstd -dc "$WORK/$RECORDING.raw.zst" | .build/debug/gi-bench trace convert --from recorder - --columns "$KEEP" \
    --level "$LEVEL" --description "$WORK/$RECORDING.json" --output "$OUTPUT/$RECORDING.trace" ||
    fail "the stream was not converted; it stays in $WORK/$RECORDING.raw.zst"
  say "converted in $SECONDS s"
}

# The last part of the recording of boot, for tests: kprobes, every attack, forks.
cut_quick() {
  say "cutting traces/quick.trace out of traces/boot.trace"
  cd "$HERE/../.."
  swift run gi-bench trace cut traces/boot.trace --from-mark set-kprobes --to-mark power-off \
    --output traces/quick.trace
}

main() {
  if [[ ${PLUGIN_ONLY:-} ]]; then
    mkdir -p "$WORK"
    build_plugin
    say "$WORK/recorder.so is built; how to attach it stands in traces/RecordYourOwn.md"
    return
  fi
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
  if [[ $(workload packages) ]]; then fetch_workload; fi
  build_initramfs
  for ((REPLICATE = 1; REPLICATE <= REPEAT; REPLICATE++)); do
    if ((REPLICATE > 1)); then RECORDING=$TRACE-$REPLICATE; fi
    record
    describe
    convert
  done
}

# Sourced, it only defines; see test.sh.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; exit; fi
