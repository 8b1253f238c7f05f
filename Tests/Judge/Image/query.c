#include "query.h"

#include "answer.h"
#include "area.h"
#include "console.h"
#include "fields.h"
#include "layout.h"
#include "machine.h"
#include "memory.h"
#include "vmx.h"

uint64_t query_count;

enum { VECTOR_PROTECTION = 13 };

// Whether an access lies in two pages.
static int crosses(const struct access *access) { return (access->linear & 0xfff) + access->size > 4096; }

static int is_write(const struct access *access) { return access->kind == WRITE || access->kind == SHADOW_WRITE; }

// Whether the guest makes the access at privilege 3; WRUSS makes its own at 0.
static int runs_as_user(const struct access *access) { return access->user && access->kind != SHADOW_WRITE; }

// The piece of guest code that makes an access.
static const uint8_t *piece_of(const struct access *access) {
  if (machine.is_unpaged) {
    return access->kind == READ ? unpaged_read : access->kind == WRITE ? unpaged_write : access->kind == UPDATE ? unpaged_update
                                                                                                    : unpaged_fetch;
  }
  switch (access->kind) {
  case READ: return access->size == 1 ? access_read1 : access_read8;
  case WRITE: return access->size == 1 ? access_write1 : crosses(access) ? access_crossing : access_write8;
  case UPDATE: return access->size == 1 ? access_update1 : access_update8;
  case SHADOW_READ: return access_shadow_read;
  case SHADOW_WRITE: return access->user ? access_user_shadow_write : access_shadow_write;
  default: return access_fetch;
  }
}

// Where the guest reads, after the access, the word that tells the page: a word of the same kind that a write has left alone.
static uint64_t witness_of(const struct access *access) {
  uint64_t word = access->linear & ~7UL;
  if (!is_write(access) || access->is_walk) return word;
  return (word & 0xfff) == 0xff8 ? word - 16 : word ^ 16;
}

static int is_protection_fault(void) {
  return vm_read(EXIT_REASON) == EXIT_EXCEPTION && (vm_read(EXIT_EVENT) & 255) == VECTOR_PROTECTION;
}

// Whether the guest left because its access was made.
static int was_made(const struct access *access) {
  uint64_t reason = vm_read(EXIT_REASON);
  // No word of a pattern page is a gate, which is #GP once it has been read.
  if (machine.in_event) return is_protection_fault();
  if (access->kind != FETCH) return reason == EXIT_VMCALL;
  // The word fetched ends in HLT, an exit at privilege 0 and #GP above.
  if (reason == EXIT_HLT) return 1;
  return is_protection_fault() && access->user && vm_read(GUEST_RIP) - access->linear < 16;
}

// The host-physical address of the first byte accessed, by what the guest has read or executed; ~0 if it was no word of a pattern page.
static uint64_t seen_address(const struct access *access, uint64_t witness, uint64_t rcx) {
  uint64_t offset = access->linear & 0xfff, address;
  if (access->kind == FETCH && crosses(access)) {
    // 48H B9H, three bytes of page number, and of the next page B9H and four bytes of its address.
    address = (rcx & 0xffffff) << 12;
    if (address < PATTERN || address >= PATTERN_END) return ~0UL;
    return address | offset;
  }
  if (access->kind == FETCH) {
    address = rcx & 0xffffffff;
    return address >= PATTERN && address < PATTERN_END && (address & 0xff8) == (offset & 0xff8) ? address | (offset & 7) : ~0UL;
  }
  address = pattern_address(rcx, witness & 0xfff);
  if (access->is_walk) offset = access->walk_offset;
  return address == ~0UL ? address : (address & ~0xfffUL) | offset;
}

int query_restore(uint64_t address, int size) {
  int is_stored = 1;
  for (int i = 0; i < size; i++) {
    uint8_t *byte = (uint8_t *)(address + i);
    is_stored &= *byte == STORED;
    *byte = pattern_word((address + i) & ~7UL) >> 8 * ((address + i) & 7);
  }
  return is_stored;
}

// A word of the second page of a write that crosses.
static uint64_t second_witness_of(const struct access *access) { return (access->linear & ~0xfffUL) + 0x1010; }

// Puts back what a write has changed, in both pages if it crosses; whether every byte was stored.
static int take_back(const struct access *access, uint64_t address, uint64_t second) {
  if (!is_write(access)) return 1;
  if (!crosses(access)) return query_restore(address, access->size);
  uint64_t page = pattern_address(second, second_witness_of(access) & 0xfff);
  int first_size = 4096 - (access->linear & 0xfff);
  if (page == ~0UL) return 0;
  return query_restore(address, first_size) & query_restore(page & ~0xfffUL, access->size - first_size);
}

static void put_made(const struct access *access, uint64_t witness, const struct registers *registers) {
  uint64_t address = seen_address(access, witness, registers->rcx);
  if (machine.in_event) put("OK hpa=unseen");
  else if (address == ~0UL) put_field("OK hpa=unseen read=", registers->rcx);
  else if (!take_back(access, address, registers->r9)) put_field("OK but not stored hpa=", address);
  else put_field("OK hpa=", address);
}

void query_access(const struct access *access) {
  query_count++;
  if (!area_graft(machine.eptp)) {
    put_field("ERR no EPT root in script memory: ", machine.eptp);
    put_char('\n');
    return;
  }
  vmx_set_controls();
  machine.cet = access->kind == SHADOW_READ || access->kind == SHADOW_WRITE;
  machine.shadow_stack = machine.cet ? access->linear : 0;
  int user = runs_as_user(access);
  uint64_t rip = area_code(user ? guest_user : guest_kernel, user);
  if (machine.is_unpaged) rip = LOW_AREA + KERNEL_CODE_PAGE + (piece_of(access) - guest_begin);
  vmx_set_guest(rip, user);
  if (machine.in_event) vmx_deliver(access->linear, access->cr3);
  invept(2, 0);
  uint64_t witness = witness_of(access);
  struct registers registers = {
      .rax = access->linear, .rbx = access->cr3, .rdx = witness, .rsi = STORED * 0x0101010101010101UL,
      .rdi = piece_of(access) - guest_begin, .r8 = user ? USER_CODE : KERNEL_CODE, .r9 = second_witness_of(access)};
  int failed = vmx_run(&registers);
  if (machine.is_unpaged && access->kind != FETCH) registers.rcx = (registers.rcx & 0xffffffff) | registers.rbx << 32;
  if (failed) put_field("VMFAIL ", vm_read(INSTRUCTION_ERROR));
  else if (was_made(access)) put_made(access, witness, &registers);
  else put_exit();
  put_effects();
  machine.cet = machine.shadow_stack = 0;
}

void query_pdptes(uint64_t gpa) {
  query_count++;
  area_graft(machine.eptp);
  int was_unpaged = machine.is_unpaged;
  machine.is_pae = 1;
  machine.is_unpaged = 0;
  vmx_set_controls();
  vmx_set_guest(LOW_AREA + KERNEL_CODE_PAGE + (pae_load - guest_begin), 0);
  invept(2, 0);
  struct registers registers = {.rax = gpa};
  if (vmx_run(&registers)) put_field("VMFAIL ", vm_read(INSTRUCTION_ERROR));
  // No four words of a pattern page are PDPTEs, which is #GP once they have been read.
  else if (vm_read(EXIT_REASON) == EXIT_VMCALL || is_protection_fault()) put("OK hpa=unseen");
  else put_exit();
  put_effects();
  machine.is_pae = 0;
  machine.is_unpaged = was_unpaged;
}

void query_vmfunc(uint64_t eax, uint64_t ecx, int user) {
  query_count++;
  area_graft(machine.eptp);
  area_graft_list(machine.list);
  vmx_set_controls();
  vmx_set_guest(area_code(user ? guest_user : guest_kernel, user), user);
  invept(2, 0);
  struct registers registers = {
      .rax = eax, .rbx = AREA_GPA + OWN_PML4, .rsi = ecx, .rdi = access_vmfunc - guest_begin, .r8 = user ? USER_CODE : KERNEL_CODE};
  if (vmx_run(&registers)) {
    put_field("VMFAIL ", vm_read(INSTRUCTION_ERROR));
  } else if (vm_read(EXIT_REASON) == EXIT_VMCALL) {
    machine.eptp = vm_read(EPTP);
    machine.eptp_index = vm_read(EPTP_INDEX);
    put_switched(machine.eptp, machine.eptp_index);
  } else {
    put_exit();
  }
  put_effects();
}

void query_pointer(uint64_t eptp) {
  query_count++;
  uint64_t old = machine.eptp;
  machine.eptp = eptp;
  vmx_set_controls();
  put(vmx_accepts_controls() ? "1\n" : "0\n");
  machine.eptp = old;
}

static void put_invalidation(int failed) {
  query_count++;
  if (failed) {
    put("FAIL ");
    put_decimal(vm_read(INSTRUCTION_ERROR));
    put_char('\n');
  } else {
    put("OK\n");
  }
}

void query_invept(uint64_t type, uint64_t eptp) { put_invalidation(invept(type, eptp)); }
void query_invvpid(uint64_t type, uint64_t vpid, uint64_t linear) { put_invalidation(invvpid(type, vpid, linear)); }
