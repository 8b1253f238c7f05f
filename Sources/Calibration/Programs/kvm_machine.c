// Builds the guest, runs it under a time limit, and edits its memory.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm.h"

extern const uint8_t guest_start[], guest_end[];

static int control(int descriptor, unsigned long request, const void *argument, const char *what) {
  const int result = ioctl(descriptor, request, argument);
  if (result < 0) fail_system("KVM refuses %s", what);
  return result;
}

static uint8_t *memory(size_t bytes) {
  void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) fail_system("%zu bytes of memory for the guest", bytes);
  // Pages of 4 KiB, so that each has a translation of its own, and all of them there.
  madvise(start, bytes, MADV_NOHUGEPAGE);
  memset(start, 0, bytes);
  for (size_t page = 0; page < bytes; page += PAGE) *(volatile uint8_t *)((uint8_t *)start + page) = 0;
  return start;
}

static void set_slot(
    struct machine *machine, enum slot slot, uint64_t address, uint8_t *start, size_t bytes, unsigned flags) {
  const struct kvm_userspace_memory_region region = {slot, flags, address, bytes, (uintptr_t)start};
  control(machine->vm, KVM_SET_USER_MEMORY_REGION, &region, "guest memory");
}

void machine_renew_area(struct machine *machine) {
  set_slot(machine, SLOT_AREA, AREA, machine->area, 0, 0);
  set_slot(machine, SLOT_AREA, AREA, machine->area, PAGES * PAGE, 0);
}

void machine_log_area(struct machine *machine, int on) {
  set_slot(machine, SLOT_AREA, AREA, machine->area, PAGES * PAGE, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

void machine_take_log(struct machine *machine, uint64_t *bits) {
  const struct kvm_dirty_log log = {.slot = SLOT_AREA, .dirty_bitmap = bits};
  control(machine->vm, KVM_GET_DIRTY_LOG, &log, "the log of pages written");
}

// A counter of stores that the kernel completes by itself; -1 if it cannot.
static int event_at(struct machine *machine, uint64_t address, unsigned length) {
  const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const struct kvm_ioeventfd event = {.addr = address, .len = length, .fd = descriptor};
  if (descriptor >= 0 && ioctl(machine->vm, KVM_IOEVENTFD, &event) == 0) return descriptor;
  close(descriptor);
  return -1;
}

static void give_processor_features(struct machine *machine) {
  enum { MOST = 256 };
  struct kvm_cpuid2 *features = calloc(1, sizeof *features + MOST * sizeof *features->entries);
  if (!features) fail("no memory for the processor's features");
  features->nent = MOST;
  control(machine->kvm, KVM_GET_SUPPORTED_CPUID, features, "the list of processor features");
  control(machine->vcpu, KVM_SET_CPUID2, features, "the processor's features");
  free(features);
}

// 64-bit mode, the first GiB mapped one to one by pages of 2 MiB.
static void start_in_long_mode(struct machine *machine) {
  enum { PRESENT_WRITABLE = 3, LARGE = 0x80, CR4_PAE = 0x20, EFER_LME_LMA = 0x500 };
  const uint64_t cr0 = 0x80050033;  // paging, write protection, protection, no task switches
  uint64_t *const pml4 = (uint64_t *)(machine->ram + GUEST_PML4), *const pdpt = (uint64_t *)(machine->ram + GUEST_PDPT),
                  *const pd = (uint64_t *)(machine->ram + GUEST_PD);
  pml4[0] = GUEST_PDPT | PRESENT_WRITABLE;
  pdpt[0] = GUEST_PD | PRESENT_WRITABLE;
  for (uint64_t i = 0; i < 512; i++) pd[i] = i << 21 | LARGE | PRESENT_WRITABLE;
  struct kvm_sregs registers = {0};
  control(machine->vcpu, KVM_GET_SREGS, &registers, "the vCPU's registers");
  registers.cr3 = GUEST_PML4;
  registers.cr4 = CR4_PAE;
  registers.cr0 = cr0;
  registers.efer = EFER_LME_LMA;
  const struct kvm_segment code = {.limit = ~0u, .selector = 8, .present = 1, .type = 11, .s = 1, .l = 1, .g = 1};
  const struct kvm_segment data = {.limit = ~0u, .selector = 16, .present = 1, .type = 3, .s = 1, .db = 1, .g = 1};
  registers.cs = code;
  registers.ds = registers.es = registers.fs = registers.gs = registers.ss = data;
  control(machine->vcpu, KVM_SET_SREGS, &registers, "64-bit mode");
}

// The vCPU that the timer stops.
static struct kvm_run *running;

// An exit is asked for as well, since the signal may come just before the guest is entered.
static void stop_guest(int signal) {
  (void)signal;
  if (running) running->immediate_exit = 1;
}

struct machine *machine_make(unsigned seconds) {
  static struct machine machine;
  machine.seconds = seconds;
  machine.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (machine.kvm < 0) fail_system("/dev/kvm cannot be opened");
  machine.vm = control(machine.kvm, KVM_CREATE_VM, NULL, "a virtual machine");
  // Three pages that real mode needs on Intel, below the firmware's place.
  control(machine.vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000, "a place for the task state");
  machine.ram = memory(GUEST_RAM_BYTES);
  machine.area = memory(PAGES * PAGE);
  machine.read_only = memory(PAGE);
  set_slot(&machine, SLOT_RAM, 0, machine.ram, GUEST_RAM_BYTES, 0);
  set_slot(&machine, SLOT_AREA, AREA, machine.area, PAGES * PAGE, 0);
  set_slot(&machine, SLOT_READ_ONLY, READ_ONLY, machine.read_only, PAGE, KVM_MEM_READONLY);
  machine.event_any = event_at(&machine, EVENT_ANY, 0);
  machine.event_8 = event_at(&machine, EVENT_8, 8);
  machine.vcpu = control(machine.vm, KVM_CREATE_VCPU, NULL, "a vCPU");
  const int bytes = control(machine.kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "the size of a vCPU");
  machine.run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, machine.vcpu, 0);
  if (machine.run == MAP_FAILED) fail_system("the vCPU cannot be mapped");
  give_processor_features(&machine);
  start_in_long_mode(&machine);
  memcpy(machine.ram + GUEST_CODE, guest_start, (size_t)(guest_end - guest_start));
  running = machine.run;
  const struct sigaction action = {.sa_handler = stop_guest};
  sigaction(SIGALRM, &action, NULL);
  return &machine;
}

uint64_t machine_run(struct machine *machine, int what, unsigned count, uint64_t address, uint64_t stride) {
  struct kvm_regs registers = {
      .rip = GUEST_CODE,
      .rsp = GUEST_STACK_TOP,
      .rflags = 2,
      .rdi = (uint64_t)what,
      .rsi = count,
      .r8 = address,
      .r9 = stride};
  control(machine->vcpu, KVM_SET_REGS, &registers, "the guest's registers");
  struct kvm_run *const run = machine->run;
  alarm(machine->seconds);
  for (;;) {
    if (ioctl(machine->vcpu, KVM_RUN, NULL) < 0) {
      if (errno != EINTR) fail_system("KVM refuses to run the guest");
      if (run->immediate_exit) fail("the guest has not ended within %u s", machine->seconds);
      continue;
    }
    if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_DONE) break;
    if (run->exit_reason != KVM_EXIT_IO && run->exit_reason != KVM_EXIT_MMIO)
      fail("the guest ended with exit reason %u of KVM, expected port or device", run->exit_reason);
    if (machine->on_exit) machine->on_exit(run);
  }
  alarm(0);
  control(machine->vcpu, KVM_GET_REGS, &registers, "the guest's registers");
  return registers.r15;
}

const volatile uint64_t *machine_ticks(const struct machine *machine) {
  return (const volatile uint64_t *)(machine->ram + GUEST_SAMPLES);
}
