#!/usr/bin/env bash
# Builds the image: build.sh DIRECTORY, the result is DIRECTORY/image.elf. Compiled for 64 bits, linked as the 32-bit file that multiboot wants.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
flags=(-m64 -O2 -std=gnu11 -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-builtin -Wall -Wextra -Werror)
objects=()
for file in "$source"/*.S "$source"/*.c; do
  object=$(basename "$file").o
  gcc "${flags[@]}" -c "$file" -o "$object"
  objects+=("$object")
done
ld -n -T "$source/image.ld" -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -o image64.elf "${objects[@]}"
objcopy -O elf32-i386 image64.elf image.elf
