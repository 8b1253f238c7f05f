# The ROM that execlog recorded: stores to memory, one across a page end, repeated ones, two to the screen (a device).
#   as --32 rom.S -o rom.o && ld -m elf_i386 -Ttext 0 --oformat binary -o code.bin rom.o
#   truncate -s 65536 rom.bin, code.bin at 0, and at 65520 the reset vector: printf "\xea\x00\x00\x00\xf0"
.code16
.globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ss
    movw $0x7000, %sp
    movw %ax, %ds
    movw $0x1000, %di
    movw %di, %es
    movw $5, %cx
1:  movw %cx, 0x500(%di)
    addw $0x0fff, %di
    pushw %cx
    call 3f
    popw %cx
    loop 1b
    cld
    xorw %di, %di
    movw $4, %cx
    rep stosl
    movw $0xb800, %ax
    movw %ax, %es
    movw $0x0748, %es:0
    incw %es:2
    lock addl $1, 0x0ffe
    movw $0x501, %dx
    movb $0, %al
    outb %al, %dx
2:  hlt
    jmp 2b
3:  pusha
    popa
    ret
