// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Into the guest and back. */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/objtool.h>
#include <linux/timex.h>
#include <linux/types.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "module.h"

struct guest_registers registers;
static bool is_launched;

/* Ticks that a guest may take between two exits, and for a whole task. */
static u64 ticks_of_entry(void)
{
	return (u64)tsc_khz * 200;
}

static u64 ticks_of_task(void)
{
	return (u64)tsc_khz * 2000;
}

/*
 * Enters the guest, and is back at its next exit; 0 if it was not entered.
 *
 * With skips_calls a VMCALL is over at once: the shortest handler there can be. It may use r10, r11 and rbp, which the
 * guest does not.
 */
static noinline u32 enter(struct guest_registers *registers, bool again)
{
	u32 entered;

	asm volatile("push %%rbp\n\t"
		     "push %%rdi\n\t"
		     "mov %[host_rsp], %%eax\n\t"
		     "vmwrite %%rsp, %%rax\n\t"
		     "lea 1f(%%rip), %%rdx\n\t"
		     "mov %[host_rip], %%eax\n\t"
		     "vmwrite %%rdx, %%rax\n\t"
		     "mov 12*8(%%rdi), %%rbp\n\t"
		     "test %%esi, %%esi\n\t"
		     "mov 0*8(%%rdi), %%rax; mov 1*8(%%rdi), %%rbx; mov 2*8(%%rdi), %%rcx; mov 3*8(%%rdi), %%rdx\n\t"
		     "mov 4*8(%%rdi), %%rsi; mov 6*8(%%rdi), %%r8; mov 7*8(%%rdi), %%r9; mov 8*8(%%rdi), %%r12\n\t"
		     "mov 9*8(%%rdi), %%r13; mov 10*8(%%rdi), %%r14; mov 11*8(%%rdi), %%r15; mov 5*8(%%rdi), %%rdi\n\t"
		     "jnz 2f\n\t"
		     "vmlaunch\n\t"
		     "jmp 3f\n\t"
		     "2: vmresume\n\t"
		     "3: pop %%rdi\n\t"
		     "xor %%eax, %%eax\n\t"
		     "jmp 5f\n\t"
		     "1: test %%rbp, %%rbp\n\t"
		     "jz 4f\n\t"
		     "mov %[exit_reason], %%r10d\n\t"
		     "vmread %%r10, %%r11\n\t"
		     "cmp %[vmcall], %%r11d\n\t"
		     "jne 4f\n\t"
		     "mov %[guest_rip], %%r10d\n\t"
		     "vmread %%r10, %%r11\n\t"
		     "add $3, %%r11\n\t"
		     "vmwrite %%r11, %%r10\n\t"
		     "vmresume\n\t"
		     "jmp 3b\n\t"
		     "4: push %%rdi\n\t"
		     "mov 8(%%rsp), %%rdi\n\t"
		     "mov %%rax, 0*8(%%rdi); mov %%rbx, 1*8(%%rdi); mov %%rcx, 2*8(%%rdi); mov %%rdx, 3*8(%%rdi)\n\t"
		     "mov %%rsi, 4*8(%%rdi); mov %%r8, 6*8(%%rdi); mov %%r9, 7*8(%%rdi); mov %%r12, 8*8(%%rdi)\n\t"
		     "mov %%r13, 9*8(%%rdi); mov %%r14, 10*8(%%rdi); mov %%r15, 11*8(%%rdi)\n\t"
		     "pop %%rax\n\t"
		     "mov %%rax, 5*8(%%rdi)\n\t"
		     "pop %%rdi\n\t"
		     "mov $1, %%eax\n\t"
		     "5: pop %%rbp\n\t"
		     : "=a"(entered), "+D"(registers), "+S"(again)
		     : [host_rsp] "i"(HOST_RSP), [host_rip] "i"(HOST_RIP), [exit_reason] "i"(EXIT_REASON),
		       [guest_rip] "i"(GUEST_RIP), [vmcall] "i"(REASON_VMCALL)
		     : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory");
	return entered;
}
STACK_FRAME_NON_STANDARD(enter);

void guest_begin(int what, u64 count, u64 address, u64 stride)
{
	registers = (struct guest_registers){ .rdi = what, .rsi = count, .r8 = address, .r9 = stride };
	vmx_write(GUEST_RIP, GUEST_CODE);
	vmx_write(GUEST_RSP, GUEST_STACK_TOP);
	vmx_write(GUEST_RFLAGS, 2);
	vmx_write(GUEST_ACTIVITY, 0);
	vmx_write(GUEST_INTERRUPTIBILITY, 0);
}

/* What the host must take before it goes on; false if the exit is the guest's own. */
static bool take_interrupt(u32 reason)
{
	enum { TYPE = 7 << 8, NMI = 2 << 8 };

	if (reason == REASON_INTERRUPT) {
		local_irq_enable();
		asm volatile("nop");
		local_irq_disable();
		return true;
	}
	if (reason == REASON_NMI && (vmx_read(EXIT_EVENT) & TYPE) == NMI) {
		/* NMIs are blocked until the handler returns. */
		asm volatile("int $2");
		return true;
	}
	return false;
}

int guest_run(void)
{
	const u64 start = rdtsc_ordered();
	u32 reason;

	do {
		vmx_host_now();
		vmx_write(PREEMPTION_TIMER, ticks_of_entry() >> capabilities.timer_shift);
		if (!enter(&registers, is_launched)) {
			tell("error the guest cannot be entered, VM-instruction error %llu",
			     vmx_read(INSTRUCTION_ERROR));
			return -EIO;
		}
		reason = vmx_read(EXIT_REASON);
		if (reason >> 31) {
			tell("error the guest's state is refused, exit reason %u", reason & 0xffff);
			return -EIO;
		}
		is_launched = true;
		if (reason == REASON_TIMER || rdtsc_ordered() - start > ticks_of_task()) {
			tell("error the guest has not ended in time, at 0x%llx", vmx_read(GUEST_RIP));
			return -ETIME;
		}
	} while (take_interrupt(reason & 0xffff));
	return reason & 0xffff;
}

int guest_do(int what, u64 count, u64 address, u64 stride)
{
	int reason;

	guest_begin(what, count, address, stride);
	registers.skips_calls = 1;
	reason = guest_run();
	if (reason < 0 || reason == REASON_HLT)
		return reason < 0 ? reason : 0;
	tell("error the guest ends with exit reason %d, qualification 0x%llx, at 0x%llx", reason,
	     vmx_read(EXIT_QUALIFICATION), vmx_read(GUEST_RIP));
	return -EIO;
}
