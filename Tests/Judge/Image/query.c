#include "query.h"

#include "area.h"
#include "console.h"
#include "fields.h"
#include "layout.h"
#include "machine.h"
#include "memory.h"
#include "vmx.h"

uint64_t query_count;

enum { VECTOR_UNDEFINED = 6, VECTOR_PROTECTION = 13, VECTOR_PAGE_FAULT = 14, VECTOR_VIRTUALIZATION = 20 };
// What a write stores in each byte.
enum { STORED = 0xA5 };

// What every access and VMFUNC ends in.
static void put_effects(void) {
  put(" |W");
  memory_report_changes();
  machine.pml_index = vm_read(PML_INDEX) & 0xffff;
  put_field(" |pml=", machine.pml_index);
  put_char('\n');
}

static void put_addresses(void) {
  put_field(" gpa=", vm_read(GUEST_PHYSICAL_ADDRESS));
  put_field(" gla=", vm_read(GUEST_LINEAR_ADDRESS));
}

static void put_exception(uint64_t qualification) {
  uint64_t vector = vm_read(EXIT_EVENT) & 255;
  switch (vector) {
  case VECTOR_VIRTUALIZATION: put("VE"); break;
  case VECTOR_UNDEFINED: put("UD"); break;
  case VECTOR_PAGE_FAULT:
    put_field("PF ec=", vm_read(EXIT_EVENT_CODE));
    put_field(" la=", qualification);
    break;
  default: put_field("EXCEPTION ", vector);
  }
}

// Every exit but the one that says that the access was made.
static void put_exit(void) {
  uint64_t reason = vm_read(EXIT_REASON), qualification = vm_read(EXIT_QUALIFICATION);
  if (reason >> 31) {
    put_field("ENTRY FAILED ", reason & 0xffff);
    return;
  }
  switch (reason & 0xffff) {
  case EXIT_EXCEPTION: put_exception(qualification); break;
  case EXIT_EPT_VIOLATION:
    put_field("VIOL qual=", qualification);
    put_addresses();
    break;
  case EXIT_EPT_MISCONFIGURATION: put_field("MISC gpa=", vm_read(GUEST_PHYSICAL_ADDRESS)); break;
  case EXIT_SPP:
    put_field("SPP qual=", qualification);
    put_addresses();
    break;
  case EXIT_LOG_FULL: put("PMLFULL"); break;
  case EXIT_VMFUNC: put("VMFUNCEXIT"); break;
  case EXIT_PREEMPTION_TIMER: put("HUNG"); break;
  default:
    put_field("EXIT ", reason & 0xffff);
    put_field(" qual=", qualification);
  }
}

// The piece of guest code that makes an access.
static const uint8_t *piece_of(const struct access *access) {
  switch (access->kind) {
  case READ: return access->size == 1 ? access_read1 : access_read8;
  case WRITE: return access->size == 1 ? access_write1 : access_write8;
  case UPDATE: return access->size == 1 ? access_update1 : access_update8;
  default: return access_fetch;
  }
}

// Where the guest reads, after the access, the word that tells the page: a word of the same kind that a write has left alone.
static uint64_t witness_of(const struct access *access) {
  uint64_t word = access->linear & ~7UL;
  if (access->kind != WRITE || access->is_walk) return word;
  return (word & 0xfff) == 0xff8 ? word - 16 : word ^ 16;
}

// Whether the guest left because its access was made.
static int was_made(const struct access *access) {
  uint64_t reason = vm_read(EXIT_REASON);
  if (access->kind != FETCH) return reason == EXIT_VMCALL;
  // The word fetched ends in HLT, an exit at privilege 0 and #GP above.
  if (reason == EXIT_HLT) return 1;
  return reason == EXIT_EXCEPTION && (vm_read(EXIT_EVENT) & 255) == VECTOR_PROTECTION && access->user &&
         vm_read(GUEST_RIP) >= access->linear && vm_read(GUEST_RIP) < access->linear + 16;
}

// The host-physical address of the first byte accessed, by what the guest has read or executed; ~0 if it was no word of a pattern page.
static uint64_t seen_address(const struct access *access, uint64_t witness, uint64_t rcx) {
  uint64_t offset = access->linear & 0xfff, address;
  if (access->kind == FETCH && offset > 0xff8) {
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

// Looks for what a write has stored, and puts the words back; whether every byte was stored.
static int restore(uint64_t address, int size) {
  int is_stored = 1;
  for (int i = 0; i < size; i++) {
    uint8_t *byte = (uint8_t *)(address + i);
    is_stored &= *byte == STORED;
    *byte = pattern_word((address + i) & ~7UL) >> 8 * ((address + i) & 7);
  }
  return is_stored;
}

static void put_made(const struct access *access, uint64_t witness, uint64_t rcx) {
  uint64_t address = seen_address(access, witness, rcx);
  if (address == ~0UL) {
    put_field("OK hpa=unseen read=", rcx);
    return;
  }
  int crosses = (address & 0xfff) + access->size > 4096;
  if (access->kind == WRITE && !crosses && !restore(address, access->size)) {
    put_field("OK but nothing stored hpa=", address);
    return;
  }
  put_field("OK hpa=", address);
}

void query_access(const struct access *access) {
  query_count++;
  if (!area_graft(machine.eptp)) {
    put_field("ERR no EPT root in script memory: ", machine.eptp);
    put_char('\n');
    return;
  }
  vmx_set_controls();
  vmx_set_guest(area_code(access->user ? guest_user : guest_kernel, access->user), access->user);
  invept(2, 0);
  uint64_t witness = witness_of(access);
  struct registers registers = {
      .rax = access->linear, .rbx = access->cr3, .rdx = witness, .rsi = STORED * 0x0101010101010101UL,
      .rdi = piece_of(access) - guest_begin, .r8 = access->user ? USER_CODE : KERNEL_CODE};
  if (vmx_run(&registers)) put_field("VMFAIL ", vm_read(INSTRUCTION_ERROR));
  else if (was_made(access)) put_made(access, witness, registers.rcx);
  else put_exit();
  put_effects();
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
    put_field("OK eptp=", machine.eptp);
    put_field(" idx=", machine.eptp_index);
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
