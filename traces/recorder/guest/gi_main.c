// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * A guest-integrity driver: it reserves code, data and node pages, tells the hypervisor which kernel
 * pages to protect, and from then on enters integrity mode on a timer to renew its own data.
 *
 * Kernel addresses come as parameters, "first linear address,address after the last byte".
 */
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>

#include "gi.h"

static unsigned long text[2], rodata[2], syscalls[2], idt[2], modprobe[2];
module_param_array(text, ulong, NULL, 0444);
module_param_array(rodata, ulong, NULL, 0444);
module_param_array(syscalls, ulong, NULL, 0444);
module_param_array(idt, ulong, NULL, 0444);
module_param_array(modprobe, ulong, NULL, 0444);

static unsigned long more[2 * GI_MAX_MORE];
static unsigned int more_count;
module_param_array(more, ulong, &more_count, 0444);
static char *more_names[GI_MAX_MORE];
module_param_array(more_names, charp, NULL, 0444);
MODULE_PARM_DESC(more, "further ranges of the kernel image to protect, with their names");

static unsigned long page_tables;
module_param(page_tables, ulong, 0444);
MODULE_PARM_DESC(page_tables, "protect the page tables of the kernel, whose top-level table this is, and of the parent process");

static unsigned int period_ms = 20;
module_param(period_ms, uint, 0444);
static unsigned int chunk = 8;
module_param(chunk, uint, 0444);
MODULE_PARM_DESC(chunk, "pages digested in one window");
static unsigned int long_every = 48;
module_param(long_every, uint, 0444);
MODULE_PARM_DESC(long_every, "each so many windows of vCPU 0 a long one, which windows of vCPU 1 overlap");

struct gi_tally gi_tally[GI_VCPUS];
static struct gi_data *data;
static struct page *nodes;
static struct hrtimer timers[GI_VCPUS];

static void add_region(u64 first, u64 pages, u64 id)
{
	if (data->regions == GI_MAX_REGIONS) {
		pr_err("gi: more than %d regions, region %llu is not protected\n", GI_MAX_REGIONS, id);
		return;
	}
	data->region[data->regions++] = (struct gi_region){
		.first = first,
		.pages = pages,
		.id = id,
		.actions = GI_ACTION_COUNT | GI_ACTION_LOG | GI_ACTION_NOTIFY,
	};
}

/* Protects the pages that hold [range[0], range[1]) of the kernel image. */
static void add_image_range(const char *name, const unsigned long range[2], u64 id)
{
	u64 first, last;

	if (!range[0] || range[1] <= range[0])
		return;
	first = __pa(range[0]) >> PAGE_SHIFT;
	last = __pa(range[1] - 1) >> PAGE_SHIFT;
	add_region(first, last - first + 1, id);
	pr_info("gi: region id=%llu name=%s gpa=0x%lx bytes=%lu\n", id, name, __pa(range[0]), range[1] - range[0]);
}

static bool is_protected(u64 page)
{
	u64 i;

	for (i = 0; i < data->regions; i++)
		if (page - data->region[i].first < data->region[i].pages)
			return true;
	return false;
}

/*
 * Protects a table and those below its entries [first, last), each once: the kernel's espfix area has
 * thousands of entries for the same table. `level` 4 is the top.
 */
static void add_page_tables(const u64 *table, int level, int first, int last)
{
	if (is_protected(__pa(table) >> PAGE_SHIFT))
		return;
	add_region(__pa(table) >> PAGE_SHIFT, 1, GI_REGION_PAGE_TABLES);
	pr_info("gi: region id=%d name=page-tables gpa=0x%lx bytes=4096\n", GI_REGION_PAGE_TABLES, __pa(table));
	for (; level > 1 && first < last; first++)
		if ((table[first] & _PAGE_PRESENT) && (level == 4 || !(table[first] & _PAGE_PSE)))
			add_page_tables(__va(table[first] & PTE_PFN_MASK), level - 1, 0, PTRS_PER_PTE);
}

/* The user half of the process that loads the driver: in the recorded guest, the shell that forks all others. */
static void add_parents_page_tables(void)
{
	struct mm_struct *mm;

	rcu_read_lock();
	mm = get_task_mm(rcu_dereference(current->real_parent));
	rcu_read_unlock();
	if (!mm)
		return;
	add_page_tables((const u64 *)mm->pgd, 4, 0, PTRS_PER_PGD / 2);
	mmput(mm);
}

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	unsigned int cpu = smp_processor_id();
	bool is_long = cpu == 0 && long_every && data->vcpu[0].passes % long_every == long_every - 1;

	gi_pass(data, cpu, is_long ? data->digested_pages : chunk, __va(0));
	hrtimer_forward_now(timer, ms_to_ktime(period_ms));
	return HRTIMER_RESTART;
}

static void start_timer(void *unused)
{
	unsigned int cpu = smp_processor_id();
	u64 first = period_ms + period_ms * cpu / GI_VCPUS; /* vCPU 1 half a period later */

	hrtimer_init(&timers[cpu], CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timers[cpu].function = on_timer;
	hrtimer_start(&timers[cpu], ms_to_ktime(first), HRTIMER_MODE_REL_PINNED_HARD);
}

static void pass_here(void)
{
	unsigned long flags;

	local_irq_save(flags);
	gi_pass(data, smp_processor_id(), chunk, __va(0));
	local_irq_restore(flags);
}

static void long_pass(void *unused)
{
	gi_pass(data, smp_processor_id(), data->digested_pages / 4, __va(0));
}

static void hold(unsigned int cpu)
{
	smp_call_function_single(cpu, long_pass, NULL, 0);
}

static void stray(u64 *where, u64 value)
{
	unsigned long flags;

	local_irq_save(flags);
	gi_stray_store(where, value, smp_processor_id());
	local_irq_restore(flags);
}

const struct gi_view *gi_view(void)
{
	static struct gi_view view;

	view = (struct gi_view){
		.code = (void *)gi_code_start,
		.entry = (void *)gi_entry_point,
		.data = data,
		.nodes = page_address(nodes),
		.pass = pass_here,
		.hold = hold,
		.stray = stray,
	};
	return &view;
}
EXPORT_SYMBOL_GPL(gi_view);

static int on_reboot(struct notifier_block *block, unsigned long action, void *unused)
{
	static const char *const names[GI_CALLS] = { "",	  "init",	"enter",       "exit", "protect",
						     "unprotect", "set-action", "donate-node", "query" };
	unsigned long flags;
	unsigned int i, cpu;

	for (cpu = 0; cpu < GI_VCPUS; cpu++)
		hrtimer_cancel(&timers[cpu]);
	local_irq_save(flags);
	gi_release(&data->region[data->digested_regions], smp_processor_id());
	local_irq_restore(flags);
	for (cpu = 0; cpu < GI_VCPUS; cpu++) {
		for (i = 1; i < GI_CALLS; i++)
			pr_info("gi: tally vcpu=%u call=%s times=%llu\n", cpu, names[i], gi_tally[cpu].calls[i]);
		pr_info("gi: vcpu=%u passes=%llu digested=%llu changed=%llu\n", cpu, data->vcpu[cpu].passes,
			data->vcpu[cpu].digested, data->vcpu[cpu].changed);
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = { .notifier_call = on_reboot };

static int reserve_pages(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, GI_DATA_ORDER);
	unsigned int cpu;

	nodes = alloc_pages(GFP_KERNEL | __GFP_ZERO, GI_NODE_ORDER);
	if (!pages || !nodes)
		return -ENOMEM;
	data = page_address(pages);
	for (cpu = 0; cpu < GI_VCPUS; cpu++)
		data->vcpu[cpu].cursor = cpu; /* each begins elsewhere */
	return 0;
}

static int choose_regions(void)
{
	unsigned int i;

	add_image_range("kernel-text", text, GI_REGION_TEXT);
	add_image_range("kernel-rodata", rodata, GI_REGION_RODATA);
	add_image_range("syscall-table", syscalls, GI_REGION_SYSCALLS);
	add_image_range("idt", idt, GI_REGION_IDT);
	data->digested_regions = data->regions;
	for (i = 0; i < data->regions; i++)
		data->digested_pages += data->region[i].pages;
	add_image_range("modprobe_path", modprobe, GI_REGION_MODPROBE);
	for (i = 0; i < more_count / 2; i++)
		add_image_range(more_names[i] ? more_names[i] : "unnamed", &more[2 * i], GI_REGION_MORE + i);
	if (page_tables) {
		add_page_tables((const u64 *)page_tables, 4, PTRS_PER_PGD / 2, PTRS_PER_PGD);
		add_parents_page_tables();
	}
	if (data->regions < 5 ||
	    offsetof(struct gi_data, digest[data->digested_pages]) > GI_DATA_PAGES * PAGE_SIZE) {
		pr_err("gi: the regions are missing or their digests do not fit into %lu pages\n", GI_DATA_PAGES);
		return -EINVAL;
	}
	return 0;
}

static int __init gi_start(void)
{
	struct gi_setup setup;
	unsigned long flags;
	int error = reserve_pages();

	if (!error)
		error = choose_regions();
	if (error)
		return error;
	if (gi_code_end - gi_code_start != PAGE_SIZE)
		return -EINVAL;

	setup = (struct gi_setup){
		.code_range = slow_virt_to_phys((void *)gi_code_start) | 1,
		.data_range = __pa(data) | GI_DATA_PAGES,
		.node_first = page_to_pfn(nodes),
		.node_pages = GI_NODE_PAGES,
	};
	pr_info("gi: region id=10 name=gi-code gpa=0x%lx bytes=%lu\n", setup.code_range & PAGE_MASK, PAGE_SIZE);
	pr_info("gi: region id=11 name=gi-data gpa=0x%lx bytes=%lu\n", __pa(data), GI_DATA_PAGES * PAGE_SIZE);
	pr_info("gi: region id=12 name=gi-nodes gpa=0x%lx bytes=%lu\n", setup.node_first << PAGE_SHIFT,
		GI_NODE_PAGES * PAGE_SIZE);
	local_irq_save(flags);
	gi_initialise(data, &setup, smp_processor_id());
	local_irq_restore(flags);
	register_reboot_notifier(&reboot_block);
	on_each_cpu(start_timer, NULL, 1);
	return 0;
}

module_init(gi_start);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Guest-integrity driver of the recorded guest");
