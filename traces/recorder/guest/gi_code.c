// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The guest-integrity driver's code page: everything that runs in integrity mode, and every hypercall.
 *
 * Section .text.gi starts on a page and is padded to a whole one, so no other code shares it.
 * Nothing here calls out of the page: no tracing, no stack protector, no return thunk.
 */
#include <linux/compiler.h>
#include <asm/asm.h>

#include "gi.h"

#define GI_CODE notrace __attribute__((section(".text.gi"), no_stack_protector, function_return("keep")))

/*
 * One instruction enters and one leaves integrity mode. The hypervisor knows both by address.
 */
asm(".pushsection .text.gi, \"ax\", @progbits\n"
    ".balign 4096\n"
    ".globl gi_code_start, gi_entry_point, gi_exit_point\n"
    "gi_code_start:\n"
    ".type gi_enter, @function\n"
    "gi_enter:\n"
    "	mov $0x47490002, %eax\n"
    "gi_entry_point:\n"
    "	" GI_HYPERCALL_INSTRUCTION
    "	ret\n"
    "	int3\n"
    ".size gi_enter, . - gi_enter\n"
    ".type gi_exit, @function\n"
    "gi_exit:\n"
    "	mov $0x47490003, %eax\n"
    "gi_exit_point:\n"
    "	" GI_HYPERCALL_INSTRUCTION
    "	ret\n"
    "	int3\n"
    ".size gi_exit, . - gi_exit\n"
    ".popsection\n");

static __always_inline void count(unsigned long number, unsigned int cpu)
{
	gi_tally[cpu].calls[number & 0xf]++;
}

static __always_inline void enter(unsigned int cpu)
{
	count(GI_ENTER, cpu);
	asm volatile("call gi_enter" : ASM_CALL_CONSTRAINT : : "rax", "memory");
}

static __always_inline void leave(unsigned int cpu)
{
	count(GI_EXIT, cpu);
	asm volatile("call gi_exit" : ASM_CALL_CONSTRAINT : : "rax", "memory");
}

static __always_inline void call(unsigned long number, unsigned long rdi, unsigned long rsi, unsigned long rdx,
				 unsigned long r10, unsigned int cpu)
{
	count(number, cpu);
	gi_hypercall(number, rdi, rsi, rdx, r10);
}

GI_CODE void gi_initialise(const struct gi_data *data, const struct gi_setup *setup, unsigned int cpu)
{
	u64 i;

	call(GI_INIT, setup->code_range, setup->data_range, (unsigned long)gi_entry_point,
	     (unsigned long)gi_exit_point, cpu);
	enter(cpu);
	call(GI_DONATE_NODE, setup->node_first, setup->node_pages, 0, 0, cpu);
	for (i = 0; i < data->regions; i++) {
		const struct gi_region *region = &data->region[i];

		call(GI_PROTECT, region->first, region->pages, region->actions, region->id, cpu);
	}
	leave(cpu);
}

static __always_inline u64 digest_of(const u64 *words)
{
	u64 digest = 0xcbf29ce484222325ULL;
	unsigned int i;

	for (i = 0; i < 4096 / sizeof(*words); i++)
		digest = (digest ^ words[i]) * 0x100000001b3ULL;
	return digest;
}

/* The guest page number of the page that `cursor` counts to, over the digested regions in order. */
static __always_inline u64 page_at(const struct gi_data *data, u64 cursor)
{
	u64 i;

	for (i = 0; i < data->digested_regions; i++) {
		if (cursor < data->region[i].pages)
			return data->region[i].first + cursor;
		cursor -= data->region[i].pages;
	}
	return data->region[0].first;
}

/* One window: integrity mode, `pages` digests renewed, normal mode. vCPU 0 takes even pages, vCPU 1 odd ones. */
GI_CODE void gi_pass(struct gi_data *data, unsigned int cpu, u64 pages, const void *direct_map)
{
	struct gi_vcpu *mine = &data->vcpu[cpu];

	enter(cpu);
	mine->open = 1;
	mine->passes++;
	while (pages--) {
		u64 at = mine->cursor;
		u64 digest = digest_of(direct_map + (page_at(data, at) << 12));

		if (data->digest[at] && data->digest[at] != digest)
			mine->changed++;
		data->digest[at] = digest;
		mine->digested++;
		mine->cursor = at + GI_VCPUS < data->digested_pages ? at + GI_VCPUS : cpu;
	}
	call(GI_QUERY, data->region[0].first, 0, 0, 0, cpu);
	mine->open = 0;
	leave(cpu);
}

/* The driver's farewell to one region: another action first, then no protection. */
GI_CODE void gi_release(const struct gi_region *region, unsigned int cpu)
{
	enter(cpu);
	call(GI_SET_ACTION, region->first, region->pages, GI_ACTION_COUNT, region->id, cpu);
	call(GI_UNPROTECT, region->first, region->pages, 0, region->id, cpu);
	leave(cpu);
}

/* A driver gone wrong: in integrity mode it stores to a protected page that is not its own data. */
GI_CODE void gi_stray_store(u64 *where, u64 value, unsigned int cpu)
{
	enter(cpu);
	WRITE_ONCE(*where, value);
	leave(cpu);
}

asm(".pushsection .text.gi, \"ax\", @progbits\n"
    ".balign 4096, 0xcc\n"
    ".globl gi_code_end\n"
    "gi_code_end:\n"
    ".popsection\n");
