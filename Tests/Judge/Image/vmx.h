// VMX operation: what the script sets, the VMCS made from it, VM entry.
#pragma once
#include <stdint.h>

// What `ctl`, `reg`, `eptp` and their like have set.
struct machine {
  int spp, ve, pml, vmfunc, vmfctl;
  uint64_t vpid, eptp, spptp, pml_address, pml_index, information, eptp_index, list;
  int wp, smep, smap, ac, nxe;
  // The access is the processor's own, to the IDT while it delivers an interrupt.
  int in_event;
  // CR0.PG is 0: an unrestricted guest of 32 bits.
  int is_unpaged;
  // A guest of 32 bits with PAE paging, whose last GiB the image maps.
  int is_pae;
  // CR4.CET is 1, and the shadow-stack pointer is this.
  int cet;
  uint64_t shadow_stack;
  uint64_t cr3;
};

// The registers that guest and image exchange, in the order that run.S has them.
struct registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, r8, r9;
};

extern struct machine machine;

// Enters VMX operation; gives up if that is impossible.
void vmx_start(void);
// Whether the processor has shadow stacks, and VM entry loads them.
int vmx_has_shadow_stacks(void);
// Whether a secondary control can be 1.
int vmx_offers(int control);
// Says in the words of the protocol what the processor can do: `# cap ...`.
void vmx_report_capabilities(void);
// Writes the controls to the VMCS.
void vmx_set_controls(void);
// Writes the guest's registers to the VMCS: at `rip`, in user mode or not.
void vmx_set_guest(uint64_t rip, int user);
// Makes VM entry deliver an interrupt whose gate lies at a linear address, under this CR3.
void vmx_deliver(uint64_t gate, uint64_t cr3);
// Runs the guest until it leaves; whether VM entry failed with VMfail.
int vmx_run(struct registers *registers);
// VM entry with a guest state that cannot be entered: whether the controls before it were accepted.
int vmx_accepts_controls(void);
