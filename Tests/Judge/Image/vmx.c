#include "vmx.h"

#include "console.h"
#include "fields.h"
#include "layout.h"
#include "machine.h"

extern uint8_t gdt[], tss[];
extern uint64_t host_idt[];
extern void guest_left(void);
extern int run_guest(struct registers *, int is_launched);

struct machine machine = {.vmfunc = 1, .vmfctl = 1, .eptp = 0x1e, .pml_index = 0x1ff, .wp = 1, .nxe = 1};

static uint8_t vmxon_region[4096] __attribute__((aligned(4096))), vmcs[4096] __attribute__((aligned(4096)));
static int is_launched;

// A control word: what is wanted, what must be 1, and nothing that must be 0.
static uint64_t adjusted(uint32_t msr, uint64_t wanted) {
  uint64_t limits = read_msr(msr);
  return (wanted | (uint32_t)limits) & limits >> 32;
}

int vmx_offers(int control) { return read_msr(MSR_SECONDARY) >> 32 >> control & 1; }

int vmx_has_shadow_stacks(void) { return (read_msr(MSR_TRUE_ENTRY) >> 32 & ENTRY_LOAD_CET) != 0; }

static void enter_vmx_operation(void) {
  uint32_t a = 1, b, c, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  if (!(c >> 5 & 1)) give_up("no VMX");
  uint64_t feature = read_msr(MSR_FEATURE_CONTROL);
  if (!(feature & 1)) write_msr(MSR_FEATURE_CONTROL, feature | 5);
  if ((read_msr(MSR_FEATURE_CONTROL) & 5) != 5) give_up("VMX is locked off");
  uint64_t cr0 = (READ_CONTROL_REGISTER(0) | read_msr(MSR_CR0_FIXED0)) & read_msr(MSR_CR0_FIXED1);
  uint64_t cr4 = (READ_CONTROL_REGISTER(4) | CR4_VMXE | read_msr(MSR_CR4_FIXED0)) & read_msr(MSR_CR4_FIXED1);
  asm volatile("mov %0, %%cr0" ::"r"(cr0));
  asm volatile("mov %0, %%cr4" ::"r"(cr4));
  *(uint32_t *)vmxon_region = *(uint32_t *)vmcs = read_msr(MSR_VMX_BASIC) & 0x7fffffff;
  uint64_t address = (uint64_t)vmxon_region;
  uint8_t failed;
  asm volatile("vmxon %1; setna %0" : "=q"(failed) : "m"(address) : "cc", "memory");
  if (failed) give_up("VMXON failed");
  address = (uint64_t)vmcs;
  asm volatile("vmclear %0" ::"m"(address) : "cc", "memory");
  asm volatile("vmptrld %1; setna %0" : "=q"(failed) : "m"(address) : "cc", "memory");
  if (failed) give_up("VMPTRLD failed");
}

static void set_host(void) {
  vm_write(HOST_CR0, READ_CONTROL_REGISTER(0));
  vm_write(HOST_CR3, READ_CONTROL_REGISTER(3));
  vm_write(HOST_CR4, READ_CONTROL_REGISTER(4));
  vm_write(HOST_EFER, read_msr(MSR_EFER));
  for (int segment = 0; segment < 6; segment++) vm_write(HOST_ES + 2 * segment, segment == 1 ? 8 : 16);
  vm_write(HOST_TR, 24);
  vm_write(HOST_TR_BASE, (uint64_t)tss);
  vm_write(HOST_GDTR_BASE, (uint64_t)gdt);
  vm_write(HOST_IDTR_BASE, (uint64_t)host_idt);
  vm_write(HOST_RIP, (uint64_t)guest_left);
}

static void set_constant_controls(void) {
  vm_write(PIN_CONTROLS, adjusted(MSR_TRUE_PIN, PIN_PREEMPTION_TIMER));
  vm_write(PRIMARY_CONTROLS, adjusted(MSR_TRUE_PRIMARY, PRIMARY_SECONDARY | PRIMARY_HLT_EXITING));
  vm_write(EXIT_CONTROLS, adjusted(MSR_TRUE_EXIT, EXIT_HOST_64 | EXIT_SAVE_EFER | EXIT_LOAD_EFER));
  // Every exception of the guest is an exit, so the guest needs neither IDT nor stack.
  vm_write(EXCEPTION_BITMAP, ~0u);
  vm_write(LINK_POINTER, ~0UL);
}

void vmx_start(void) {
  enter_vmx_operation();
  set_constant_controls();
  set_host();
  // SYSCALL and SYSRET change the guest's privilege without touching memory.
  write_msr(MSR_STAR, 8UL << 32 | 0x18UL << 48);
  write_msr(MSR_FMASK, 0);
  if (vmx_has_shadow_stacks()) write_msr(MSR_U_CET, CET_SHADOW_STACK);
}

void vmx_report_capabilities(void) {
  uint64_t offers = read_msr(MSR_EPT_VPID_CAP);
  uint32_t a = 0x80000008, b, c, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  static const struct { const char *name; int bit; } bits[] = {
      {" xonly=", 0}, {" x1g=", 17}, {" x2m=", 16}, {" uc=", 8}, {" wb=", 14}, {" ad=", 21}, {" adv=", 22}, {" cet=", 23}};
  put("# cap maxpa=");
  put_decimal(a & 255);
  for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) put_field(bits[i].name, offers >> bits[i].bit & 1);
  put_field(" ve=", vmx_offers(18));
  put_field(" vmfctl=", vmx_offers(13) ? read_msr(MSR_VMFUNC) : 0);
  put_field(" spp=", vmx_offers(23));
  put_field(" mbec=", vmx_offers(22));
  put_char('\n');
}

void vmx_set_controls(void) {
  uint64_t secondary = SECONDARY_EPT;
  if (machine.vpid) secondary |= SECONDARY_VPID;
  if (machine.vmfunc) secondary |= SECONDARY_VMFUNC;
  if (machine.pml) secondary |= SECONDARY_PML;
  if (machine.ve) secondary |= SECONDARY_VE;
  if (machine.spp) secondary |= SECONDARY_SPP;
  if (machine.is_unpaged) secondary |= SECONDARY_UNRESTRICTED;
  vm_write(SECONDARY_CONTROLS, adjusted(MSR_SECONDARY, secondary));
  vm_write(EPTP, machine.eptp);
  vm_write(VPID, machine.vpid);
  vm_write(VMFUNC_CONTROLS, machine.vmfctl);
  vm_write(EPTP_LIST, machine.list);
  vm_write(PML_ADDRESS, machine.pml_address);
  vm_write(PML_INDEX, machine.pml_index);
  vm_write(VE_INFORMATION, machine.information);
  vm_write(EPTP_INDEX, machine.eptp_index);
  vm_write(SPPTP, machine.spptp);
}

static int is_narrow(void) { return machine.is_unpaged || machine.is_pae; }

// How wide the guest is: of 64 bits with paging, or of 32 without, or with PAE paging.
static void set_mode(void) {
  uint64_t cr0 = READ_CONTROL_REGISTER(0) & ~(CR0_WP | CR0_PG), efer = EFER_SCE | (machine.nxe ? EFER_NXE : 0);
  uint64_t entry = ENTRY_LOAD_EFER | ENTRY_LOAD_CET;
  if (!machine.is_unpaged) cr0 |= CR0_PG;
  if (!is_narrow()) efer |= EFER_LME | EFER_LMA, entry |= ENTRY_GUEST_64;
  for (int i = 0; i < 4; i++) vm_write(GUEST_PDPTE0 + 2 * i, machine.is_pae && i == 3 ? (LOW_AREA + PAE_PD_PAGE) | 1 : 0);
  vm_write(GUEST_CR0, cr0 | (machine.wp ? CR0_WP : 0));
  vm_write(GUEST_EFER, efer);
  vm_write(ENTRY_CONTROLS, adjusted(MSR_TRUE_ENTRY, entry));
}

static void set_segment(int number, uint16_t selector, uint32_t limit, uint32_t rights) {
  vm_write(GUEST_ES + 2 * number, selector);
  vm_write(GUEST_ES_LIMIT + 2 * number, limit);
  vm_write(GUEST_ES_RIGHTS + 2 * number, rights);
  vm_write(GUEST_ES_BASE + 2 * number, 0);
}

void vmx_set_guest(uint64_t rip, int user) {
  uint64_t cr4 = READ_CONTROL_REGISTER(4) | CR4_PGE;
  set_mode();
  vm_write(GUEST_CR4, cr4 | (machine.smep ? CR4_SMEP : 0) | (machine.smap ? CR4_SMAP : 0) | (machine.cet ? CR4_CET : 0));
  if (vmx_has_shadow_stacks()) {
    vm_write(GUEST_S_CET, machine.cet ? CET_SHADOW_STACK | CET_WRITE_SHADOW_STACK : 0);
    vm_write(GUEST_SSP, machine.shadow_stack);
  }
  vm_write(GUEST_CR3, machine.is_pae ? LOW_AREA : AREA_GPA + OWN_PML4);
  vm_write(GUEST_DR7, 0x400);
  vm_write(GUEST_RFLAGS, 2 | (machine.ac ? RFLAGS_AC : 0));
  vm_write(GUEST_RIP, rip);
  vm_write(GUEST_RSP, 0);
  for (int segment = 0; segment < 6; segment++) {
    uint32_t privilege = user ? 0x60 : 0;
    if (segment == 1) set_segment(segment, user ? 0x2b : 8, ~0u, (is_narrow() ? 0xC09B : 0xA09B) | privilege);
    else set_segment(segment, user ? 0x23 : 16, ~0u, 0xC093 | privilege);
  }
  set_segment(6, 0, 0, 0x10000);   // no LDT
  set_segment(7, 24, 0x67, 0x8B);
  vm_write(GUEST_INTERRUPTIBILITY, 0);
  vm_write(GUEST_ACTIVITY, 0);
  vm_write(ENTRY_EVENT, 0);
  vm_write(PREEMPTION_TIMER, 100000);
}

void vmx_deliver(uint64_t gate, uint64_t cr3) {
  enum { VECTOR = 32, GATE_SIZE = 16 };
  vm_write(GUEST_CR3, cr3);
  vm_write(GUEST_IDTR_BASE, gate - VECTOR * GATE_SIZE);
  vm_write(GUEST_IDTR_LIMIT, 0xfff);
  vm_write(GUEST_RFLAGS, vm_read(GUEST_RFLAGS) | RFLAGS_IF);
  vm_write(ENTRY_EVENT, ENTRY_EVENT_VALID | VECTOR);
}

int vmx_run(struct registers *registers) {
  int failed = run_guest(registers, is_launched);
  if (!failed && !(vm_read(EXIT_REASON) >> 31)) is_launched = 1;
  return failed;
}

int vmx_accepts_controls(void) {
  struct registers registers = {0};
  vmx_set_guest(KERNEL_CODE, 0);
  // Bit 1 of RFLAGS must be 1. That is looked at after the controls, and before anything is fetched.
  vm_write(GUEST_RFLAGS, 0);
  return !vmx_run(&registers);
}
