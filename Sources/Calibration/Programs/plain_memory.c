// What a load costs from each level of the memory hierarchy.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plain.h"

// Bytes of the data or unified cache of a level; 0 if the kernel does not tell.
static size_t cache_bytes(int wanted) {
  for (int index = 0; index < 8; index++) {
    char path[96], type[16];
    int level = 0;
    size_t kibibytes = 0;
    const char *names[] = {"type", "level", "size"}, *formats[] = {"%15s", "%d", "%zuK"};
    void *values[] = {type, &level, &kibibytes};
    for (int i = 0; i < 3; i++) {
      snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, names[i]);
      FILE *file = fopen(path, "r");
      if (!file) return 0;
      if (fscanf(file, formats[i], values[i]) != 1) level = 0;
      fclose(file);
    }
    if (level == wanted && type[0] != 'I') return kibibytes << 10;
  }
  return 0;
}

// Every line once, in random order, so that each was last seen a whole working set ago: no smaller level still has it.
// Huge pages, so that the TLB has them all, or nearly.
//
// A sample is some microseconds at most, so that what interrupts it spoils few.
static void measure_level(const char *name, size_t bytes, unsigned samples, unsigned loads) {
  const size_t lines = bytes / LINE, mapped = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  char *const memory = memory_make(mapped, 1);
  void **places = malloc(lines * sizeof *places);
  if (!places) fail("no memory for %zu addresses", lines);
  for (size_t i = 0; i < lines; i++) places[i] = memory + i * LINE;
  const struct chase chase = chase_make(places, lines);
  free(places);
  print_figure(name, chase_run(chase, samples, loads), empty_pair(), loads);
  char fact[32];
  snprintf(fact, sizeof fact, "%s.set", name);
  print_fact(fact, "%zu KiB in %s pages", bytes >> 10, huge_bytes(memory) / 10 >= mapped / 11 ? "huge" : "4 KiB");
  memory_free(memory, mapped);
}

void measure_memory(unsigned samples) {
  const char *names[] = {"load.l1", "load.l2", "load.l3"};
  size_t last = 0;
  for (int level = 1; level <= 3; level++) {
    const size_t bytes = cache_bytes(level);
    if (bytes >= 4 * last && bytes)
      measure_level(names[level - 1], bytes / 2, samples, level < 3 ? 256 : 16);
    else
      print_omitted(
          names[level - 1], "the kernel names no cache of level %d, or one hardly larger than the level before", level);
    if (bytes) last = bytes;
  }
  // Eight times the last level: at most an eighth is found there. A quarter of what is free, at most.
  const size_t wanted = 8 * last > 256 << 20 ? 8 * last : 256 << 20;
  const size_t available = (size_t)sysconf(_SC_AVPHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 4;
  const size_t most = available < (size_t)2 << 30 ? available : (size_t)2 << 30;
  if (last && (wanted < most ? wanted : most) >= 4 * last)
    measure_level("load.memory", wanted < most ? wanted : most, samples, 16);
  else
    print_omitted("load.memory", "%zu MiB may be taken, and the last-level cache has %zu MiB", most >> 20, last >> 20);
}
