/* The guest's own page tables: what maps a linear address, and which mappings were already recorded. */
#ifndef RECORDER_PAGING_H
#define RECORDER_PAGING_H

#include <stdbool.h>
#include <stdint.h>

enum { MAX_VCPUS = 8 };

struct mapping {
    uint64_t leaf; /* the entry that maps the page, as it lies in guest memory */
    unsigned shift; /* log2 of the page size: 12, 21 or 30 */
    uint64_t gpa;   /* where the address itself goes */
};

/* Walks the four-level tables under `cr3`. False: not mapped, or the tables cannot be read yet. */
bool paging_walk(uint64_t cr3, uint64_t gva, struct mapping *mapping);

/* True when (`cr3`, page of `gva`) -> page of `gpa` is not the translation last recorded for it; it is from now on. */
bool paging_changed(unsigned vcpu, uint64_t cr3, uint64_t gva, uint64_t gpa);

#endif
