/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The guest: takes samples of one operation, and halts.
 *
 * In:  rdi what to do (DO_...), rsi how many samples or pages, r8 the address of the first store or load, r9 what is
 *      added to it each time.
 * Out: ticks of each sample from GUEST_SAMPLES on; r15 how many virtualization exceptions came.
 * r10, r11 and rbp are the host's while the guest runs.
 */
#include "module_guest.h"

.macro read_clock into
	lfence
	rdtsc
	lfence
	shl $32, %rdx
	or %rax, %rdx
	mov %rdx, \into
.endm

/* The ticks since r13 as the next sample. */
.macro note_sample
	read_clock %r12
	sub %r13, %r12
	mov %r12, (%r14)
	add $8, %r14
.endm

.macro samples_of name, operation:vararg
\name:
	read_clock %r13
	\operation
	note_sample
	add %r9, %r8
	dec %rsi
	jnz \name
	hlt
.endm

/* VMFUNC leaf 0: to the EPTP whose index is in ecx. */
.macro switch_view
	xor %eax, %eax
	.byte 0x0f, 0x01, 0xd4
.endm

.macro switch_to_other
	xor $1, %ecx
	switch_view
.endm

	.section .rodata, "a"
	.globl guest_start, guest_end, guest_ve_next, guest_ve_halt
guest_start:
	mov $GUEST_SAMPLES, %r14
	xor %ecx, %ecx
	xor %r15d, %r15d
	cmp $DO_NOTHING, %edi
	je nothing
	cmp $DO_VMCALL, %edi
	je calls
	cmp $DO_VMFUNC, %edi
	je switches
	cmp $DO_STORE, %edi
	je stores
	cmp $DO_TOUCH, %edi
	je touch
	cmp $DO_SWITCH_AND_TOUCH, %edi
	je switch_and_touch
	cmp $DO_STEPS, %edi
	je steps
hang:
	pause
	jmp hang

	samples_of nothing, nop
	samples_of calls, vmcall
	samples_of switches, switch_to_other
	samples_of stores, mov %rax, (%r8)

switch_and_touch:
	mov $1, %ecx
	switch_view
	xor %ecx, %ecx
	switch_view
touch:
	read_clock %r13
1:	mov (%r8), %rax
	add %r9, %r8
	dec %rsi
	jnz 1b
	note_sample
	hlt

steps:
	nop
	nop
	nop
	nop
	hlt

/* After #VE: the area is free again, and the store of three bytes is over. */
guest_ve_next:
	inc %r15
	movl $0, GUEST_VE_AREA + 4
	addq $3, (%rsp)
	iretq
guest_ve_halt:
	inc %r15
	hlt
guest_end:

	.section .note.GNU-stack, "", @progbits
