// The core's own clock beside the time-stamp counter's.
#include "plain.h"

#include <time.h>

// A 64-bit IMUL of a register has a latency of three core cycles on every Intel core since Nehalem and every AMD core
// since Zen, and is never removed by renaming, as additions of constants can be.
enum { MULTIPLICATIONS = 4096, LATENCY = 3 };

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The time-stamp counter's own rate: over 20 ms, what reading either clock takes does not matter.
static void measure_ticks(void) {
  const uint64_t from = nanoseconds(), start = ticks();
  uint64_t to = from;
  while (to - from < 20000000u) to = nanoseconds();
  print_fact("ticks_per_us", "%.0f", (double)(ticks() - start) * 1000 / (double)(to - from));
}

void measure_clock(void) {
  measure_ticks();
  uint64_t least = UINT64_MAX;
  for (int round = 0; round < 1000; round++) {
    uint64_t product = 3;
    const uint64_t start = ticks();
    for (int i = 0; i < MULTIPLICATIONS / 8; i++)
      __asm__ volatile(
          "imul %0, %0; imul %0, %0; imul %0, %0; imul %0, %0; imul %0, %0; imul %0, %0; imul %0, %0; imul %0, %0"
          : "+r"(product));
    const uint64_t taken = ticks() - start;
    if (taken < least) least = taken;
  }
  print_fact("core_cycles_per_tick", "%.2f", MULTIPLICATIONS * LATENCY / (double)(least - empty_pair()));
}
