// What runs in the guest, copied to its kernel page and to its user page; position independent.
//
// RBX is the CR3 under which the access is made, RDI the offset of the access in this page, R8 the page, RAX the linear address, RDX an
// address in the same page that is read afterwards: its word tells which host-physical page it is. VMCALL ends it at any privilege.
// Nothing here touches memory between MOV to CR3 and the access: the code is on global pages, whose translations that instruction
// keeps, and there is no stack. So the tables under test need not map the image.
  .text
  .globl guest_begin, guest_end, guest_kernel, guest_user, guest_system_call
  .globl access_read1, access_read8, access_write1, access_write8, access_update1, access_update8, access_fetch, access_vmfunc
guest_begin:

guest_kernel:                    // begin at privilege 0
  add %r8, %rdi
  mov %rbx, %cr3
  jmp *%rdi

guest_user:                      // begin at privilege 3; the kernel page loads CR3
  add %r8, %rdi
  syscall
  jmp *%rdi

guest_system_call:
  mov %rbx, %cr3
  sysretq

access_read1:
  movb (%rax), %cl
  mov (%rdx), %rcx
  vmcall
access_read8:
  mov (%rax), %rcx
  mov (%rdx), %rcx
  vmcall
access_write1:
  mov %sil, (%rax)
  mov (%rdx), %rcx
  vmcall
access_write8:
  mov %rsi, (%rax)
  mov (%rdx), %rcx
  vmcall
access_update1:
  lock addb $0, (%rax)
  mov (%rdx), %rcx
  vmcall
access_update8:
  lock addq $0, (%rax)
  mov (%rdx), %rcx
  vmcall
access_fetch:
  jmp *%rax
access_vmfunc:
  mov %rsi, %rcx
  .byte 0x0f, 0x01, 0xd4
  vmcall
guest_end:
