// What happens, step by step, for tests: exits to user space in order, their places, and what is left in memory.
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "kvm.h"

static const char *step;

static void print_exit(const struct kvm_run *run) {
  uint64_t value = 0;
  if (run->exit_reason == KVM_EXIT_IO) {
    print_event(step, "exit io port=0x%x bytes=%u %s", run->io.port, run->io.size, run->io.direction ? "out" : "in");
    return;
  }
  memcpy(&value, run->mmio.data, run->mmio.len <= 8 ? run->mmio.len : 8);
  print_event(
      step, "exit mmio gpa=0x%" PRIx64 " bytes=%u %s value=0x%" PRIx64, (uint64_t)run->mmio.phys_addr, run->mmio.len,
      run->mmio.is_write ? "write" : "read", value);
}

static uint64_t run_once(struct machine *machine, const char *name, int what, uint64_t address) {
  step = name;
  return machine_run(machine, what, 1, address, 0);
}

static uint64_t first_word(const uint8_t *page) {
  uint64_t word;
  memcpy(&word, page, sizeof word);
  return word;
}

static unsigned pages_written(const struct machine *machine) {
  unsigned count = 0;
  for (int page = 0; page < PAGES; page++) count += first_word(machine->area + page * PAGE) == STORED_VALUE;
  return count;
}

static void show_stores(struct machine *machine) {
  uint64_t times = 0;
  run_once(machine, "store.device", DO_STORE, DEVICE + 0x10);
  run_once(machine, "store.read_only", DO_STORE, READ_ONLY + 8);
  print_event("store.read_only", "word=0x%" PRIx64, first_word(machine->read_only + 8));
  if (machine->event_8 >= 0) {
    run_once(machine, "store.ioeventfd", DO_STORE, EVENT_8);
    if (read(machine->event_8, &times, sizeof times) != sizeof times) times = 0;
    print_event("store.ioeventfd", "times=%" PRIu64, times);
  }
  machine_renew_area(machine);
  step = "store.absent";
  machine_run(machine, DO_STORE, PAGES, AREA, PAGE);
  print_event("store.absent", "pages=%u of %u", pages_written(machine), PAGES);
}

static void show_log(struct machine *machine) {
  enum { ONE = 37 };
  uint64_t bits[PAGES / 64];
  machine_log_area(machine, 1);
  machine_take_log(machine, bits);
  step = "log";
  machine_run(machine, DO_STORE, PAGES, AREA, PAGE);
  machine_take_log(machine, bits);
  unsigned count = 0;
  for (int i = 0; i < PAGES / 64; i++) count += (unsigned)__builtin_popcountll(bits[i]);
  print_event("log.all", "pages=%u of %u", count, PAGES);
  run_once(machine, "log", DO_STORE, AREA + ONE * PAGE);
  machine_take_log(machine, bits);
  count = 0;
  for (int page = 0; page < PAGES; page++)
    if (bits[page / 64] >> page % 64 & 1) count++, print_event("log.one", "page=%d", page);
  print_event("log.one", "pages=%u of %u", count, PAGES);
  machine_log_area(machine, 0);
}

void show_events(struct machine *machine) {
  print_fact("user", "%u", getuid());
  print_fact("modification_log", "%s", has_modification_log() ? "yes" : "no");
  machine->on_exit = print_exit;
  print_event("vmcall", "rax=0x%" PRIx64, run_once(machine, "vmcall", DO_VMCALL, 0));
  run_once(machine, "out", DO_OUT, 0);
  show_stores(machine);
  show_log(machine);
  machine->on_exit = NULL;
}
