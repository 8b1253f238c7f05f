// What Swift cannot say about the host: the time-stamp counter and CPU pinning.
#ifndef CHOST_H
#define CHOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

/// The time-stamp counter, ordered after all earlier loads (RDTSCP + LFENCE).
static inline uint64_t chost_tsc(void) {
  unsigned int cpu;
  uint64_t now = __rdtscp(&cpu);
  _mm_lfence();
  return now;
}

/// Asks for a cache line that will be read soon; any address will do.
static inline void chost_prefetch(const void *_Nonnull line) { __builtin_prefetch(line); }

/// Pins the calling thread to one CPU; false when the kernel refuses.
static inline bool chost_pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

#endif
