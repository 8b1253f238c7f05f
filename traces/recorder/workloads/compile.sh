# gcc on one of the recorder's own sources: it is preprocessed, compiled, assembled and linked
# shellcheck shell=dash
# memory: 384
# packages: gcc-12 cpp-12 binutils-x86-64-linux-gnu binutils-common libbinutils libgmp10 libisl23 libmpc3 libmpfr6 libzstd1 libctf0 libjansson4 libgcc-12-dev libc6-dev linux-libc-dev libcrypt-dev
# programs: usr/bin/x86_64-linux-gnu-gcc-12 usr/lib/gcc/x86_64-linux-gnu/12/cc1 usr/bin/x86_64-linux-gnu-as usr/bin/x86_64-linux-gnu-ld.bfd
# folders: usr/lib/gcc/x86_64-linux-gnu/12/include usr/include
# applets: mkdir
# files: plugin/stream.c plugin/stream.h plugin/qemu.h
ln -s x86_64-linux-gnu-as /usr/bin/as
ln -s x86_64-linux-gnu-ld.bfd /usr/bin/ld
export PATH=/bin:/gi:/usr/bin
cd /root || must false
step load-driver
load_gi
step compile
must x86_64-linux-gnu-gcc-12 -O1 -fPIC -c stream.c -o /tmp/stream.o
step link
must ld -r -o /tmp/all.o /tmp/stream.o
cd /
