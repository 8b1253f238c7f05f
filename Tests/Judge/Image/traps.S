// Host exceptions: none is expected, each is reported and ends the run.
  .text
  .altmacro
  .macro STUB n
trap\n:
  .if (\n == 8) || (\n == 10) || (\n == 11) || (\n == 12) || (\n == 13) || (\n == 14) || (\n == 17) || (\n == 21)
  .else
  push $0
  .endif
  push $\n
  jmp report
  .endm
  .set vector, 0
  .rept 32
  STUB %vector
  .set vector, vector + 1
  .endr

report:
  mov (%rsp), %rdi               // vector
  mov 8(%rsp), %rsi              // error code
  mov 16(%rsp), %rdx             // RIP
  mov %cr2, %rcx
  call host_exception
1: hlt
  jmp 1b

  .data
  .balign 8
  .globl trap_stubs
  .macro POINTER n
  .quad trap\n
  .endm
trap_stubs:
  .set vector, 0
  .rept 32
  POINTER %vector
  .set vector, vector + 1
  .endr
