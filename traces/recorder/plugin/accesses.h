/*
 * Loads and fetches by pages. While stores go on to one page, what else the vCPU touches is gathered: each page once, with
 * the number of accesses, in the order of first touch. The stream gets it behind those stores.
 */
#ifndef RECORDER_ACCESSES_H
#define RECORDER_ACCESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "stream.h"

/* Before anything that is recorded by itself, and at the end: what was gathered goes to the stream. */
void accesses_flush(void);

/* Before a store: flushes if it begins a run of its own, to another page or of another vCPU. */
void accesses_store(uint8_t vcpu, uint64_t gva, uint64_t gpa);

/* Counts one access more if its page was gathered. False: add it, once it is known where the page lies. */
bool accesses_again(enum record_kind kind, uint8_t vcpu, uint64_t gva);
void accesses_add(enum record_kind kind, uint8_t vcpu, uint64_t count, uint64_t gva, uint64_t gpa);

/* How many records were made of a kind, and how many accesses are in them. */
uint64_t accesses_records(enum record_kind kind);
uint64_t accesses_counted(enum record_kind kind);

#endif
