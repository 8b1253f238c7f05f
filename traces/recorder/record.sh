#!/usr/bin/env bash
# Records a guest: every store of a complete boot with a workload, from reset to power-off.
#
#   record.sh [NAME]      NAME is a file of workloads/ without its suffix, or quick; the default is boot
#
# Leaves work/NAME.raw.zst (the raw stream) and work/NAME.json (its description), and converts them
# to ../NAME.trace. Needs Debian 12 on x86-64, packages by name, 6 GB of disk; see ../README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "$0")" && pwd)
WORK=$HERE/work
ROOT=$WORK/root
TRACE=${1:-boot}
SUDO=$([[ $(id -u) == 0 ]] || echo sudo)

readonly RAM_MIB=128 VCPUS=2
readonly SECONDS_LIMIT=900 STREAM_LIMIT_MIB=4096 FREE_MIB=6144
readonly FLAGS="-M pc -accel tcg,thread=single -icount shift=0,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm \
-seed 1 -cpu qemu64 -m ${RAM_MIB}M -smp $VCPUS -display none -no-reboot -nodefaults -net none"
readonly CMDLINE="console=ttyS0 nokaslr norandmaps panic=-1 cryptomgr.notests init_on_alloc=0 lpj=4000000"
readonly APPLETS="cat cut gunzip gzip head insmod ls md5sum mount poweroff rm rmmod sh true"
readonly LIBRARIES="libc.so.6 libm.so.6 libreadline.so.8 libsqlite3.so.0 libtinfo.so.6 libz.so.1"
readonly SYMBOLS="_stext _etext __start_rodata __end_rodata sys_call_table idt_table modprobe_path init_top_pgt \
__x64_sys_ustat"
readonly STOCK_MODULES="lib/crc8 lib/ts_kmp lib/lru_cache fs/fuse/fuse drivers/net/dummy"

say() { echo "record: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# shellcheck source=packages.sh
. "$HERE/packages.sh"

check_machine() {
  [[ $(uname -m) == x86_64 ]] || fail "this machine is $(uname -m); the recorder reads host registers of x86-64"
  command -v apt-get >/dev/null || fail "no apt-get here; the recorder needs Debian 12"
  [[ -f $HERE/workloads/$TRACE.sh ]] ||
    fail "no workload $TRACE; there are: quick $(cd "$HERE/workloads" && echo *.sh | sed 's/\.sh//g')"
  mkdir -p "$WORK"
  local free
  free=$(($(df -Pk "$WORK" | awk 'NR == 2 { print $4 }') / 1024))
  ((free >= FREE_MIB)) || fail "$WORK has $free MiB free; a recording needs $FREE_MIB MiB while it is made"
}

build_plugin() {
  say "building the plugin"
  gcc -std=gnu11 -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -fomit-frame-pointer -ffixed-rbp \
    -o "$WORK/recorder.so" "$HERE"/plugin/*.c
}

build_guest() {
  say "building the guest's modules and its tool for kernel $RELEASE"
  rm -rf "$WORK/modules"
  mkdir -p "$WORK/modules"
  cp "$HERE"/guest/{gi*.[ch],rootkit.c,Kbuild} "$WORK/modules/"
  make -s -C "$ROOT/usr/src/linux-headers-$RELEASE" M="$WORK/modules" modules >"$WORK/module-build.log" 2>&1 ||
    fail "the modules do not build, see $WORK/module-build.log"
  strip -g "$WORK"/modules/*.ko
  gcc -O2 -static -s -Wall -Wextra -o "$WORK/tool" "$HERE/guest/tool.c"
}

# The kernel as an ELF file: the xz stream inside vmlinuz. Booted so, it does not decompress itself.
extract_kernel() {
  say "extracting the kernel"
  local image=$ROOT/boot/vmlinuz-$RELEASE offset
  offset=$(grep -abo $'\xfd7zXZ' "$image" | head -n 1 | cut -d: -f1) || true
  [[ $offset ]] || fail "$image is not compressed with xz"
  tail -c +"$((offset + 1))" "$image" | xz -dc --single-stream >"$WORK/vmlinux" 2>/dev/null || true
  head -c 4 "$WORK/vmlinux" | grep -q ELF || fail "$image holds no ELF kernel"
}

# archive FOLDER FILE
archive() {
  (cd "$1" && find . | sort | cpio -o -H newc --quiet -R 0:0) >"$2"
}

# qemu INITRD CONSOLE [ARGUMENT...]
qemu() {
  local initrd=$1 console=$2
  shift 2
  # shellcheck disable=SC2086 # a list of flags
  timeout "$SECONDS_LIMIT" "$ROOT/usr/bin/qemu-system-x86_64" -L "$ROOT/usr/share/qemu" -L /usr/share/seabios \
    $FLAGS -kernel "$WORK/vmlinux" -initrd "$initrd" -append "$CMDLINE" -serial "file:$console" "$@"
}

# One boot without the recorder, for the addresses: the packaged System.map is empty.
read_symbols() {
  say "booting once for the kernel's symbols"
  local folder=$WORK/symbols.initramfs
  rm -rf "$folder"
  mkdir -p "$folder"/{bin,dev,proc}
  cp "$ROOT/bin/busybox" "$folder/bin/"
  cp "$HERE/guest/symbols.sh" "$folder/init"
  archive "$folder" "$folder.cpio"
  qemu "$folder.cpio" "$WORK/symbols.log" -serial "file:$WORK/kallsyms.gz" ||
    fail "the guest did not power off within $SECONDS_LIMIT s, see $WORK/symbols.log"
  gzip -dc "$WORK/kallsyms.gz" | sort | awk -f "$HERE/symbols.awk" >"$WORK/symbols"
  [[ $(wc -l <"$WORK/symbols") -gt 10000 ]] || fail "the guest listed too few symbols, see $WORK/symbols.log"
}

# address NAME, extent FIRST LAST: linear addresses; extent of one symbol: extent NAME
address() {
  local found
  found=$(awk -v name="$1" '$3 == name { print $5; exit }' "$WORK/symbols")
  [[ $found ]] || fail "kernel $RELEASE has no symbol $1"
  echo "0x$found"
}
extent() {
  echo "$(address "$1"),$(address "$2")"
}
sized() {
  local start
  start=$(address "$1")
  printf '%s,0x%x' "$start" $((start + $2))
}

build_initramfs() {
  say "building the initramfs with workload $TRACE"
  local folder=$WORK/initramfs name syscalls
  for name in $SYMBOLS; do address "$name" >/dev/null; done
  syscalls=$(awk '/define __NR_syscalls/ { print $3 }' \
    "$ROOT/usr/src/linux-headers-$RELEASE/arch/x86/include/generated/uapi/asm/unistd_64.h")
  rm -rf "$folder"
  mkdir -p "$folder"/{bin,dev,etc,lib64,lib/x86_64-linux-gnu,modules/stock,proc,sys,tmp}
  cp "$ROOT/bin/busybox" "$ROOT/usr/bin/sqlite3" "$WORK/tool" "$folder/bin/"
  for name in $APPLETS; do ln -s busybox "$folder/bin/$name"; done
  cp -L "$ROOT/lib64/ld-linux-x86-64.so.2" "$folder/lib64/"
  for name in $LIBRARIES; do
    cp -L "$(compgen -G "$ROOT/*/x86_64-linux-gnu/$name" || compgen -G "$ROOT/usr/lib/x86_64-linux-gnu/$name")" \
      "$folder/lib/x86_64-linux-gnu/"
  done
  cp "$WORK"/modules/{gi,rootkit}.ko "$folder/modules/"
  for name in $STOCK_MODULES; do cp "$ROOT/lib/modules/$RELEASE/kernel/$name.ko" "$folder/modules/stock/"; done
  cp "$HERE/guest/init.sh" "$folder/init"
  cp "$HERE/workloads/$TRACE.sh" "$folder/etc/workload.sh"
  {
    echo "text=$(extent _stext _etext)"
    echo "rodata=$(extent __start_rodata __end_rodata)"
    echo "syscalls=$(sized sys_call_table $((syscalls * 8)))"
    echo "idt=$(sized idt_table 4096)"
    echo "modprobe=$(sized modprobe_path 256)"
  } >"$folder/etc/gi.parameters"
  address init_top_pgt >"$folder/etc/page-tables"
  {
    echo "text_start=$(address _stext)"
    echo "syscalls=$(address sys_call_table)"
    echo "idt=$(address idt_table)"
    echo "modprobe=$(address modprobe_path)"
    echo "victim_function=$(address __x64_sys_ustat)"
  } >"$folder/etc/rootkit.parameters"
  archive "$folder" "$WORK/$TRACE.cpio"
}

record() {
  local phases='' id symbol name status=0 reader
  while read -r id symbol name; do phases+=",phase=$(address "$symbol"):$id"; done <"$HERE/phases.txt"
  say "recording $TRACE"
  SECONDS=0
  trap 'rm -f "$WORK/$TRACE.raw.part"' EXIT
  exec 3> >(ulimit -f $((STREAM_LIMIT_MIB * 1024)) && exec zstd -q -f -3 -o "$WORK/$TRACE.raw.part")
  reader=$!
  qemu "$WORK/$TRACE.cpio" "$WORK/$TRACE.log" \
    -plugin "$WORK/recorder.so,ram=$((RAM_MIB << 20)),stream=/dev/fd/3,arm=6,touched=$WORK/$TRACE.touched$phases" ||
    status=$?
  exec 3>&-
  wait "$reader" || fail "the raw stream could not be stored; it may not exceed $STREAM_LIMIT_MIB MiB compressed"
  ((status != 124)) || fail "the guest did not power off within $SECONDS_LIMIT s, see $WORK/$TRACE.log"
  ((status == 0)) || fail "QEMU ended with status $status, see $WORK/$TRACE.log"
  grep -q 'reboot: Power down' "$WORK/$TRACE.log" || fail "the guest did not power off, see $WORK/$TRACE.log"
  mv "$WORK/$TRACE.raw.part" "$WORK/$TRACE.raw.zst"
  say "recorded in $SECONDS s, $(($(stat -c %s "$WORK/$TRACE.raw.zst") >> 20)) MiB compressed"
}

describe() {
  say "describing the recording in work/$TRACE.json"
  awk -v title="$(sed -n '1s/^# *//p' "$HERE/workloads/$TRACE.sh")" -v kernel="$RELEASE" \
    -v kernel_package="$(awk -v name="linux-image-$RELEASE" '$1 == name { print $1 " " $2 }' "$WORK/packages.tsv")" \
    -v cmdline="$CMDLINE" -v ram=$((RAM_MIB << 20)) -v vcpus=$VCPUS \
    -v qemu="$("$ROOT/usr/bin/qemu-system-x86_64" --version | sed -n '1s/.*version //p')" -v flags="$FLAGS" -f "$HERE/describe.awk" \
    part=packages "$WORK/packages.tsv" part=limits "$HERE/limits.txt" part=phases "$HERE/phases.txt" \
    part=touched "$WORK/$TRACE.touched" part=symbols "$WORK/symbols" part=log "$WORK/$TRACE.log" >"$WORK/$TRACE.json"
}

convert() {
  command -v swift >/dev/null || {
    say "no swift here: the recording stays in work/$TRACE.raw.zst"
    return
  }
  say "converting to traces/$TRACE.trace"
  cd "$HERE/../.."
  zstd -dc "$WORK/$TRACE.raw.zst" | swift run gi-bench trace convert --from recorder - \
    --description "$WORK/$TRACE.json" --output "traces/$TRACE.trace"
}

# The last part of the recording of boot, for tests: kprobes, every attack, forks.
cut_quick() {
  say "cutting traces/quick.trace out of traces/boot.trace"
  cd "$HERE/../.."
  swift run gi-bench trace cut traces/boot.trace --from-mark set-kprobes --to-mark power-off \
    --output traces/quick.trace
}

if [[ $TRACE == quick ]]; then
  cut_quick
  exit
fi
check_machine
install_host_packages
[[ -f $WORK/packages.tsv ]] || { fetch_packages && unpack_packages; }
RELEASE=$(cd "$ROOT/boot" && echo vmlinuz-* | sed 's/^vmlinuz-//')
[[ -f $WORK/vmlinux ]] || extract_kernel
build_plugin
build_guest
[[ -f $WORK/symbols ]] || read_symbols
build_initramfs
record
describe
convert
