// What a locked store costs: on a line that only we use, and on one that another core has read since.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "plain.h"
#include "processors.h"

static _Alignas(128) _Atomic uint64_t entry;
static _Alignas(128) _Atomic int turn;
static _Alignas(128) _Atomic int answer;

static inline void edit(void) { atomic_fetch_xor(&entry, 2); }

// Reads the entry at every turn; ends at a negative one.
static void *read_in_turn(void *processor) {
  pin(*(int *)processor);
  for (int last = 0, now; last >= 0; last = now) {
    while ((now = turn) == last) __builtin_ia32_pause();
    const volatile uint64_t read = entry;
    (void)read;
    answer = now;
  }
  return NULL;
}

static void measure_own(unsigned count) {
  enum { STORES = 16 };
  struct samples samples = samples_make(count);
  for (int i = -WARM_UPS; i < (int)count; i++) {
    const uint64_t start = ticks();
    for (int store = 0; store < STORES; store++) edit();
    const uint64_t taken = ticks() - start;
    if (i >= 0) samples.ticks[i] = taken;
  }
  print_figure("store.locked", samples, empty_pair(), STORES);
}

static void measure_shared(unsigned count, int processor) {
  struct samples samples = samples_make(count);
  pthread_t reader;
  if (pthread_create(&reader, NULL, read_in_turn, &processor)) fail("no thread for processor %d", processor);
  for (int i = -WARM_UPS; i < (int)count; i++) {
    const int now = i + WARM_UPS + 1;
    turn = now;
    while (answer != now) __builtin_ia32_pause();
    const uint64_t start = ticks();
    edit();
    const uint64_t taken = ticks() - start;
    if (i >= 0) samples.ticks[i] = taken;
  }
  turn = -1;
  pthread_join(reader, NULL);
  print_figure("store.locked.shared", samples, empty_pair(), 1);
}

void measure_locked_store(unsigned samples) {
  const int other = other_processor();
  measure_own(samples);
  if (other >= 0)
    measure_shared(samples, other);
  else
    print_omitted("store.locked.shared", "there is one processor only");
}
