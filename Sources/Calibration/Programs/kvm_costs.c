// What exits cost: each operation is timed by the guest itself.
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "kvm.h"

int is_intel(void) {
  uint32_t leaf = 0, name[4] = {0};
  __get_cpuid(0, &leaf, &name[0], &name[2], &name[1]);
  return !strcmp((const char *)name, "GenuineIntel");
}

int has_modification_log(void) {
  FILE *file = fopen("/sys/module/kvm_intel/parameters/pml", "r");
  const int answer = file ? fgetc(file) : 'N';
  if (file) fclose(file);
  return answer == 'Y' || answer == '1';
}

// The median of two readings of the clock by the guest, with nothing between.
static uint64_t overhead;

// So many samples of one operation at one place.
static struct samples sample(struct machine *machine, int what, unsigned count, uint64_t address) {
  struct samples samples = samples_make(count);
  machine_run(machine, what, WARM_UPS, address, 0);
  for (unsigned taken = 0, now; taken < count; taken += now) {
    now = count - taken < GUEST_MOST_SAMPLES ? count - taken : GUEST_MOST_SAMPLES;
    machine_run(machine, what, now, address, 0);
    for (unsigned i = 0; i < now; i++) samples.ticks[taken + i] = machine_ticks(machine)[i];
  }
  return samples;
}

// At least so many samples of a store to each page of the area, each round after something that `prepare` does.
static struct samples sample_area(struct machine *machine, unsigned count, void (*prepare)(struct machine *)) {
  const unsigned rounds = (count + PAGES - 1) / PAGES;
  struct samples samples = samples_make(rounds * PAGES);
  for (int round = -1; round < (int)rounds; round++) {
    if (prepare) prepare(machine);
    machine_run(machine, DO_STORE, PAGES, AREA, PAGE);
    for (unsigned i = 0; i < PAGES && round >= 0; i++)
      samples.ticks[(unsigned)round * PAGES + i] = machine_ticks(machine)[i];
  }
  return samples;
}

static struct samples drains;
static unsigned drains_taken;

// Takes the log, and how long that took.
static void drain(struct machine *machine) {
  uint64_t bits[PAGES / 64];
  const uint64_t start = ticks();
  machine_take_log(machine, bits);
  if (drains_taken < drains.count) drains.ticks[drains_taken++] = ticks() - start;
}

// The log is full each time it is taken: the first time here, then after each round of stores.
static void measure_log(struct machine *machine, unsigned count) {
  machine_log_area(machine, 1);
  machine_run(machine, DO_STORE, PAGES, AREA, PAGE);
  drains = samples_make((count + PAGES - 1) / PAGES + 1);
  const struct samples stores = sample_area(machine, count, drain);
  machine_log_area(machine, 0);
  if (has_modification_log()) {
    print_figure("store.logged", stores, overhead, 1);
  } else {
    print_omitted(
        "store.logged", "KVM logs by write protection here, not by the processor's log (kvm_intel.pml is off)");
    print_figure("store.write_protected", stores, overhead, 1);
  }
  print_figure("log.drain", drains, empty_pair(), PAGES);
}

static void measure_emulation(struct machine *machine, unsigned count) {
  if (!is_intel()) {
    print_omitted(
        "store.ioeventfd", "only on Intel does KVM complete one kind of store to a device without emulating it");
  } else if (machine->event_any < 0 || machine->event_8 < 0) {
    print_omitted("store.ioeventfd", "this kernel has no ioeventfd of any length");
  } else {
    print_figure("store.ioeventfd.any", sample(machine, DO_STORE, count, EVENT_ANY), overhead, 1);
    print_figure("store.ioeventfd", sample(machine, DO_STORE, count, EVENT_8), overhead, 1);
  }
}

void measure_costs(struct machine *machine, unsigned count) {
  const struct samples nothing = sample(machine, DO_NOTHING, count, 0);
  print_figure("nothing", nothing, 0, 1);
  overhead = nothing.ticks[count / 2];  // in order now
  print_figure("vmcall", sample(machine, DO_VMCALL, count, 0), overhead, 1);
  print_figure("out.user", sample(machine, DO_OUT, count, 0), overhead, 1);
  measure_emulation(machine, count);
  print_figure("store.present", sample_area(machine, count, NULL), overhead, 1);
  print_figure("store.absent", sample_area(machine, count, machine_renew_area), overhead, 1);
  measure_log(machine, count);
}
