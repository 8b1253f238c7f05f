// The guest: takes samples of one operation, and says that it is done.
//
// In:  rdi what to do (DO_...), rsi how many samples, r8 the address of the first store, r9 what is added to it then.
// Out: ticks of each sample from GUEST_SAMPLES on; r15 what a hypercall returned.
#include "kvm_guest.h"

.macro read_clock into
	lfence
	rdtsc
	lfence
	shl $32, %rdx
	or %rax, %rdx
	mov %rdx, \into
.endm

// A loop around one operation; r14 is where the next sample goes.
.macro samples_of name, operation:vararg
\name:
	read_clock %r13
	\operation
	read_clock %r12
	sub %r13, %r12
	mov %r12, (%r14)
	add $8, %r14
	add %r9, %r8
	dec %rsi
	jnz \name
	jmp done
.endm

.macro hypercall
	mov $HYPERCALL_NOTHING, %eax
	vmcall
	mov %rax, %r15
.endm

.macro probe_port
	mov $PORT_PROBE, %dx
	out %al, %dx
.endm

	.section .rodata
	.globl guest_start, guest_end
guest_start:
	mov $GUEST_SAMPLES, %r14
	movabs $STORED_VALUE, %rbx
	cmp $DO_NOTHING, %edi
	je nothing
	cmp $DO_VMCALL, %edi
	je vmcalls
	cmp $DO_OUT, %edi
	je outs
	cmp $DO_STORE, %edi
	je stores
hang:
	pause
	jmp hang

	samples_of nothing, nop
	samples_of vmcalls, hypercall
	samples_of outs, probe_port
	samples_of stores, mov %rbx, (%r8)

done:
	mov $PORT_DONE, %dx
	out %al, %dx
	hlt
guest_end:

	.section .note.GNU-stack, "", @progbits
