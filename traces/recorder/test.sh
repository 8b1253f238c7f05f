#!/usr/bin/env bash
# Tests of the recorder's failures: what it says, and that it leaves no half recording. Needs neither root nor QEMU: the
# programs it would call are stand-ins that fail as the real ones do.
# shellcheck disable=SC2016 # text for the stand-ins and for the shell that sources record.sh
set -uo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BOX=$(mktemp -d)
trap 'rm -rf "$BOX"' EXIT
passed=0 failed=0

# stub NAME: a program of this name, whose text comes from the standard input.
stub() {
  mkdir -p "$BOX/bin"
  { echo '#!/usr/bin/env bash'; cat; } >"$BOX/bin/$1"
  chmod +x "$BOX/bin/$1"
}

# In a fresh work folder, with a kernel, symbols and an initramfs as if they had been made.
prepare() {
  rm -rf "${BOX:?}/work" "${BOX:?}/bin"
  mkdir -p "$BOX/work/root/usr/bin" "$BOX/bin"
  printf '1000 8 start_kernel T ffffffff81001000\n2000 16 init_cred D ffffffff82002000\n' >"$BOX/work/symbols"
  : >"$BOX/work/boot.cpio"
}

# run COMMAND: sources record.sh and runs the command in it; the output is in $said, the status in $status.
run() {
  said=$(cd "$BOX" && PATH=$BOX/bin:$PATH WORK=$BOX/work FREE_MIB=${FREE_MIB:-1} bash -c "
    . '$HERE/record.sh' \"\$1\"
    KERNEL_FOLDER=\$WORK VMLINUX=\$WORK/vmlinux SYMBOLS=\$WORK/symbols RELEASE=6.1.0-test
    $1" record.sh "${2:-boot}" 2>&1)
  status=$?
}

# qemu_does: the emulator, which gets the console as its -serial file:PATH, and the stream on descriptor 3.
qemu_does() {
  {
    echo 'for argument; do [[ $argument == file:* ]] && console=${argument#file:}; done'
    cat
  } >"$BOX/body"
  stub qemu-stand-in <"$BOX/body"
  mv "$BOX/bin/qemu-stand-in" "$BOX/work/root/usr/bin/qemu-system-x86_64"
}

# expect NAME STATUS TEXT: the last run ended so, said so in one sentence of its own, and left no part of a recording.
expect() {
  local sentences left
  sentences=$(grep -c '^record: ' <<<"$said")
  left=$(compgen -G "$BOX/work/*.part" || true)
  if [[ $status == "$2" && $said == *"$3"* && ! $left && ($2 == 0 || $sentences -ge 1) ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'not ok: %s\n  status %s, expected %s\n  said: %s\n  expected: %s\n  left: %s\n' \
      "$1" "$status" "$2" "$said" "$3" "$left"
  fi
}

prepare
run check_request nothing
expect "an unknown workload" 1 "no workload nothing; there are: quick boot compile"
run check_request ../boot
expect "a name that leaves the folder" 1 'is no name for a recording'
FREE_MIB=99999999 run check_request
expect "no room on the disk" 1 "$BOX/work has"
KERNEL=$BOX/absent run check_request
expect "a kernel that is not there" 1 "KERNEL is $BOX/absent, which is no file that can be read"
INITRAMFS=$BOX run check_request
expect "an initramfs that is a folder" 1 "INITRAMFS is $BOX, which is no file that can be read"
SECONDS_LIMIT=soon run check_request
expect "a limit that is no number" 1 'SECONDS_LIMIT is "soon"; expected a number above 0'
VCPUS=9 run check_request
expect "too many vCPUs" 1 'VCPUS is 9; the driver and the recorder take 2 to 8'
CPU='a model' run check_request
expect "a CPU model with a space" 1 'CPU is "a model"; expected a model that qemu-system-x86_64 -cpu takes'
ACCESSES=attack run check_request
expect "a mark by name" 1 'ACCESSES is "attack"; expected load-driver, start, or'
ACCESSES=start KEEP=rip run check_request
expect "accesses that nobody keeps" 1 'KEEP keeps neither: add loads,fetches to it'
for rate in 3 1500000000 17000000000 fast; do
  INSTRUCTIONS_PER_SECOND=$rate run check_request
  expect "a rate of $rate" 1 "INSTRUCTIONS_PER_SECOND is $rate; expected 1000000000, divided by 2"
done
INSTRUCTIONS_PER_SECOND=250000000 run 'check_request; say "shift $SHIFT period $PERIOD"'
expect "a slow vCPU" 0 'shift 2 period 20'
INSTRUCTIONS_PER_SECOND=3000000000 run 'check_request; say "shift $SHIFT period $PERIOD"'
expect "a fast vCPU" 0 'shift 0 period 60'
REPEAT=0 run check_request
expect "no recording at all" 1 'REPEAT is "0"; expected a number above 0'
RAM_MIB=4096 run check_request
expect "too large a guest" 1 'RAM_MIB is 4096; the recorder follows a guest of at most 2048 MiB'
run check_request
expect "a sound request" 0 ""

prepare
stub uname <<<'echo riscv64'
run check_request
expect "another architecture" 1 "this machine is riscv64"

prepare
stub apt-cache <<<'echo "E: No packages found" >&2; exit 100'
run fetch_packages
expect "no kernel package" 1 "no package linux-image-amd64: run apt-get update"
stub apt-cache <<'END'
[[ $1 == depends && $2 == linux-image-amd64 ]] && echo '  Depends: linux-image-6.1.0-9-amd64'
[[ $1 == depends && $2 == linux-headers-* ]] && echo '  Depends: linux-headers-6.1.0-9-common'
exit 0
END
stub apt-get <<'END'
[[ $1 == indextargets ]] && echo 'http://mirror.invalid/debian trixie'
exit 0
END
run fetch_packages
expect "another Debian" 1 "apt knows no mirror of bookworm"
stub apt-get <<'END'
[[ $1 == indextargets ]] && echo 'http://mirror.invalid/debian bookworm' && exit 0
echo 'E: Failed to fetch' >&2
exit 100
END
run fetch_packages
expect "no network" 1 "bookworm-backports cannot be read from the mirror"
stub apt-get <<'END'
[[ $1 == indextargets ]] && echo 'http://mirror.invalid/debian bookworm'
exit 0
END
run fetch_packages
expect "another QEMU in backports" 1 "bookworm-backports no longer offers QEMU 10.0.2"
stub apt-get <<'END'
case "$*" in
indextargets*) echo 'http://mirror.invalid/debian bookworm' ;;
*download*qemu*) touch qemu-system-x86_1%3a10.0.2+ds_amd64.deb ;;
*download*linux-image*) echo 'E: Unable to locate package' >&2; exit 100 ;;
esac
END
run fetch_packages
expect "a kernel package that cannot be downloaded" 1 \
  "the packages of kernel 6.1.0-9-amd64 cannot be downloaded: run apt-get update and try again"

prepare
stub apt-get <<<'exit 100'
run fetch_workload redis
expect "a package of a workload that cannot be downloaded" 1 \
  "the packages of workload redis cannot be downloaded: run apt-get update and try again"
mkdir -p "$BOX/work/root-redis"
run 'add_workload "$WORK/initramfs"' redis
expect "a program that no package of the workload has" 1 "workload redis needs usr/bin/redis-server, which is in none"

prepare
mkdir -p "$BOX/work/debs"
echo 'not a package' >"$BOX/work/debs/broken.deb"
stub dpkg-deb <<<'[[ $1 == -x ]] && echo "dpkg-deb: error: not a Debian format archive" >&2 && exit 2; echo name'
run unpack_packages
[[ ! -e $BOX/work/packages.tsv ]] || said="packages.tsv was left, as if all were unpacked"
rm -f "$BOX/work/packages.part"
expect "a package that does not unpack" 1 "$BOX/work/debs holds a package that cannot be unpacked"

prepare
head -c 100000 /dev/zero >"$BOX/zeros"
KERNEL=$BOX/zeros run choose_kernel
expect "a kernel that is none" 1 "holds no ELF kernel compressed with xz, gzip, zstd or lz4"
{ head -c 512 /dev/zero; gzip -c "$(type -P bash)"; head -c 99 /dev/zero; } >"$BOX/program"
KERNEL=$BOX/program run choose_kernel
expect "an ELF file without the PVH entry" 1 "has no PVH entry"

prepare
PROTECT='init_cred no_such_symbol' run own_symbols
expect "a symbol that does not exist" 1 "kernel 6.1.0-test has no symbol no_such_symbol"
PROTECT='init_cred:many' run own_symbols
expect "a size that is no number" 1 'PROTECT has "init_cred:many"; expected SYMBOL or SYMBOL:BYTES'
PROTECT='init_cred start_kernel:4' run own_symbols
expect "symbols to protect" 0 'more=0xffffffff82002000,0xffffffff82002010,0xffffffff81001000,0xffffffff81001004'
run 'add_driver "$WORK"'
expect "a kernel without a needed symbol" 1 "kernel 6.1.0-test has no symbol _stext"

prepare
qemu_does <<<'echo hello >"$console"; sleep 60'
SECONDS_LIMIT=1 run record
expect "a guest that hangs" 1 "the guest did not power off within 1 s, see $BOX/work/boot.log"
rm "$BOX/work/symbols"
mkdir -p "$BOX/work/root/bin"
: >"$BOX/work/root/bin/busybox"
stub cpio <<<'cat >/dev/null'
SECONDS_LIMIT=1 run read_symbols
expect "a guest that hangs while it lists its symbols" 1 "the guest did not power off within 1 s, see $BOX/work/symbols.log"
qemu_does <<<'exit 0'
run read_symbols
expect "a kernel without symbols" 1 "the guest listed too few symbols, see $BOX/work/symbols.log"
prepare
qemu_does <<<'echo "Kernel panic" >"$console"; echo stream >&3'
run record
expect "a guest that panics" 1 "the guest did not power off, see $BOX/work/boot.log"
# Packages against the digests of those that the committed recordings were made with.
known=$(head -n 1 "$HERE/digests.tsv")
printf '%s\n' "$known" >"$BOX/described"
run 'check_digests "$WORK/../described"'
if [[ $status == 0 && ! $said ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: a known package: $said"; fi
printf '%s\t%064d\n' "$(cut -f 1,2 <<<"$known")" 0 >"$BOX/described"
run 'check_digests "$WORK/../described"'
expect "a package of a known version with another digest" 1 "is not the package of that version"
printf '%s\t99\t%064d\n' "$(cut -f 1 <<<"$known")" 0 >"$BOX/described"
run 'check_digests "$WORK/../described"'
expect "a package of another version" 0 "other versions than the committed recordings'"

qemu_does <<<'printf "workload: failed status=1 command=redis-cli ping\r\nreboot: Power down\n" >"$console"; echo stream >&3'
run record
expect "a workload that fails inside the guest" 1 \
  "the workload failed inside the guest (status=1 command=redis-cli ping), so there is no recording; see $BOX/work/boot.log"
grep -q 'workload: failed' "$BOX/work/boot.log" || { failed=$((failed + 1)); echo "not ok: the log of a failed workload is gone"; }
qemu_does <<<'exit 3'
run record
expect "an emulator that fails" 1 "QEMU ended with status 3, see $BOX/work/boot.log"
qemu_does <<<'echo "reboot: Power down" >"$console"; head -c 8000000 /dev/urandom >&3'
STREAM_LIMIT_MIB=1 run record
expect "a stream beyond its limit" 1 "the raw stream could not be stored"
qemu_does <<<'echo "gi: region reboot: Power down" >"$console"; echo stream >&3'
run record
expect "a recording" 0 "record: recorded in"

# A disk that fills up while the stream is stored: a file system of 1 MiB, in a namespace of its own.
prepare
if unshare -rm true 2>/dev/null; then
  qemu_does <<<'echo "reboot: Power down" >"$console"; head -c 8000000 /dev/urandom >&3'
  run 'true'
  said=$(cd "$BOX" && unshare -rm bash -c "
    mkdir '$BOX/small' && mount -t tmpfs -o size=1m none '$BOX/small' && cp -r '$BOX/work/.' '$BOX/small' &&
    WORK='$BOX/small' FREE_MIB=1 bash -c '. \"$HERE/record.sh\"; SYMBOLS=\$WORK/symbols VMLINUX=none; record' record.sh boot
    status=\$?; ls '$BOX/small' | grep part; exit \$status" 2>&1)
  status=$?
  expect "a full disk" 1 "the raw stream could not be stored: the disk of $BOX/small is full"
fi

# Not every awk has integers of more than 31 bits.
run 'awk -v ram=$((2048 << 20)) -f "$HERE/describe.awk" </dev/null'
expect "a guest of 2 GiB" 0 '"ram_bytes":2147483648,'

echo "$passed passed, $failed failed"
((failed == 0))
