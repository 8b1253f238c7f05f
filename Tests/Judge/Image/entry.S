// Multiboot header, long mode, and the way into C.
#include "layout.h"

  .set MULTIBOOT_MAGIC, 0x1BADB002
  .set MULTIBOOT_FLAGS, 3

  .section .multiboot, "a"
  .balign 4
  .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

  .text
  .code32
  .globl start
start:
  cli
  cld
  mov $stack_top, %esp
  mov %ebx, boot_information
  // The first 4 GiB by pages of 2 MiB, each linear address its own physical one.
  mov $host_pml4, %edi
  mov $(6 * 4096 / 4), %ecx
  xor %eax, %eax
  rep stosl
  movl $(host_pdpt + 7), host_pml4
  mov $(host_pd + 7), %eax
  mov $host_pdpt, %edi
  mov $4, %ecx
1: mov %eax, (%edi)
  add $4096, %eax
  add $8, %edi
  loop 1b
  mov $0x87, %eax
  mov $host_pd, %edi
  mov $2048, %ecx
2: mov %eax, (%edi)
  add $0x200000, %eax
  add $8, %edi
  loop 2b
  mov $host_pml4, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x620, %eax                // PAE, OSFXSR, OSXMMEXCPT
  mov %eax, %cr4
  mov $0xC0000080, %ecx          // IA32_EFER: SCE, LME, NXE
  rdmsr
  or $0x901, %eax
  wrmsr
  mov %cr0, %eax
  or $0x80010021, %eax           // PG, WP, NE, PE
  and $~0xc, %eax                // not EM, not TS
  mov %eax, %cr0
  lgdt gdt_register
  ljmp $8, $start64

  .code64
start64:
  mov $16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov %eax, %fs
  mov %eax, %gs
  mov $stack_top, %rsp
  lea tss(%rip), %rax
  mov %ax, gdt + 24 + 2
  shr $16, %rax
  mov %al, gdt + 24 + 4
  mov %ah, gdt + 24 + 7
  mov $24, %eax
  ltr %ax
  mov boot_information, %edi
  call image_main
3: hlt
  jmp 3b

  .data
  .balign 16
  .globl gdt
gdt: .quad 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
  .quad 0x0000890000000067, 0
gdt_end:
gdt_register:
  .word gdt_end - gdt - 1
  .long gdt, 0
  .balign 16
  .globl tss
tss: .fill 104, 1, 0
boot_information: .long 0

  .bss
  .balign 4096
host_pml4: .skip 4096
host_pdpt: .skip 4096
host_pd: .skip 4 * 4096
  .skip 65536
stack_top:
