# The kernel to record: its image as an uncompressed ELF file, the modules built for it, its symbols.
# Sourced by record.sh. Everything lies in a folder that is named after the image, so that kernels do not mix.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of record.sh

is_elf() {
  [[ $(head -c 4 "$1" | od -An -tx1 | tr -d ' \n') == 7f454c46 ]]
}

# Sets RELEASE, HEADERS, KERNEL_FOLDER, VMLINUX and KERNEL_PACKAGE.
choose_kernel() {
  local image=$KERNEL
  if [[ ! $image ]]; then
    image=$(compgen -G "$ROOT/boot/vmlinuz-*") || fail "$ROOT/boot holds no kernel: remove $WORK and try again"
    HEADERS=$ROOT/usr/src/linux-headers-${image##*/vmlinuz-}
  fi
  KERNEL_FOLDER=$WORK/kernel-$(sha256sum <"$image" | cut -c1-12)
  VMLINUX=$KERNEL_FOLDER/vmlinux
  mkdir -p "$KERNEL_FOLDER"
  [[ -f $VMLINUX ]] || extract_kernel "$image"
  RELEASE=$(grep -a -o -m 1 'Linux version [0-9][^ ]*' "$VMLINUX" | head -n 1 | cut -d' ' -f3) || true
  [[ $RELEASE ]] || fail "$image names no Linux version"
  if [[ $KERNEL ]]; then
    HEADERS=${HEADERS:-/lib/modules/$RELEASE/build}
    KERNEL_PACKAGE="$RELEASE, SHA-256 of ${KERNEL##*/} $(sha256sum <"$image" | cut -d' ' -f1)"
  else
    KERNEL_PACKAGE=$(awk -v name="linux-image-$RELEASE" '$1 == name { print $1 " " $2 }' "$WORK/packages.tsv")
  fi
  [[ -f $HEADERS/Makefile ]] ||
    fail "$HEADERS is no build tree of kernel $RELEASE, which the driver needs; give it with HEADERS=FOLDER"
}

# extract_kernel IMAGE: an ELF file is taken as it is, otherwise the first compressed stream that holds one.
# Booted as an ELF file, the kernel does not decompress itself.
extract_kernel() {
  local image=$1 magic program offset
  say "extracting the kernel of $image"
  if is_elf "$image"; then
    cp "$image" "$VMLINUX.part"
  else
    while read -r magic program; do
      for offset in $(grep -Fabo -e "$(printf '%b' "$magic")" "$image" | head -n 8 | cut -d: -f1); do
        tail -c +"$((offset + 1))" "$image" | $program >"$VMLINUX.part" 2>/dev/null || true
        is_elf "$VMLINUX.part" && break 2
      done
    done <<'END'
\xfd7zXZ xz -dc --single-stream
\x1f\x8b\x08 gzip -dc
\x28\xb5\x2f\xfd zstd -qdc
\x02\x21\x4c\x18 lz4 -qdc
END
  fi
  is_elf "$VMLINUX.part" ||
    fail "$image holds no ELF kernel compressed with xz, gzip, zstd or lz4; give an x86-64 vmlinuz or vmlinux"
  readelf -nW "$VMLINUX.part" 2>/dev/null | grep -q 'Xen.*0x00000012' ||
    fail "$image has no PVH entry, by which an uncompressed kernel starts: build it with CONFIG_PVH=y"
  mv "$VMLINUX.part" "$VMLINUX"
}

build_modules() {
  say "building the guest's modules for kernel $RELEASE"
  local made
  made=$(cat "$HERE"/guest/{gi*.[ch],rootkit.c,Kbuild} <(echo "$VCPUS") | sha256sum)
  [[ $(cat "$KERNEL_FOLDER/modules/made" 2>/dev/null) != "$made" ]] || return 0
  rm -rf "$KERNEL_FOLDER/modules"
  mkdir -p "$KERNEL_FOLDER/modules"
  cp "$HERE"/guest/{gi*.[ch],rootkit.c,Kbuild} "$KERNEL_FOLDER/modules/"
  make -s -C "$HEADERS" M="$KERNEL_FOLDER/modules" GI_VCPUS="$VCPUS" modules >"$KERNEL_FOLDER/module-build.log" 2>&1 ||
    fail "the modules do not build for kernel $RELEASE, see $KERNEL_FOLDER/module-build.log"
  strip -g "$KERNEL_FOLDER"/modules/*.ko
  echo "$made" >"$KERNEL_FOLDER/modules/made"
}

# One boot without the recorder, for the addresses: the packaged System.map is empty.
read_symbols() {
  local folder=$KERNEL_FOLDER/symbols.initramfs log=$KERNEL_FOLDER/symbols.log
  SYMBOLS=$KERNEL_FOLDER/symbols
  [[ ! -f $SYMBOLS ]] || return 0
  say "booting once for the kernel's symbols"
  rm -rf "$folder"
  mkdir -p "$folder"/{bin,dev,proc}
  cp "$ROOT/bin/busybox" "$folder/bin/"
  cp "$HERE/guest/symbols.sh" "$folder/init"
  archive "$folder" "$folder.cpio"
  qemu "$folder.cpio" "$log" "$SYMBOLS_CMDLINE" -serial "file:$KERNEL_FOLDER/kallsyms.gz" ||
    fail "the guest did not power off within $SECONDS_LIMIT s, see $log"
  gzip -dc "$KERNEL_FOLDER/kallsyms.gz" 2>/dev/null | sort | awk -f "$HERE/symbols.awk" >"$folder/symbols" || true
  [[ $(wc -l <"$folder/symbols") -gt 10000 ]] || fail "the guest listed too few symbols, see $log"
  mv "$folder/symbols" "$SYMBOLS"
}

# symbol NAME FIELD: a field of the symbol's line, nothing if there is no such symbol.
symbol() {
  awk -v name="$1" -v field="$2" '$3 == name { print $field; exit }' "$SYMBOLS"
}

# address NAME, extent FIRST LAST, sized NAME BYTES: linear addresses.
address() {
  local found
  found=$(symbol "$1" 5)
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
