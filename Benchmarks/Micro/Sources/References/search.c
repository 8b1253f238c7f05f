#include "Search.h"

uint64_t reference_binary_search(const reference_ranges *r, const uint32_t *queries, size_t count) {
  const uint32_t *first = r->first;
  uint64_t sum = 0;
  for (size_t j = 0; j < count; j++) {
    uint32_t page = queries[j];
    const uint32_t *base = first;
    for (size_t n = r->count; n > 1;) {
      size_t half = n / 2;
      // A conditional move: checked in the disassembly, since a mispredicted branch here would flatter us.
      base = __builtin_unpredictable(base[half] <= page) ? base + half : base;
      n -= half;
    }
    size_t i = (size_t)(base - first);
    sum += r->actions[i] & -(uint64_t)(page - *base < r->pages[i]);
  }
  return sum;
}
