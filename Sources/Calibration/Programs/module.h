/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A guest of the module's own: VMX entered and left by itself, while KVM does not use it. */
#ifndef GI_CALIBRATION_H
#define GI_CALIBRATION_H

#include <linux/types.h>

#include "module_guest.h"

/* VMCS fields, Intel SDM vol. 3D, appendix "Field Encoding in VMCS"; named here, since kernels differ in names. */
enum field {
	VIRTUAL_PROCESSOR = 0x0000,
	EPTP_INDEX = 0x0004,
	GUEST_ES = 0x0800,
	GUEST_PML_INDEX = 0x0812,
	HOST_ES = 0x0c00,
	HOST_TR = 0x0c0c,
	PML_ADDRESS = 0x200e,
	VM_FUNCTIONS = 0x2018,
	EPT_POINTER = 0x201a,
	EPTP_LIST = 0x2024,
	VE_AREA = 0x202a,
	GUEST_PHYSICAL = 0x2400,
	GUEST_LINK = 0x2800,
	GUEST_DEBUGCTL = 0x2802,
	PIN_CONTROLS = 0x4000,
	PROCESSOR_CONTROLS = 0x4002,
	EXCEPTION_BITMAP = 0x4004,
	EXIT_CONTROLS = 0x400c,
	ENTRY_CONTROLS = 0x4012,
	ENTRY_EVENT = 0x4016,
	SECONDARY_CONTROLS = 0x401e,
	INSTRUCTION_ERROR = 0x4400,
	EXIT_REASON = 0x4402,
	EXIT_EVENT = 0x4404,
	EXIT_LENGTH = 0x440c,
	GUEST_ES_LIMIT = 0x4800,
	GUEST_GDTR_LIMIT = 0x4810,
	GUEST_IDTR_LIMIT = 0x4812,
	GUEST_ES_RIGHTS = 0x4814,
	GUEST_INTERRUPTIBILITY = 0x4824,
	GUEST_ACTIVITY = 0x4826,
	PREEMPTION_TIMER = 0x482e,
	HOST_SYSENTER_CS = 0x4c00,
	EXIT_QUALIFICATION = 0x6400,
	GUEST_LINEAR = 0x640a,
	GUEST_CR0 = 0x6800,
	GUEST_CR3 = 0x6802,
	GUEST_CR4 = 0x6804,
	GUEST_ES_BASE = 0x6806,
	GUEST_GDTR_BASE = 0x6816,
	GUEST_IDTR_BASE = 0x6818,
	GUEST_DR7 = 0x681a,
	GUEST_RSP = 0x681c,
	GUEST_RIP = 0x681e,
	GUEST_RFLAGS = 0x6820,
	GUEST_PENDING_DEBUG = 0x6822,
	HOST_CR0 = 0x6c00,
	HOST_CR3 = 0x6c02,
	HOST_CR4 = 0x6c04,
	HOST_FS_BASE = 0x6c06,
	HOST_GS_BASE = 0x6c08,
	HOST_TR_BASE = 0x6c0a,
	HOST_GDTR_BASE = 0x6c0c,
	HOST_IDTR_BASE = 0x6c0e,
	HOST_SYSENTER_ESP = 0x6c10,
	HOST_SYSENTER_EIP = 0x6c12,
	HOST_RSP = 0x6c14,
	HOST_RIP = 0x6c16,
};

/* Basic exit reasons, appendix "VMX Basic Exit Reasons". */
enum reason {
	REASON_NMI = 0,
	REASON_INTERRUPT = 1,
	REASON_HLT = 12,
	REASON_VMCALL = 18,
	REASON_STEP = 37,
	REASON_VIOLATION = 48,
	REASON_TIMER = 52,
};

/* Secondary controls that a processor may lack, vol. 3C, "Processor-Based VM-Execution Controls". */
enum feature {
	FEATURE_EPT = 1,
	FEATURE_VPID = 5,
	FEATURE_VMFUNC = 13,
	FEATURE_PML = 17,
	FEATURE_VE = 18,
	FEATURE_SPP = 23
};

/* Bits of EPT entries. */
#define EPT_RWX 7ull
#define EPT_WRITE 2ull
#define EPT_WRITE_BACK (6ull << 3)
#define EPT_ACCESSED (1ull << 8)
#define EPT_DIRTY (1ull << 9)
#define EPT_SUPPRESS_VE (1ull << 63)

/* What the processor offers. */
struct capabilities {
	u64 basic, secondary, ept;
	bool has_ad_flags;
	unsigned int timer_shift;
};

/* The guest's memory: own pages by page number, the area, and the EPT structures for both. */
struct guest {
	void *own[GUEST_OWN_PAGES];
	void *area[GUEST_AREA_PAGES];
	/* Root, next level, next level, and leaf tables: one for the own pages, four for the area. */
	u64 *root[2], *pdpt, *pd, *pt[5];
	u64 *eptp_list, *log;
};

struct guest_registers {
	u64 rax, rbx, rcx, rdx, rsi, rdi, r8, r9, r12, r13, r14, r15;
	/* Not 0: exits by VMCALL end at once in the guest's next instruction, without the host's C. */
	u64 skips_calls;
};

extern struct capabilities capabilities;
extern struct guest guest;
extern struct guest_registers registers;

/* module_memory.c */
int guest_make(void);
void guest_free(void);
u64 *guest_leaf(u64 address);
u64 guest_eptp(int view);
volatile u64 *guest_sample(unsigned int index);

/* module_vmx.c: between vmx_on and vmx_off interrupts are off and the processor stays the same. */
int vmx_on(void);
void vmx_off(void);
/* Tells the processor what an exit is to load that interrupts may have changed. */
void vmx_host_now(void);
u64 vmx_read(enum field field);
bool vmx_write(enum field field, u64 value);
void vmx_invalidate(bool all);
bool has_feature(enum feature feature);
/* Whether there is a monitor trap flag. */
bool has_steps(void);
u64 read_msr(u32 number);
/* Which optional features are in force from now on; EPT always is, and VPID where there is one. */
void vmx_features(u64 features, bool steps);
/* What the guest does at a virtualization exception. */
void vmx_ve_handler(const void *handler);

/* module_entry.c */
/* Begins a task of the guest. */
void guest_begin(int what, u64 count, u64 address, u64 stride);
/* Runs it to the next exit that is not an interrupt; the basic exit reason, or a negative error number. */
int guest_run(void);
/* Both, up to HLT; 0, or an error number that is told. */
int guest_do(int what, u64 count, u64 address, u64 stride);

/* module_events.c, module_costs.c */
int show_events(void);
int measure_costs(void);

/* A line of the report, which the kernel's log carries. */
#define tell(format, ...) pr_info("gi_calibration: " format "\n", ##__VA_ARGS__)

extern const u8 guest_start[], guest_end[], guest_ve_next[], guest_ve_halt[];

#endif
