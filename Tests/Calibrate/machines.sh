# The emulated machines: their initial RAM file system, and how they are booted. Sourced by calibrate-test.sh.
# shellcheck shell=bash disable=SC2154 # variables of calibrate-test.sh

readonly CMDLINE="console=ttyS0,115200 quiet panic=-1 mitigations=off"

build_program() {
  gcc -std=gnu11 -O2 -Wall -Wextra -Werror -pthread -static -o "$WORK/gi-kvm" \
    "$PROGRAMS"/kvm*.[cS] "$PROGRAMS"/{report,processors}.c
}

build_module() {
  local release folder=$WORK/module
  release=$(basename "$WORK"/kernel/boot/vmlinuz-*)
  release=${release#vmlinuz-}
  fetch_headers "$release"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$PROGRAMS"/{Kbuild,module*} "$folder/"
  make -s -C "$WORK/headers/usr/src/linux-headers-$release" M="$folder" KCFLAGS=-Werror modules >"$folder/log" 2>&1 ||
    fail "the module does not build for kernel $release, see $folder/log"
  strip -g "$folder/gi_calibration.ko"
}

# gi-bench with its libraries, and a stand-in for a C compiler that has every program ready.
add_gi_bench() {
  local root=$1 library
  gcc -std=gnu11 -O2 -Wall -Wextra -Werror -pthread -static -o "$root/bin/gi-plain" \
    "$PROGRAMS"/plain*.c "$PROGRAMS"/{report,processors}.c
  strip -o "$root/bin/gi-bench" "$REPOSITORY/.build/debug/gi-bench"
  while read -r library; do
    mkdir -p "$root/$(dirname "$library")"
    cp -L "$library" "$root/$library"
  done < <(ldd "$REPOSITORY/.build/debug/gi-bench" | grep -o '/[^ ]*')
  cp "$HERE/stand-in-cc.sh" "$root/bin/stand-in-cc"
}

# initramfs MODULE...: with these modules of the kernel, in the order in which they are loaded, and with ours.
initramfs() {
  local root=$WORK/initramfs module
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,modules,proc,sys,tmp}
  cp /bin/busybox "$WORK/gi-kvm" "$root/bin/"
  for module in irqbypass "$@"; do
    cp "$(find "$WORK/kernel" -name "$module.ko")" "$root/modules/" || fail "the kernel has no module $module"
    echo "$module" >>"$root/modules/order"
  done
  [[ ! $FULL || ! ${WITH_GI_BENCH:-} ]] || add_gi_bench "$root"
  [[ ! $FULL ]] || cp "$WORK/module/gi_calibration.ko" "$root/modules/"
  cp "$HERE/init.sh" "$root/init"
  echo 'nobody:x:65534:65534::/:/bin/sh' >"$root/etc/passwd"
  (cd "$root" && find . | sort | cpio -o -H newc --quiet -R 0:0) | gzip -1 >"$WORK/initramfs.gz"
}

# A machine that was not done: its console says how far it came.
check_done() {
  grep -q '^== done' "$CONSOLE" || fail "$1 was not done, $2; see $CONSOLE"
}

boot_qemu() {
  local status=0
  say "booting QEMU"
  rm -f "$CONSOLE"
  timeout -s KILL "$QEMU_SECONDS" qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 1024 -nodefaults -display none \
    -no-reboot -serial "file:$CONSOLE" -kernel "$WORK"/kernel/boot/vmlinuz-* -initrd "$WORK/initramfs.gz" \
    -append "$CMDLINE" </dev/null || status=$?
  check_done QEMU "status $status, within $QEMU_SECONDS s"
}

# Debian's Bochs starts in its debugger, so that it is told to go on; it ends when the machine is switched off.
boot_bochs() {
  local folder=$WORK/bochs status=0
  say "booting Bochs, which takes some minutes"
  rm -rf "$folder" "$CONSOLE"
  mkdir -p "$folder/iso/boot/grub"
  cp "$WORK"/kernel/boot/vmlinuz-* "$folder/iso/boot/vmlinuz"
  cp "$WORK/initramfs.gz" "$folder/iso/boot/"
  cat >"$folder/iso/boot/grub/grub.cfg" <<END
set timeout=0
linux /boot/vmlinuz $CMDLINE nokaslr random.trust_cpu=on apparmor=0 no_timer_check
initrd /boot/initramfs.gz
boot
END
  grub-mkrescue -o "$folder/machine.iso" "$folder/iso" >"$folder/grub.log" 2>&1 ||
    fail "no image can be made, see $folder/grub.log"
  sed "s#CONSOLE#$CONSOLE#; s#FOLDER#$folder#" "$HERE/bochsrc" >"$folder/bochsrc"
  echo c >"$folder/go"
  timeout -s KILL "$BOCHS_SECONDS" bochs -q -f "$folder/bochsrc" -rc "$folder/go" </dev/null \
    >"$folder/bochs.out" 2>&1 || status=$?
  check_done Bochs "status $status, within $BOCHS_SECONDS s, see also $folder/bochs.out"
}
