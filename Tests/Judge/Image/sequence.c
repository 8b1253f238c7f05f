#include "sequence.h"

#include "answer.h"
#include "area.h"
#include "console.h"
#include "fields.h"
#include "layout.h"
#include "machine.h"
#include "memory.h"
#include "vmx.h"

// As guest.S reads it.
struct step {
  uint64_t code, linear, witness, value, result, touched, kind, unused;
};

enum step_kind { STEP_READ, STEP_WRITE, STEP_STORE, STEP_SWITCH, STEP_CR3 };
enum { STEPS = 4096 / sizeof(struct step) - 1 };

static uint64_t count, cr3;

static struct step *step_at(uint64_t number) { return (struct step *)(AREA + PROGRAM_PAGE) + number; }

static struct step *add(enum step_kind kind, const uint8_t *piece) {
  if (count == STEPS) give_up("a sequence has too many steps");
  struct step *step = step_at(count++);
  *step = (struct step){.code = piece - guest_begin, .kind = kind, .touched = PROGRAM};
  step_at(count)->code = 0;
  return step;
}

void sequence_begin(uint64_t value) { cr3 = value; }

void sequence_access(const struct access *access) {
  int is_write = access->kind == WRITE;
  struct step *step = add(is_write ? STEP_WRITE : STEP_READ, is_write ? step_write : step_read);
  step->linear = access->linear;
  // Scripts read the first half of a page and write the second, so no word of the first half has been overwritten.
  step->witness = access->linear & (is_write ? ~0xC07UL : ~7UL);
  step->value = STORED;
}

void sequence_store(uint64_t address, uint64_t value) {
  struct step *step = add(STEP_STORE, step_store);
  step->linear = step->touched = WINDOW_LINEAR + address;
  step->value = value;
}

void sequence_switch(uint64_t index) { add(STEP_SWITCH, step_switch)->value = index; }
void sequence_cr3(uint64_t value) { add(STEP_CR3, step_cr3)->value = value; }

static int is_answered(const struct step *step) { return step->kind != STEP_STORE && step->kind != STEP_CR3; }

static void put_made(const struct step *step) {
  if (step->kind == STEP_SWITCH) {
    put_switched(memory_read(machine.list + 8 * step->value), step->value);
    return;
  }
  uint64_t address = pattern_address(step->result, step->witness & 0xfff);
  if (address == ~0UL) {
    put_field("OK hpa=unseen read=", step->result);
    return;
  }
  address = (address & ~0xfffUL) | (step->linear & 0xfff);
  if (step->kind == STEP_WRITE && !query_restore(address, 1)) put("OK but not stored");
  else put_field("OK hpa=", address);
}

// What the guest has done without being seen.
static void note(const struct step *step) {
  if (step->kind == STEP_STORE) memory_expect(step->linear - WINDOW_LINEAR, step->value);
  if (step->kind == STEP_CR3) cr3 = step->value;
}

// Runs the program from a step on, until it ends or a step leaves the guest; the number of that step.
static uint64_t run_from(uint64_t first) {
  vmx_set_controls();
  vmx_set_guest(area_code(guest_program, 0), 0);
  struct registers registers = {.rbx = cr3, .r8 = KERNEL_CODE, .r9 = PROGRAM + first * sizeof(struct step)};
  if (vmx_run(&registers)) give_up("VM entry of a sequence fails");
  machine.eptp = vm_read(EPTP);
  machine.eptp_index = vm_read(EPTP_INDEX);
  return (registers.r9 - PROGRAM) / sizeof(struct step);
}

void sequence_run(void) {
  uint64_t next = 0;
  area_graft(machine.eptp);
  area_graft_list(machine.list);
  while (next < count) {
    uint64_t stopped = run_from(next);
    if (stopped > count || stopped < next) give_up("a sequence went astray");
    uint64_t last = count;   // the last answer at which memory can be looked at
    for (uint64_t i = next; i < stopped; i++) {
      note(step_at(i));
      if (is_answered(step_at(i))) last = i;
    }
    for (uint64_t i = next; i < stopped; i++) {
      if (!is_answered(step_at(i))) continue;
      query_count++;
      put_made(step_at(i));
      if (i == last && stopped == count) put_effects();
      else put_no_effects();
    }
    next = stopped;
    if (stopped == count) break;
    if (!is_answered(step_at(next))) {
      put_exit();
      put("\n");
      give_up("the guest left at a step that accesses nothing under test");
    }
    query_count++;
    put_exit();
    put_effects();
    next++;
  }
  count = 0;
}
