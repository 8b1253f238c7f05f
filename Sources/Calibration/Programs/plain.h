// What needs no virtualization: memory levels, second-level TLB, locked stores.
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>

#include "report.h"

enum { LINE = 64, PAGE = 4096, HUGE_PAGE = 2 << 20 };

// A cycle of loads, each of which needs the address that the one before it loaded.
struct chase {
  void *start;
  size_t steps;
};

// Loads that follow each other through `count` of the places, each once, in random order.
struct chase chase_make(void **places, size_t count);
// Samples of `loads` loads each, after a whole turn of the cycle.
struct samples chase_run(struct chase chase, unsigned samples, unsigned loads);

// Memory of its own: in huge pages if wished and had, else in pages of 4 KiB.
void *memory_make(size_t bytes, int huge);
void memory_free(void *memory, size_t bytes);
// How many of the bytes lie in huge pages.
size_t huge_bytes(const void *memory);

void measure_clock(void);
void measure_memory(unsigned samples);
void measure_tlb(unsigned samples);
void measure_locked_store(unsigned samples);

#endif
