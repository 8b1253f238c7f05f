// What Swift cannot say about the host: that a cache line will be written soon, which processor runs a thread, what the
// time-stamp counter holds.
#ifndef CHOST_H
#define CHOST_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Asks for a cache line that will be written soon; any address will do.
static inline void chost_prefetch_to_write(void *_Nonnull line) { __builtin_prefetch(line, 1); }

/// Ticks of a clock that all processors of the host share and that is read in a few nanoseconds; its rate is the host's.
static inline uint64_t chost_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
}

/// Lets the calling thread run on processor 0...1023 only; 0 if the host agreed.
static inline int chost_pin(unsigned processor) {
  unsigned long mask[1024 / 8 / sizeof(unsigned long)] = {0};
  if (processor >= 1024) return -1;
  mask[processor / (8 * sizeof *mask)] = 1ul << processor % (8 * sizeof *mask);
  return (int)syscall(SYS_sched_setaffinity, 0, sizeof mask, mask);
}

#endif
