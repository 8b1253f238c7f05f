// Queries that follow each other in one guest, without an exit between them, so that stale translations are seen: what a script asks
// while its `policy cache=` is not `none`.
#pragma once
#include "query.h"

// Each adds a step; the program runs when it is told to, or full.
void sequence_access(const struct access *access);
void sequence_store(uint64_t address, uint64_t value);
void sequence_switch(uint64_t index);
void sequence_cr3(uint64_t value);
// Runs what has been added, and answers each query of it.
void sequence_run(void);
// From here on accesses are made under this CR3.
void sequence_begin(uint64_t cr3);
