// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* VMX on and off, and the VMCS: what of the host must come back as it was. */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/smp.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/tlbflush.h>

#include "module.h"

struct capabilities capabilities;
static u32 *vmxon_region, *vmcs;
static u64 processor_controls;
static struct {
	struct desc_ptr gdt, idt;
	u64 debugctl, dr7;
	unsigned long flags;
} host;

u64 read_msr(u32 number)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
	return low | (u64)high << 32;
}

static void write_msr(u32 number, u64 value)
{
	asm volatile("wrmsr" ::"c"(number), "a"((u32)value), "d"((u32)(value >> 32)));
}

#define read_control(name) ({ u64 value; asm volatile("mov %%" name ", %0" : "=r"(value)); value; })

u64 vmx_read(enum field field)
{
	u64 value = 0;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"((u64)field) : "cc");
	return value;
}

bool vmx_write(enum field field, u64 value)
{
	bool failed;

	asm volatile("vmwrite %2, %1; setna %0" : "=q"(failed) : "r"((u64)field), "r"(value) : "cc", "memory");
	return !failed;
}

void vmx_invalidate(bool all)
{
	const struct { u64 eptp, zero; } descriptor = { all ? 0 : guest_eptp(0), 0 };

	asm volatile("invept %0, %1" ::"m"(descriptor), "r"(all ? 2ul : 1ul) : "cc", "memory");
}

bool has_feature(enum feature feature)
{
	return capabilities.secondary >> 32 >> feature & 1;
}

bool has_steps(void)
{
	return read_msr(MSR_IA32_VMX_PROCBASED_CTLS) >> 32 >> 27 & 1;
}

/* Controls as wished, but for the bits that the processor fixes. */
static u64 control(u32 msr, u32 true_msr, u64 wanted)
{
	const u64 allowed = read_msr(capabilities.basic >> 55 & 1 ? true_msr : msr);

	return (wanted | (u32)allowed) & allowed >> 32;
}

/* Why this processor, as it is set up, cannot do it; NULL if it can. */
static const char *obstacle(void)
{
	const u64 feature_control = boot_cpu_has(X86_FEATURE_VMX) ? read_msr(MSR_IA32_FEAT_CTL) : 0;

	if (!boot_cpu_has(X86_FEATURE_VMX))
		return "the processor has no VMX, or the kernel has found it switched off";
	if (!(feature_control & 1))
		return "feature control is not locked; load kvm_intel once, which sees to it";
	if (!(feature_control & 4))
		return "the firmware has locked VMX off; switch it on in the firmware's setup";
	if (read_control("cr4") & X86_CR4_VMXE)
		return "VMX is on already; end every virtual machine, or unload kvm_intel";
	if (read_control("cr4") >> 32)
		return "CR4 has bits above 31, which this module does not know (FRED); boot with fred=off";
	capabilities.basic = read_msr(MSR_IA32_VMX_BASIC);
	if (!(read_msr(MSR_IA32_VMX_PROCBASED_CTLS) >> 63))
		return "the processor has no secondary controls, and so no EPT";
	capabilities.secondary = read_msr(MSR_IA32_VMX_PROCBASED_CTLS2);
	if (!has_feature(FEATURE_EPT))
		return "the processor has no EPT";
	capabilities.ept = read_msr(MSR_IA32_VMX_EPT_VPID_CAP);
	if (!(capabilities.ept >> 6 & 1) || !(capabilities.ept >> 14 & 1) || (capabilities.ept >> 25 & 3) != 3)
		return "the processor lacks EPT of four levels in write-back memory, or INVEPT of either type";
	if (!(read_msr(MSR_IA32_VMX_PINBASED_CTLS) >> 32 >> 6 & 1))
		return "the processor has no VMX-preemption timer, which ends a guest that hangs";
	capabilities.has_ad_flags = capabilities.ept >> 21 & 1;
	capabilities.timer_shift = read_msr(MSR_IA32_VMX_MISC) & 0x1f;
	return NULL;
}

static u64 task_state_base(void)
{
	const u8 *entry;
	u16 selector;

	asm volatile("str %0" : "=r"(selector));
	entry = (const u8 *)host.gdt.address + (selector & ~7);
	return *(const u16 *)(entry + 2) | (u64)entry[4] << 16 | (u64)entry[7] << 24 |
	       (u64)*(const u32 *)(entry + 8) << 32;
}

void vmx_host_now(void)
{
	vmx_write(HOST_CR3, read_control("cr3"));
	vmx_write(HOST_CR4, read_control("cr4"));
}

static void write_host_state(void)
{
	u16 task;
	int i;

	asm volatile("str %0" : "=r"(task));
	for (i = 0; i < 6; i++)
		vmx_write(HOST_ES + 2 * i, i == 1 ? __KERNEL_CS : i == 2 ? __KERNEL_DS : 0);
	vmx_write(HOST_TR, task);
	vmx_write(HOST_CR0, read_control("cr0"));
	vmx_host_now();
	vmx_write(HOST_FS_BASE, read_msr(MSR_FS_BASE));
	vmx_write(HOST_GS_BASE, read_msr(MSR_GS_BASE));
	vmx_write(HOST_TR_BASE, task_state_base());
	vmx_write(HOST_GDTR_BASE, host.gdt.address);
	vmx_write(HOST_IDTR_BASE, host.idt.address);
	vmx_write(HOST_SYSENTER_CS, read_msr(MSR_IA32_SYSENTER_CS));
	vmx_write(HOST_SYSENTER_ESP, read_msr(MSR_IA32_SYSENTER_ESP));
	vmx_write(HOST_SYSENTER_EIP, read_msr(MSR_IA32_SYSENTER_EIP));
}

static void write_segment(int index, u16 selector, u64 base, u32 limit, u32 rights)
{
	vmx_write(GUEST_ES + 2 * index, selector);
	vmx_write(GUEST_ES_LIMIT + 2 * index, limit);
	vmx_write(GUEST_ES_RIGHTS + 2 * index, rights);
	vmx_write(GUEST_ES_BASE + 2 * index, base);
}

static void write_guest_state(void)
{
	const u64 cr4 = X86_CR4_PAE | X86_CR4_VMXE;
	int i;

	vmx_write(GUEST_CR0,
		  (read_control("cr0") | read_msr(MSR_IA32_VMX_CR0_FIXED0)) & read_msr(MSR_IA32_VMX_CR0_FIXED1));
	vmx_write(GUEST_CR3, GUEST_PML4);
	vmx_write(GUEST_CR4, (cr4 | read_msr(MSR_IA32_VMX_CR4_FIXED0)) & read_msr(MSR_IA32_VMX_CR4_FIXED1));
	vmx_write(GUEST_DR7, 0x400);
	vmx_write(GUEST_DEBUGCTL, 0);
	vmx_write(GUEST_PENDING_DEBUG, 0);
	for (i = 0; i < 6; i++)
		write_segment(i, i == 1 ? 8 : 16, 0, ~0u, i == 1 ? 0xa09b : 0xc093);
	write_segment(6, 0, 0, 0, 0x10000); /* no LDT */
	write_segment(7, 24, GUEST_TSS, 0x67, 0x8b);
	vmx_write(GUEST_GDTR_BASE, GUEST_GDT);
	vmx_write(GUEST_GDTR_LIMIT, 4 * 8 + 7);
	vmx_write(GUEST_IDTR_BASE, GUEST_IDT);
	vmx_write(GUEST_IDTR_LIMIT, 32 * 16 - 1);
	vmx_write(GUEST_LINK, ~0ull);
}

/* Interrupts, NMIs and the timer end the guest; so do HLT and every exception but #VE. */
static void write_controls(void)
{
	vmx_write(PIN_CONTROLS,
		  control(MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS, 1 | 1 << 3 | 1 << 6));
	processor_controls =
		control(MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS, 1u << 7 | 1u << 31);
	vmx_write(EXIT_CONTROLS, control(MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS, 1 << 9));
	vmx_write(ENTRY_CONTROLS, control(MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS, 1 << 9));
	vmx_write(EXCEPTION_BITMAP, ~(1u << 20));
	vmx_write(ENTRY_EVENT, 0);
	vmx_features(0, false);
}

void vmx_features(u64 features, bool steps)
{
	/* With a VPID of its own the guest's translations outlive exits and entries, as under KVM. */
	const u64 wanted = features | 1ull << FEATURE_EPT | (u64)has_feature(FEATURE_VPID) << FEATURE_VPID;

	vmx_write(PROCESSOR_CONTROLS, processor_controls | (steps ? 1 << 27 : 0));
	vmx_write(SECONDARY_CONTROLS, (wanted | (u32)capabilities.secondary) & capabilities.secondary >> 32);
	if (has_feature(FEATURE_VPID))
		vmx_write(VIRTUAL_PROCESSOR, 1);
	vmx_write(EPT_POINTER, guest_eptp(0));
	if (features >> FEATURE_VMFUNC & 1) {
		guest.eptp_list[0] = guest_eptp(0);
		guest.eptp_list[1] = guest_eptp(1);
		vmx_write(VM_FUNCTIONS, 1);
		vmx_write(EPTP_LIST, virt_to_phys(guest.eptp_list));
	}
	if (features >> FEATURE_PML & 1) {
		vmx_write(PML_ADDRESS, virt_to_phys(guest.log));
		vmx_write(GUEST_PML_INDEX, 511);
	}
	if (features >> FEATURE_VE & 1) {
		vmx_write(VE_AREA, virt_to_phys(guest.own[GUEST_VE_AREA >> 12]));
		vmx_write(EPTP_INDEX, 0);
		((volatile u32 *)guest.own[GUEST_VE_AREA >> 12])[1] = 0;
	}
	vmx_invalidate(true);
}

void vmx_ve_handler(const void *handler)
{
	const u64 address = GUEST_CODE + ((const u8 *)handler - guest_start);
	u64 *gate = (u64 *)guest.own[GUEST_IDT >> 12] + 2 * 20;

	gate[0] = (address & 0xffff) | 8 << 16 | 0x8e00ull << 32 | (address >> 16 & 0xffff) << 48;
	gate[1] = address >> 32;
}

static void save_host(void)
{
	native_store_gdt(&host.gdt);
	store_idt(&host.idt);
	host.debugctl = read_msr(MSR_IA32_DEBUGCTLMSR);
	asm volatile("mov %%dr7, %0" : "=r"(host.dr7));
}

/* An exit leaves limits and debug controls other than they were. */
static void restore_host(void)
{
	asm volatile("lgdt %0; lidt %1" ::"m"(host.gdt), "m"(host.idt));
	invalidate_tss_limit();
	write_msr(MSR_IA32_DEBUGCTLMSR, host.debugctl);
	asm volatile("mov %0, %%dr7" ::"r"(host.dr7));
}

static int enter_operation(void)
{
	const u64 on = virt_to_phys(vmxon_region), structure = virt_to_phys(vmcs);
	bool failed;

	*vmxon_region = *vmcs = capabilities.basic & 0x7fffffff;
	cr4_set_bits(X86_CR4_VMXE);
	asm volatile("vmxon %1; setna %0" : "=q"(failed) : "m"(on) : "cc", "memory");
	if (failed) {
		cr4_clear_bits(X86_CR4_VMXE);
		return -EIO;
	}
	asm volatile("vmclear %0; vmptrld %0" ::"m"(structure) : "cc", "memory");
	return 0;
}

int vmx_on(void)
{
	const char *reason;
	int error = -ENOMEM;

	vmxon_region = (u32 *)get_zeroed_page(GFP_KERNEL);
	vmcs = (u32 *)get_zeroed_page(GFP_KERNEL);
	if (!vmxon_region || !vmcs)
		goto no_memory;
	get_cpu();
	local_irq_save(host.flags);
	reason = obstacle();
	error = reason ? -EOPNOTSUPP : enter_operation();
	if (error)
		goto not_on;
	save_host();
	write_host_state();
	write_guest_state();
	write_controls();
	return 0;
not_on:
	local_irq_restore(host.flags);
	put_cpu();
	tell("error %s", reason ? reason : "VMXON fails");
no_memory:
	free_page((unsigned long)vmxon_region);
	free_page((unsigned long)vmcs);
	return error;
}

void vmx_off(void)
{
	const u64 structure = virt_to_phys(vmcs);

	asm volatile("vmclear %0; vmxoff" ::"m"(structure) : "cc", "memory");
	cr4_clear_bits(X86_CR4_VMXE);
	restore_host();
	local_irq_restore(host.flags);
	put_cpu();
	free_page((unsigned long)vmxon_region);
	free_page((unsigned long)vmcs);
}
