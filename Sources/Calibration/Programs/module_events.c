// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What happens, step by step, for tests: exits in order, and what the processor leaves in fields and memory. */
#include <linux/errno.h>
#include <linux/io.h>

#include "module.h"

#define tell_event(name, format, ...) tell("event " name " " format, ##__VA_ARGS__)

/* Runs to the next exit, and tells its reason. */
static int next_exit(const char *name)
{
	const int reason = guest_run();

	if (reason >= 0)
		tell("event %s exit reason=%d length=%llu", name, reason, vmx_read(EXIT_LENGTH));
	return reason;
}

static void skip_instruction(void)
{
	vmx_write(GUEST_RIP, vmx_read(GUEST_RIP) + vmx_read(EXIT_LENGTH));
}

/* Two hypercalls, then HLT. */
static int show_calls(void)
{
	int reason, exits;

	guest_begin(DO_VMCALL, 2, 0, 0);
	for (exits = 0; exits < 4; exits++) {
		reason = next_exit("call");
		if (reason != REASON_VMCALL)
			return reason;
		skip_instruction();
	}
	return -EIO;
}

/* A store to a page that may not be written: the violation, then the store once the page may be. */
static int show_violation(void)
{
	const u64 address = GUEST_AREA + 0x5008;
	int reason;

	*guest_leaf(address) &= ~EPT_WRITE;
	vmx_invalidate(false);
	guest_begin(DO_STORE, 1, address, 0);
	reason = next_exit("violation");
	if (reason == REASON_VIOLATION)
		tell_event("violation", "qualification=0x%llx gpa=0x%llx gla=0x%llx", vmx_read(EXIT_QUALIFICATION),
			   vmx_read(GUEST_PHYSICAL), vmx_read(GUEST_LINEAR));
	*guest_leaf(address) |= EPT_WRITE;
	vmx_invalidate(false);
	return reason < 0 ? reason : next_exit("violation");
}

/* A switch to the other view: the EPTP follows, and its index where there is one. */
static int show_switch(void)
{
	int reason;

	if (!has_feature(FEATURE_VMFUNC))
		return 0;
	vmx_features(1ull << FEATURE_VMFUNC | (u64)has_feature(FEATURE_VE) << FEATURE_VE, false);
	guest_begin(DO_VMFUNC, 1, 0, 0);
	reason = next_exit("vmfunc");
	if (reason < 0)
		return reason;
	tell_event("vmfunc", "other view=%d", vmx_read(EPT_POINTER) == guest_eptp(1));
	if (has_feature(FEATURE_VE))
		tell_event("vmfunc", "index=%llu", vmx_read(EPTP_INDEX));
	vmx_features(0, false);
	return reason;
}

/* A store to a page whose violations are the guest's own: no exit, and the area says what happened. */
static int show_exception(void)
{
	const u64 address = GUEST_AREA + 0x6010;
	const u64 *area = guest.own[GUEST_VE_AREA >> 12];
	int reason;

	if (!has_feature(FEATURE_VE))
		return 0;
	*guest_leaf(address) &= ~(EPT_WRITE | EPT_SUPPRESS_VE);
	vmx_features(1ull << FEATURE_VE, false);
	vmx_ve_handler(guest_ve_halt);
	guest_begin(DO_STORE, 1, address, 0);
	reason = next_exit("ve");
	if (reason >= 0)
		tell_event("ve",
			   "exceptions=%llu reason=%u busy=0x%x qualification=0x%llx gla=0x%llx gpa=0x%llx index=%u",
			   registers.r15, (u32)area[0], (u32)(area[0] >> 32), area[1], area[2], area[3], (u16)area[4]);
	*guest_leaf(address) |= EPT_WRITE | EPT_SUPPRESS_VE;
	vmx_features(0, false);
	return reason;
}

/* Stores to three clean pages: as many entries of the log, from the last one down, and dirty flags set. */
static int show_log(void)
{
	int reason, i;

	if (!has_feature(FEATURE_PML) || !capabilities.has_ad_flags)
		return 0;
	for (i = 0; i < 3; i++)
		*guest_leaf(GUEST_AREA + 0x7000 + i * 0x1000) &= ~EPT_DIRTY;
	vmx_features(1ull << FEATURE_PML, false);
	guest_begin(DO_STORE, 3, GUEST_AREA + 0x7000, 0x1000);
	reason = next_exit("pml");
	if (reason < 0)
		return reason;
	tell_event("pml", "index=%llu", vmx_read(GUEST_PML_INDEX));
	for (i = 0; i < 3; i++)
		tell_event("pml", "entry %d=0x%llx dirty=%d", 511 - i, guest.log[511 - i],
			   !!(*guest_leaf(GUEST_AREA + 0x7000 + i * 0x1000) & EPT_DIRTY));
	vmx_features(0, false);
	return reason;
}

/* One instruction for each exit; the guest comes to its HLT before the fifth where the flag is not obeyed. */
static int show_steps(void)
{
	int reason = 0, steps;
	u64 last = GUEST_CODE;

	if (!has_steps())
		return 0;
	vmx_features(0, true);
	guest_begin(DO_STEPS, 0, 0, 0);
	for (steps = 0; steps < 64; steps++, last = vmx_read(GUEST_RIP)) {
		reason = guest_run();
		if (reason != REASON_STEP)
			break;
		/* The four one-byte instructions are told; what comes before them is the guest's choice of a task. */
		if (vmx_read(GUEST_RIP) == last + 1)
			tell_event("step", "exit reason=%d rip advances by 1", reason);
	}
	vmx_features(0, false);
	if (reason >= 0)
		tell_event("step", "exit reason=%d", reason);
	return reason;
}

int show_events(void)
{
	int (*const steps[])(void) = { show_calls, show_violation, show_switch, show_exception, show_log, show_steps };
	int i, reason;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		reason = steps[i]();
		if (reason < 0)
			return reason;
	}
	return 0;
}
