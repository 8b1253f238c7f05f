// What a translation costs that the second-level TLB serves: one line a page against the same lines in few pages.
#include "plain.h"

// More pages than any first-level data TLB has entries (at most 128 so far), fewer than any second-level one has (512
// and more); their lines fit the first-level cache.
enum { PAGES = 256, LOADS = 256 };

static void measure_stride(const char *name, size_t stride, unsigned samples) {
  static void *places[PAGES];
  char *const memory = memory_make(PAGES * PAGE, 0);
  for (size_t i = 0; i < PAGES; i++) places[i] = memory + i * stride + (stride == PAGE ? i * LINE % PAGE : 0);
  print_figure(name, chase_run(chase_make(places, PAGES), samples, LOADS), empty_pair(), LOADS);
  memory_free(memory, PAGES * PAGE);
}

void measure_tlb(unsigned samples) {
  measure_stride("load.packed", LINE, samples);
  measure_stride("load.page_stride", PAGE, samples);
}
