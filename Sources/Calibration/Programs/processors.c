#define _GNU_SOURCE
#include "processors.h"

#include <sched.h>
#include <stdio.h>

#include "report.h"

// The processors we may run on, as they were before anything was pinned.
static const cpu_set_t *allowed(void) {
  static cpu_set_t set;
  static int is_known;
  if (!is_known && sched_getaffinity(0, sizeof set, &set)) fail_system("the allowed processors are not known");
  is_known = 1;
  return &set;
}

void pin(int processor) {
  cpu_set_t set;
  allowed();
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (sched_setaffinity(0, sizeof set, &set)) fail_system("processor %d cannot be had", processor);
}

static int next_processor(int after) {
  for (int processor = after + 1; processor < CPU_SETSIZE; processor++)
    if (CPU_ISSET(processor, allowed())) return processor;
  return -1;
}

int first_processor(void) { return next_processor(-1); }

// Package and core of a processor as one number; the processor's own if the kernel does not tell.
static long core_of(int processor) {
  long part[2] = {-1, -1};
  const char *names[2] = {"physical_package_id", "core_id"};
  for (int i = 0; i < 2; i++) {
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", processor, names[i]);
    FILE *file = fopen(path, "r");
    if (!file) return processor;
    if (fscanf(file, "%ld", &part[i]) != 1) part[i] = processor;
    fclose(file);
  }
  return part[0] << 20 | part[1];
}

int other_processor(void) {
  const int first = first_processor();
  for (int other = next_processor(first); other >= 0; other = next_processor(other))
    if (core_of(other) != core_of(first)) return other;
  return next_processor(first);
}
