/*
 * The guest's own page tables: what maps a linear address, which mappings were already recorded, and what of an
 * entry an instruction has stored, as against the flags that the processor's walker has set in it.
 */
#ifndef RECORDER_PAGING_H
#define RECORDER_PAGING_H

#include <stdbool.h>
#include <stdint.h>

enum { MAX_VCPUS = 8 };

struct mapping {
    uint64_t entries[4]; /* PML4E, PDPTE, PDE, PTE down to the leaf, as they lie in guest memory; zero below it */
    uint64_t places[4];  /* where they lie */
    unsigned leaf;       /* which of them maps the page */
    unsigned shift;      /* log2 of the page size: 12, 21 or 30 */
    uint64_t gpa;        /* where the address itself goes */
};

/* Before anything else, once. */
void paging_open(uint64_t ram_bytes);

/* Walks the four-level tables under `cr3`. False: not mapped, or the tables cannot be read yet. */
bool paging_walk(uint64_t cr3, uint64_t gva, struct mapping *mapping);

/* Where a linear address goes now; remembered, as far as mappings are. False: not mapped. */
bool paging_translate(unsigned vcpu, uint64_t cr3, uint64_t gva, uint64_t *gpa);

/*
 * From now on entries are read as instructions have stored them, not through a Linux guest's windows onto memory: for other
 * guests, and those at random addresses. What a loader put in place of the guest's instructions is not seen then.
 */
void paging_read_stored(void);

/* Tells of a store by an instruction, up to 16 bytes. */
void paging_stored(uint64_t gpa, unsigned bytes, unsigned __int128 value);

enum paging { PAGING_KNOWN, PAGING_NEW, PAGING_UNWALKABLE };

/*
 * After a store through `gva` and before paging_stored(): whether the mapping it went through is the one last recorded
 * for (`cr3`, page of `gva`), flags and tables included. A new one is as instructions had left it, without the
 * flags that the walk of this store has set; it is known from now on.
 */
enum paging paging_mapping(unsigned vcpu, uint64_t cr3, uint64_t gva, uint64_t gpa, struct mapping *mapping);

#endif
