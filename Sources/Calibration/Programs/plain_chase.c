#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "plain.h"

// A fixed sequence, the same on every machine (xorshift64*, Vigna 2016).
static uint64_t random_number(void) {
  static uint64_t state = 0x9e3779b97f4a7c15;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1d;
}

struct chase chase_make(void **places, size_t count) {
  for (size_t i = count - 1; i > 0; i--) {
    const size_t j = random_number() % (i + 1);
    void *const place = places[i];
    places[i] = places[j];
    places[j] = place;
  }
  for (size_t i = 0; i < count; i++) *(void **)places[i] = places[(i + 1) % count];
  return (struct chase){places[0], count};
}

struct samples chase_run(struct chase chase, unsigned count, unsigned loads) {
  struct samples samples = samples_make(count);
  void *place = chase.start;
  for (size_t i = 0; i < chase.steps; i++) place = *(void *volatile *)place;
  for (int i = -WARM_UPS; i < (int)count; i++) {
    const uint64_t start = ticks();
    for (unsigned load = 0; load < loads; load++) place = *(void *volatile *)place;
    const uint64_t taken = ticks() - start;
    if (i >= 0) samples.ticks[i] = taken;
  }
  __asm__ volatile("" ::"r"(place));
  return samples;
}

// One huge page more than asked for, so that whole ones lie within.
void *memory_make(size_t bytes, int huge) {
  char *memory = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail_system("%zu bytes of memory", bytes);
  char *const aligned = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  const size_t before = (size_t)(aligned - memory);
  if (before) munmap(memory, before);
  if (HUGE_PAGE > before) munmap(aligned + bytes, HUGE_PAGE - before);
  madvise(aligned, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  memset(aligned, 1, bytes);
  return aligned;
}

void memory_free(void *memory, size_t bytes) { munmap(memory, bytes); }

size_t huge_bytes(const void *memory) {
  FILE *file = fopen("/proc/self/smaps", "r");
  char line[256];
  size_t kibibytes = 0;
  int is_ours = 0;
  while (file && fgets(line, sizeof line, file)) {
    uintptr_t start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) is_ours = start <= (uintptr_t)memory && (uintptr_t)memory < end;
    if (is_ours && sscanf(line, "AnonHugePages: %zu kB", &kibibytes) == 1) break;
  }
  if (file) fclose(file);
  return kibibytes << 10;
}
