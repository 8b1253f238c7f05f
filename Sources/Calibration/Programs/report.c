#define _GNU_SOURCE
#include "report.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

void begin(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setvbuf(stdout, NULL, _IOLBF, 0);
}

void finish(void) {
  puts("end");
  fflush(stdout);
}

struct samples samples_make(unsigned count) {
  struct samples samples = {calloc(count, sizeof(uint64_t)), count};
  if (!samples.ticks) fail("no memory for %u samples", count);
  return samples;
}

static int ascending(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

uint64_t empty_pair(void) {
  enum { COUNT = 10000 };
  static uint64_t pairs[COUNT];
  for (int i = -WARM_UPS; i < COUNT; i++) {
    const uint64_t start = ticks(), taken = ticks() - start;
    if (i >= 0) pairs[i] = taken;
  }
  qsort(pairs, COUNT, sizeof *pairs, ascending);
  return pairs[COUNT / 2];
}

static void print_spread(struct samples samples, uint64_t overhead, double per) {
  qsort(samples.ticks, samples.count, sizeof *samples.ticks, ascending);
  const unsigned places[] = {0, samples.count / 2, (unsigned)(samples.count * 0.99)};
  for (int i = 0; i < 3; i++) {
    const uint64_t sample = samples.ticks[places[i]];
    printf(" %.2f", sample > overhead ? (double)(sample - overhead) / per : 0.0);
  }
  printf(" %u\n", samples.count);
}

void print_figure(const char *name, struct samples samples, uint64_t overhead, double per) {
  printf("figure %s", name);
  print_spread(samples, overhead, per);
}

void print_curve(const char *name, unsigned n, struct samples samples, uint64_t overhead) {
  printf("curve %s %u", name, n);
  print_spread(samples, overhead, 1);
}

static void print_line(const char *word, const char *name, const char *format, va_list arguments) {
  printf("%s %s ", word, name);
  vprintf(format, arguments);
  putchar('\n');
}

void print_fact(const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("fact", name, format, arguments);
  va_end(arguments);
}

void print_omitted(const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("omitted", name, format, arguments);
  va_end(arguments);
}

void print_event(const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("event", name, format, arguments);
  va_end(arguments);
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

void fail_system(const char *format, ...) {
  const int reason = errno;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, ": %s\n", strerror(reason));
  exit(1);
}
