// What runs in the guest, copied to its kernel page and to its user page; position independent.
//
// RBX is the CR3 under which the access is made, RDI the offset of the access in this page, R8 the page, RAX the linear address, RDX an
// address in the same page that is read afterwards: its word tells which host-physical page it is; R9 is the same for the second page of
// an access that crosses. VMCALL ends it at any privilege.
// Nothing here touches memory between MOV to CR3 and the access: the code is on global pages, whose translations that instruction
// keeps, and there is no stack. So the tables under test need not map the image.
  .text
  .globl guest_begin, guest_end, guest_kernel, guest_user, guest_system_call
  .globl access_read1, access_read8, access_write1, access_write8, access_crossing, access_update1, access_update8, access_fetch
  .globl access_shadow_read, access_shadow_write, access_user_shadow_write, access_vmfunc, guest_program, step_read, step_write, step_store, step_switch, step_cr3
  .globl unpaged_read, unpaged_write, unpaged_update, unpaged_fetch, pae_load
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
access_crossing:                 // a write of eight bytes in two pages
  mov %rsi, (%rax)
  mov (%rdx), %rcx
  mov (%r9), %r9
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
access_shadow_read:              // pops one element of the shadow stack, whose pointer VM entry has loaded
  mov $1, %ecx
  incsspq %rcx
  mov (%rdx), %rcx
  vmcall
access_shadow_write:
  wrssq %rsi, (%rax)
  mov (%rdx), %rcx
  vmcall
access_user_shadow_write:        // a user-mode access, which privilege 0 makes
  wrussq %rsi, (%rax)
  mov (%rdx), %rcx
  vmcall
access_vmfunc:
  mov %rsi, %rcx
  .byte 0x0f, 0x01, 0xd4
  vmcall

// A program: steps of 64 bytes from R9 on, without an exit between them, so that what the processor has cached stays. Step: offset of
// its code (0 ends the program), linear address, the address read for the page, value, result, an address that it stores to.
guest_program:
  mov %r9, %r10
1: cmpq $0, (%r10)               // touches every page that is stored to, while the image's own tables are in force
  je 2f
  mov 40(%r10), %rax
  lock orl $0, (%rax)
  lock orl $0, (%r10)
  add $64, %r10
  jmp 1b
2: mov %rbx, %cr3
next_step:
  mov (%r9), %rdi
  test %rdi, %rdi
  jz 3f
  add %r8, %rdi
  mov 8(%r9), %rax
  mov 16(%r9), %rdx
  mov 24(%r9), %rsi
  jmp *%rdi
step_done:
  mov %rcx, 32(%r9)
  add $64, %r9
  jmp next_step
3: vmcall

step_read:
  mov (%rdx), %rcx
  jmp step_done
step_write:
  movb %sil, (%rax)
  mov (%rdx), %rcx
  jmp step_done
step_store:
  mov %rsi, (%rax)
  jmp step_done
step_switch:
  mov %rsi, %rcx
  xor %eax, %eax
  .byte 0x0f, 0x01, 0xd4
  jmp step_done
step_cr3:
  mov %rsi, %cr3
  jmp step_done

// The same accesses in a guest without paging. EAX is the address, EBX:ECX the word at EDX.
  .code32
unpaged_read:
  movb (%eax), %cl
  jmp unpaged_witness
unpaged_write:
  movb $0xA5, (%eax)
  jmp unpaged_witness
unpaged_update:
  lock addb $0, (%eax)
unpaged_witness:
  mov (%edx), %ecx
  mov 4(%edx), %ebx
  vmcall
unpaged_fetch:
  jmp *%eax
pae_load:                        // loads the PDPTE registers; no stack, no other reference
  mov %eax, %cr3
  vmcall
  .code64
guest_end:
