/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the two halves of the driver share, and what it shows to the rootkit that attacks it. */
#ifndef GI_H
#define GI_H

#include <linux/cache.h>
#include <linux/types.h>

#include "gi_abi.h"

#ifndef GI_VCPUS
#define GI_VCPUS 2
#endif
#define GI_DATA_ORDER 4 /* 16 pages: state, regions, digests */
#define GI_DATA_PAGES (1UL << GI_DATA_ORDER)
#define GI_NODE_ORDER 6 /* 64 pages for the hypervisor's tree */
#define GI_NODE_PAGES (1UL << GI_NODE_ORDER)
#define GI_MAX_REGIONS 256
#define GI_MAX_MORE 16 /* ranges a user names */

/* One vCPU's part of the driver's data; written in integrity mode only. */
struct gi_vcpu {
	u64 open; /* this vCPU is in integrity mode */
	u64 passes;
	u64 cursor; /* next page to digest, counted over all digested regions */
	u64 digested;
	u64 changed; /* digests that differed from the last one */
} ____cacheline_aligned;

struct gi_region {
	u64 first; /* guest page number */
	u64 pages;
	u64 id;
	u64 actions;
};

/* The driver's data pages. Filled before GI_INIT, written in integrity mode afterwards. */
struct gi_data {
	struct gi_vcpu vcpu[GI_VCPUS];
	u64 regions;
	u64 digested_regions; /* the first so many are digested, the others change by nature */
	u64 digested_pages;
	struct gi_region region[GI_MAX_REGIONS];
	u64 digest[];
};

/* Ordinary memory: how often each vCPU executed each hypercall, for comparison with the recording. */
struct gi_tally {
	u64 calls[GI_CALLS];
};

extern struct gi_tally gi_tally[GI_VCPUS];
extern const char gi_code_start[], gi_code_end[], gi_entry_point[], gi_exit_point[];

struct gi_setup {
	unsigned long code_range, data_range;
	unsigned long node_first, node_pages;
};

/* All of these run with interrupts off on vCPU `cpu`, and lie in the driver's code page. */
void gi_initialise(const struct gi_data *data, const struct gi_setup *setup, unsigned int cpu);
void gi_pass(struct gi_data *data, unsigned int cpu, u64 pages, const void *direct_map);
void gi_release(const struct gi_region *region, unsigned int cpu);
void gi_stray_store(u64 *where, u64 value, unsigned int cpu);

/* What a rootkit would find out about the driver by itself. */
struct gi_view {
	void *code;
	void *entry; /* the registered entry instruction */
	struct gi_data *data;
	void *nodes;
	void (*pass)(void); /* one short window on this vCPU */
	void (*hold)(unsigned int cpu); /* start one long window on vCPU `cpu`, do not wait */
	void (*stray)(u64 *where, u64 value); /* a store outside the driver's data, in integrity mode */
};
extern const struct gi_view *gi_view(void);

#endif
