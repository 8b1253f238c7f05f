// int run_guest(struct registers *, int is_launched): VM entry, until the next VM exit; 0 after an exit, 1 if the entry failed.
  .text
  .globl run_guest
run_guest:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rdi
  mov $0x6C14, %eax              // host RSP
  vmwrite %rsp, %rax
  test %esi, %esi
  mov 0(%rdi), %rax
  mov 8(%rdi), %rbx
  mov 16(%rdi), %rcx
  mov 24(%rdi), %rdx
  mov 32(%rdi), %rsi
  mov 48(%rdi), %r8
  mov 56(%rdi), %r9
  mov 40(%rdi), %rdi
  jnz 1f
  vmlaunch
  jmp 2f
1: vmresume
2: pop %rdi
  mov $1, %eax
  jmp return

  .globl guest_left
guest_left:                      // host RIP
  push %rdi
  mov 8(%rsp), %rdi
  mov %rax, 0(%rdi)
  mov %rbx, 8(%rdi)
  mov %rcx, 16(%rdi)
  mov %rdx, 24(%rdi)
  mov %rsi, 32(%rdi)
  mov %r8, 48(%rdi)
  mov %r9, 56(%rdi)
  pop %rax
  mov %rax, 40(%rdi)
  pop %rdi
  xor %eax, %eax
return:
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
