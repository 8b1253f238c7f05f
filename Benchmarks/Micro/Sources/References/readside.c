#include "ReadSide.h"

#include <pthread.h>
#include <stdatomic.h>

// One word that a writer may replace, and what a reader does around reading it, in the schemes that were tried.
static _Atomic(uint64_t *) published;
static uint64_t value = 1;
static _Alignas(128) _Atomic uint64_t epoch = 1;
static _Alignas(128) _Atomic uint64_t state;
static _Alignas(128) _Atomic(uint64_t *) hazard;
static _Alignas(128) _Atomic uint64_t references;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

#define LOOP(name, before, after)                                                       \
  uint64_t read_side_##name(size_t count) {                                             \
    atomic_store(&published, &value);                                                   \
    uint64_t sum = 0;                                                                   \
    for (size_t i = 0; i < count; i++) {                                                \
      before;                                                                           \
      sum += *(volatile uint64_t *)atomic_load_explicit(&published, memory_order_acquire); \
      after;                                                                            \
    }                                                                                   \
    return sum;                                                                         \
  }

LOOP(raw, , )
// Quiescent states: after each read, one load of the epoch and one store to the reader's own line.
LOOP(quiescent, , atomic_store_explicit(&state, atomic_load_explicit(&epoch, memory_order_acquire), memory_order_release))
// Epochs: announce the epoch before the read, with a full fence, and leave it after.
LOOP(epoch, (void)atomic_exchange(&state, atomic_load_explicit(&epoch, memory_order_acquire)),
     atomic_store_explicit(&state, 0, memory_order_release))
// Hazard pointers: announce the pointer, with a full fence, and look again.
LOOP(hazard,
     uint64_t * seen;
     do {
       seen = atomic_load_explicit(&published, memory_order_acquire);
       (void)atomic_exchange(&hazard, seen);
     } while (seen != atomic_load_explicit(&published, memory_order_acquire)),
     atomic_store_explicit(&hazard, NULL, memory_order_release))
// Reference counting of the snapshot.
LOOP(counted, atomic_fetch_add(&references, 1), atomic_fetch_sub(&references, 1))
LOOP(rwlock, pthread_rwlock_rdlock(&lock), pthread_rwlock_unlock(&lock))
LOOP(mutex, pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex))
