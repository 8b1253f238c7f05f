// A guest of one vCPU through /dev/kvm, and what is asked of it.
#ifndef KVM_H
#define KVM_H

#include <linux/kvm.h>
#include <stdint.h>

#include "kvm_guest.h"
#include "report.h"

enum { PAGE = 4096, PAGES = 512 };

// Guest-physical places beside the guest's own memory.
enum place {
  // PAGES pages in which every store counts.
  AREA = 0x10000000,
  // A page that may be read only.
  READ_ONLY = 0x20000000,
  // No memory: a store there is a device's.
  DEVICE = 0x30000000,
  // The same, which the kernel completes by itself: of any length, and of 8 bytes only.
  EVENT_ANY = 0x30001000,
  EVENT_8 = 0x30002000,
};

// Slots of guest memory.
enum slot { SLOT_RAM, SLOT_AREA, SLOT_READ_ONLY };

struct machine {
  int kvm, vm, vcpu;
  struct kvm_run *run;
  uint8_t *ram, *area, *read_only;
  // Counts stores to EVENT_ANY and EVENT_8; -1 where the kernel has no such thing.
  int event_any, event_8;
  // Seconds after which a guest that has not ended is stopped.
  unsigned seconds;
  // Called for every exit to user space but the last; nothing by default.
  void (*on_exit)(const struct kvm_run *run);
};

struct machine *machine_make(unsigned seconds);
// Has the guest do something `count` times, from an address on, with a stride; returns what a hypercall returned.
uint64_t machine_run(struct machine *machine, int what, unsigned count, uint64_t address, uint64_t stride);
// The ticks that the guest has noted of the last run.
const volatile uint64_t *machine_ticks(const struct machine *machine);
// Gives the area to the guest anew, so that no translation to it is left.
void machine_renew_area(struct machine *machine);
// Switches the log of pages written in the area on or off.
void machine_log_area(struct machine *machine, int on);
// Takes the log: a bit for each page, PAGES / 64 words.
void machine_take_log(struct machine *machine, uint64_t *bits);

int is_intel(void);
// Whether kvm_intel logs pages by the processor's own page-modification log.
int has_modification_log(void);

void measure_costs(struct machine *machine, unsigned samples);
void show_events(struct machine *machine);

#endif
