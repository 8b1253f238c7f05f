// What Swift cannot say about the host: that a cache line will be written soon or is to be dropped, which processor runs a
// thread, what the time-stamp counter holds, whether there is a hypervisor below, which of four words are equal to another.
#ifndef CHOST_H
#define CHOST_H

#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <emmintrin.h>
#endif
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

/// The same ticks, read when all loads before are done, and before anything after has begun.
static inline uint64_t chost_ordered_ticks(void) {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
  const uint64_t ticks = __builtin_ia32_rdtsc();
  __builtin_ia32_lfence();
  return ticks;
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
  return chost_ticks();
#endif
}

/// Drops a cache line from every cache of the host, writing it back first; nothing but on x86-64.
static inline void chost_flush(const void *_Nonnull line) {
#if defined(__x86_64__)
  __builtin_ia32_clflush(line);
#endif
}

/// The place of a key among `count` keys, -1 if it is not there. Three more words than `count` must be readable.
static inline long chost_place_of(uint32_t key, const uint32_t *_Nonnull keys, long count) {
#if defined(__x86_64__)
  const __m128i wanted = _mm_set1_epi32((int)key);
  for (long place = 0; place < count; place += 4) {
    const __m128i four = _mm_loadu_si128((const __m128i_u *)(keys + place));
    const int equal = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(four, wanted)));
    if (equal) {
      place += __builtin_ctz((unsigned)equal);
      return place < count ? place : -1;
    }
  }
#else
  for (long place = 0; place < count; place++)
    if (keys[place] == key) return place;
#endif
  return -1;
}

/// Puts a key before the first `place` keys, each of which moves on by one; the one at `place` goes.
static inline void chost_put_first(uint32_t key, uint32_t *_Nonnull keys, long place) {
#if defined(__x86_64__)
  for (; place >= 4; place -= 4)
    _mm_storeu_si128((__m128i_u *)(keys + place - 3), _mm_loadu_si128((const __m128i_u *)(keys + place - 4)));
#endif
  for (; place > 0; place--) keys[place] = keys[place - 1];
  keys[0] = key;
}

/// Whether a hypervisor says that it is there (CPUID.01H:ECX bit 31); 0 but on x86-64.
static inline int chost_is_under_hypervisor(void) {
#if defined(__x86_64__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx >> 31;
#else
  return 0;
#endif
}

/// Lets the calling thread run on processor 0...1023 only; 0 if the host agreed.
static inline int chost_pin(unsigned processor) {
  unsigned long mask[1024 / 8 / sizeof(unsigned long)] = {0};
  if (processor >= 1024) return -1;
  mask[processor / (8 * sizeof *mask)] = 1ul << processor % (8 * sizeof *mask);
  return (int)syscall(SYS_sched_setaffinity, 0, sizeof mask, mask);
}

/// Whether the calling thread may run on processor 0...1023.
static inline int chost_may_run_on(unsigned processor) {
  unsigned long mask[1024 / 8 / sizeof(unsigned long)] = {0};
  if (processor >= 1024 || syscall(SYS_sched_getaffinity, 0, sizeof mask, mask) < 0) return 0;
  return mask[processor / (8 * sizeof *mask)] >> processor % (8 * sizeof *mask) & 1;
}

#endif
