// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The guest's memory, its own page tables, and the EPT structures. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "module.h"

struct guest guest;

static void *page(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL);
}

void guest_free(void)
{
	void **tables[] = { (void **)&guest.root[0], (void **)&guest.root[1], (void **)&guest.pdpt, (void **)&guest.pd,
			    (void **)&guest.pt[0], (void **)&guest.pt[1], (void **)&guest.pt[2], (void **)&guest.pt[3],
			    (void **)&guest.pt[4], (void **)&guest.eptp_list, (void **)&guest.log };
	int i;

	for (i = 0; i < GUEST_OWN_PAGES; i++)
		free_page((unsigned long)guest.own[i]);
	for (i = 0; i < GUEST_AREA_PAGES; i++)
		free_page((unsigned long)guest.area[i]);
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		free_page((unsigned long)*tables[i]);
	memset(&guest, 0, sizeof(guest));
}

static bool allocate(void)
{
	bool all = true;
	int i;

	for (i = 0; i < GUEST_OWN_PAGES; i++)
		all &= !!(guest.own[i] = page());
	for (i = 0; i < GUEST_AREA_PAGES; i++)
		all &= !!(guest.area[i] = page());
	for (i = 0; i < 2; i++)
		all &= !!(guest.root[i] = page());
	for (i = 0; i < 5; i++)
		all &= !!(guest.pt[i] = page());
	return all & !!(guest.pdpt = page()) & !!(guest.pd = page()) & !!(guest.eptp_list = page()) &
	       !!(guest.log = page());
}

u64 *guest_leaf(u64 address)
{
	const u64 page = address >> 12;

	return address < GUEST_AREA ? &guest.pt[0][page] : &guest.pt[1 + (page - (GUEST_AREA >> 12)) / 512][page % 512];
}

u64 guest_eptp(int view)
{
	/* Write-back, a walk of four levels, accessed and dirty flags where the processor has them. */
	return virt_to_phys(guest.root[view]) | 6 | 3 << 3 | (capabilities.has_ad_flags ? 1 << 6 : 0);
}

volatile u64 *guest_sample(unsigned int index)
{
	return (volatile u64 *)guest.own[(GUEST_SAMPLES >> 12) + index / 512] + index % 512;
}

static void map(u64 address, void *page)
{
	*guest_leaf(address) =
		virt_to_phys(page) | EPT_RWX | EPT_WRITE_BACK | EPT_ACCESSED | EPT_DIRTY | EPT_SUPPRESS_VE;
}

static void build_ept(void)
{
	int i;

	for (i = 0; i < 2; i++)
		guest.root[i][0] = virt_to_phys(guest.pdpt) | EPT_RWX;
	guest.pdpt[0] = virt_to_phys(guest.pd) | EPT_RWX;
	guest.pd[0] = virt_to_phys(guest.pt[0]) | EPT_RWX;
	for (i = 0; i < 4; i++)
		guest.pd[(GUEST_AREA >> 21) + i] = virt_to_phys(guest.pt[1 + i]) | EPT_RWX;
	for (i = 0; i < GUEST_OWN_PAGES; i++)
		map((u64)i << 12, guest.own[i]);
	for (i = 0; i < GUEST_AREA_PAGES; i++)
		map(GUEST_AREA + ((u64)i << 12), guest.area[i]);
}

/* One to one, by pages of 4 KiB, so that a translation takes as many references as in a guest that protects pages. */
static void build_guest_tables(void)
{
	enum { PRESENT_WRITABLE_ACCESSED_DIRTY = 0x63 };
	u64 **own = (u64 **)guest.own;
	u64 i;

	own[GUEST_PML4 >> 12][0] = GUEST_PDPT | PRESENT_WRITABLE_ACCESSED_DIRTY;
	own[GUEST_PDPT >> 12][0] = GUEST_PD | PRESENT_WRITABLE_ACCESSED_DIRTY;
	own[GUEST_PD >> 12][0] = GUEST_LOW_PT | PRESENT_WRITABLE_ACCESSED_DIRTY;
	for (i = 0; i < 4; i++)
		own[GUEST_PD >> 12][(GUEST_AREA >> 21) + i] =
			(GUEST_AREA_PT + (i << 12)) | PRESENT_WRITABLE_ACCESSED_DIRTY;
	for (i = 0; i < GUEST_OWN_PAGES; i++)
		own[GUEST_LOW_PT >> 12][i] = i << 12 | PRESENT_WRITABLE_ACCESSED_DIRTY;
	for (i = 0; i < GUEST_AREA_PAGES; i++)
		own[(GUEST_AREA_PT >> 12) + i / 512][i % 512] =
			(GUEST_AREA + (i << 12)) | PRESENT_WRITABLE_ACCESSED_DIRTY;
}

static void build_descriptors(void)
{
	u64 *gdt = guest.own[GUEST_GDT >> 12];

	gdt[1] = 0x00af9b000000ffff; /* 64-bit code */
	gdt[2] = 0x00cf93000000ffff; /* data */
	gdt[3] = 0x00008b0000000067 | (u64)GUEST_TSS << 16; /* task state, 104 bytes */
}

int guest_make(void)
{
	if (!allocate()) {
		guest_free();
		return -ENOMEM;
	}
	build_ept();
	build_guest_tables();
	build_descriptors();
	memcpy(guest.own[GUEST_CODE >> 12], guest_start, guest_end - guest_start);
	return 0;
}
