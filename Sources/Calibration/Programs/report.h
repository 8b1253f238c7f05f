// Samples and the lines that programs print: one figure, fact, event or omission a line, read by gi-bench.
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

enum { WARM_UPS = 64 };

// Time-stamp counter ticks of the nominal clock; loads before are done, and nothing after has begun.
static inline uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
  return low | (uint64_t)high << 32;
}

// Samples of one figure, each in ticks for `per` times the same.
struct samples {
  uint64_t *ticks;
  unsigned count;
};

struct samples samples_make(unsigned count);
// The ticks of two readings with nothing between, the median of many: what every sample holds too much.
uint64_t empty_pair(void);

// Prints `figure NAME LOW VALUE HIGH SAMPLES`: least, median and 99th percentile, in ticks for one of `per`, after
// taking `overhead` ticks off every sample.
void print_figure(const char *name, struct samples samples, uint64_t overhead, double per);
// Prints `curve NAME N LOW VALUE HIGH SAMPLES`: the same at a place of a curve.
void print_curve(const char *name, unsigned n, struct samples samples, uint64_t overhead);
// Prints `fact NAME TEXT`.
__attribute__((format(printf, 2, 3))) void print_fact(const char *name, const char *format, ...);
// Prints `omitted NAME REASON`: a figure that cannot be taken here.
__attribute__((format(printf, 2, 3))) void print_omitted(const char *name, const char *format, ...);
// Prints `event NAME TEXT`: something that happened, for tests.
__attribute__((format(printf, 2, 3))) void print_event(const char *name, const char *format, ...);

// Says on the standard error what is wrong, and ends the program with status 1.
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...);
// Does so with the reason that the operating system gives.
__attribute__((format(printf, 1, 2), noreturn)) void fail_system(const char *format, ...);

// The first lines of every program: dies with its parent, and writes whole lines.
void begin(void);
// The last line, without which an output is not whole.
void finish(void);

#endif
