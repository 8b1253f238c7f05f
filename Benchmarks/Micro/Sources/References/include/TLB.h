#pragma once
#include <stddef.h>
#include <stdint.h>

/// A bare loop over page runs (page in bits 31:0, vCPU in 55:48; at most two vCPUs) through a first-level TLB of 64 entries in
/// 4 ways and a second-level TLB of 1536 in 12, both least recently used: what a replay cannot do without, and nothing else.
/// Returns how many runs miss both.
uint64_t reference_two_level_tlb(const uint64_t *runs, size_t count);
