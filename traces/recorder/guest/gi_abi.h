/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The hypercall interface of the guest-integrity driver, and marks.
 *
 * Both are no-ops that every processor executes harmlessly: NOPL disp32(%rax) with a displacement that
 * nothing else uses. The recorder recognises the bytes and records the registers.
 */
#ifndef GI_ABI_H
#define GI_ABI_H

#define GI_INIT 0x47490001UL
#define GI_ENTER 0x47490002UL
#define GI_EXIT 0x47490003UL
#define GI_PROTECT 0x47490004UL
#define GI_UNPROTECT 0x47490005UL
#define GI_SET_ACTION 0x47490006UL
#define GI_DONATE_NODE 0x47490007UL
#define GI_QUERY 0x47490008UL
#define GI_CALLS 9 /* call numbers 0x47490000 to 0x47490008 */

#define GI_HYPERCALL_INSTRUCTION ".byte 0x0f, 0x1f, 0x80\n .ascii \"GIGC\"\n"
#define GI_MARK_INSTRUCTION ".byte 0x0f, 0x1f, 0x80\n .ascii \"MARK\"\n"

/* Alert actions of a protected page. */
#define GI_ACTION_COUNT (1UL << 0)
#define GI_ACTION_LOG (1UL << 1)
#define GI_ACTION_NOTIFY (1UL << 2)

/* Protected things, by region id. */
#define GI_REGION_TEXT 1
#define GI_REGION_RODATA 2
#define GI_REGION_SYSCALLS 3
#define GI_REGION_IDT 4
#define GI_REGION_PAGE_TABLES 5
#define GI_REGION_MODPROBE 6
#define GI_REGION_MORE 16 /* and following */

static inline __attribute__((always_inline)) void gi_hypercall(unsigned long number, unsigned long rdi,
							       unsigned long rsi, unsigned long rdx,
							       unsigned long r10)
{
	register unsigned long fourth __asm__("r10") = r10;

	__asm__ volatile(GI_HYPERCALL_INSTRUCTION
			 : "+a"(number)
			 : "D"(rdi), "S"(rsi), "d"(rdx), "r"(fourth)
			 : "memory");
}

static inline __attribute__((always_inline)) void gi_mark(unsigned long id)
{
	__asm__ volatile(GI_MARK_INSTRUCTION : : "D"(id) : "memory");
}

#endif
