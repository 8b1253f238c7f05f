#include "include/TLB.h"

#include <string.h>

enum { L1_WAYS = 4, L1_SETS = 16, L2_WAYS = 12, L2_SETS = 128, VCPUS = 2 };

typedef struct {
  uint32_t l1[L1_SETS][L1_WAYS];
  uint32_t l2[L2_SETS][L2_WAYS];
} tlb;

// Moves the key to the front; 1 if it was there. Without it, the last goes.
static inline int touch(uint32_t *ways, int count, uint32_t key) {
  int at = 0;
  while (at < count - 1 && ways[at] != key)
    at++;
  int hit = ways[at] == key;
  for (; at > 0; at--)
    ways[at] = ways[at - 1];
  ways[0] = key;
  return hit;
}

uint64_t reference_two_level_tlb(const uint64_t *runs, size_t count) {
  static tlb tlbs[VCPUS];
  memset(tlbs, 0xff, sizeof tlbs);
  uint64_t misses = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t page = (uint32_t)runs[i];
    tlb *of = &tlbs[runs[i] >> 48 & (VCPUS - 1)];
    uint32_t *l1 = of->l1[page % L1_SETS];
    if (l1[0] == page || touch(l1, L1_WAYS, page))
      continue;
    misses += !touch(of->l2[page % L2_SETS], L2_WAYS, page);
  }
  return misses;
}
