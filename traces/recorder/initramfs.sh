# The initial RAM file system of the recorded guest. Sourced by record.sh.
# shellcheck shell=bash disable=SC2154 # variables of record.sh

readonly APPLETS="cat cut gunzip gzip head insmod ls md5sum mount poweroff rm rmmod sh true"
readonly LIBRARIES="libc.so.6 libm.so.6 libreadline.so.8 libsqlite3.so.0 libtinfo.so.6 libz.so.1"
readonly STOCK_MODULES="lib/crc8 lib/ts_kmp lib/lru_cache fs/fuse/fuse drivers/net/dummy"
readonly NEEDED_SYMBOLS="_stext _etext __start_rodata __end_rodata sys_call_table idt_table modprobe_path init_top_pgt \
__x64_sys_ustat"

# archive FOLDER FILE
archive() {
  (cd "$1" && find . | sort | cpio -o -H newc --quiet -R 0:0) >"$2"
}

# What every recorded guest gets, in /gi: the driver, the rootkit, and what they must know of the kernel.
add_driver() {
  local folder=$1/gi name syscalls
  for name in $NEEDED_SYMBOLS; do address "$name" >/dev/null; done
  mkdir -p "$folder"
  cp "$ROOT/bin/busybox" "$KERNEL_FOLDER"/modules/{gi,rootkit}.ko "$folder/"
  cp "$HERE/guest/attack.sh" "$folder/attack"
  gcc -O2 -static -s -Wall -Wextra -o "$folder/tool" "$HERE/guest/tool.c"
  syscalls=$(awk '/define __NR_syscalls/ { print $3 }' \
    "$HEADERS/arch/x86/include/generated/uapi/asm/unistd_64.h" || true)
  [[ $syscalls ]] || fail "$HEADERS does not say how many system calls kernel $RELEASE has; prepare the build tree"
  {
    echo "text=$(extent _stext _etext)"
    echo "rodata=$(extent __start_rodata __end_rodata)"
    echo "syscalls=$(sized sys_call_table $((syscalls * 8)))"
    echo "idt=$(sized idt_table 4096)"
    echo "modprobe=$(sized modprobe_path 256)"
    echo "period_ms=$PERIOD"
    [[ ! $PROTECT ]] || own_symbols
  } >"$folder/gi.parameters"
  address init_top_pgt >"$folder/page-tables"
  {
    echo "text_start=$(address _stext)"
    echo "syscalls=$(address sys_call_table)"
    echo "idt=$(address idt_table)"
    echo "modprobe=$(address modprobe_path)"
    echo "victim_function=$(address __x64_sys_ustat)"
  } >"$folder/rootkit.parameters"
}

# The symbols of PROTECT as parameters of the driver.
own_symbols() {
  local entry name bytes names=() ranges=()
  for entry in $PROTECT; do
    name=${entry%%:*}
    bytes=$(symbol "$name" 2)
    [[ $entry != *:* ]] || bytes=${entry#*:}
    address "$name" >/dev/null
    [[ $bytes =~ ^[1-9][0-9]{0,8}$ ]] || fail "PROTECT has \"$entry\"; expected SYMBOL or SYMBOL:BYTES, in decimal"
    names+=("$name")
    ranges+=("$(sized "$name" "$bytes")")
  done
  ((${#names[@]} <= 16)) || fail "PROTECT names ${#names[@]} symbols; the driver takes 16"
  local IFS=,
  echo "more_names=${names[*]}"
  echo "more=${ranges[*]}"
}

# library FOLDER NAME...: copies shared libraries of the guest, each with those that it needs itself.
library() {
  local folder=$1 name found
  shift
  for name; do
    [[ $name != ld-linux* && ! -e $folder/lib/x86_64-linux-gnu/$name ]] || continue
    found=$(compgen -G "$ROOT-$TRACE/*/x86_64-linux-gnu/$name" || compgen -G "$ROOT-$TRACE/usr/lib/x86_64-linux-gnu/$name" ||
      compgen -G "$ROOT/*/x86_64-linux-gnu/$name" || compgen -G "$ROOT/usr/lib/x86_64-linux-gnu/$name") ||
      fail "workload $TRACE needs $name, which is in none of its packages: add the package to $HERE/workloads/$TRACE.sh"
    cp -L "$found" "$folder/lib/x86_64-linux-gnu/"
    # shellcheck disable=SC2046 # a list of names
    library "$folder" $(needed "$found")
  done
}

needed() {
  objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'
}

# What the workload's file asks for: programs with their libraries, folders of its packages, applets of busybox, files of guest/.
add_workload() {
  local folder=$1 program name
  for program in $(workload programs); do
    [[ -f $ROOT-$TRACE/$program ]] || fail "workload $TRACE needs $program, which is in none of its packages"
    mkdir -p "$folder/${program%/*}"
    cp -L "$ROOT-$TRACE/$program" "$folder/$program"
    # shellcheck disable=SC2046 # a list of names
    library "$folder" $(needed "$folder/$program")
  done
  for name in $(workload folders); do
    mkdir -p "$folder/${name%/*}"
    cp -rL "$ROOT-$TRACE/$name" "$folder/${name%/*}/"
  done
  for name in $(workload applets); do ln -sf ../gi/busybox "$folder/bin/$name"; done
  for name in $(workload compile); do
    gcc -O2 -static -s -Wall -Wextra -o "$folder/bin/${name%.c}" "$HERE/guest/$name" || fail "$name does not build: see above"
  done
  mkdir -p "$folder/root"
  for name in $(workload files); do cp "$HERE/$name" "$folder/root/"; done
}

# Our own user space, with the workload of this name.
add_user_space() {
  local folder=$1 name
  mkdir -p "$folder"/{bin,dev,etc,lib64,lib/x86_64-linux-gnu,modules/stock,proc,sys,tmp}
  cp "$ROOT/usr/bin/sqlite3" "$folder/bin/"
  for name in $APPLETS; do ln -s ../gi/busybox "$folder/bin/$name"; done
  cp -L "$ROOT/lib64/ld-linux-x86-64.so.2" "$folder/lib64/"
  for name in $LIBRARIES; do
    cp -L "$(compgen -G "$ROOT/*/x86_64-linux-gnu/$name" || compgen -G "$ROOT/usr/lib/x86_64-linux-gnu/$name")" \
      "$folder/lib/x86_64-linux-gnu/"
  done
  # A kernel of one's own comes without these.
  for name in $STOCK_MODULES; do
    cp "$ROOT/lib/modules/$RELEASE/kernel/$name.ko" "$folder/modules/stock/" 2>/dev/null || true
  done
  add_workload "$folder"
  cp "$HERE/guest/init.sh" "$folder/init"
  cp "$HERE/workloads/$TRACE.sh" "$folder/etc/workload.sh"
}

# Builds $WORK/$TRACE.cpio. The kernel unpacks archives that follow one another, so an initramfs of one's own stays as it is,
# compressed or not, and ours goes behind it at a multiple of four bytes.
build_initramfs() {
  local folder=$WORK/initramfs
  rm -rf "$folder"
  mkdir -p "$folder"
  add_driver "$folder"
  if [[ $INITRAMFS ]]; then
    say "adding the driver to $INITRAMFS"
    cp "$HERE/guest/own-init.sh" "$folder/gi/init"
    archive "$folder" "$folder.cpio"
    cp "$INITRAMFS" "$WORK/$TRACE.cpio"
    truncate -s %512 "$WORK/$TRACE.cpio"
    cat "$folder.cpio" >>"$WORK/$TRACE.cpio"
  else
    say "building the initramfs with workload $TRACE"
    add_user_space "$folder"
    archive "$folder" "$WORK/$TRACE.cpio"
  fi
}
