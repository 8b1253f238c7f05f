// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What the processor's own part costs, without any hypervisor's software: timed by the guest, or by the host. */
#include <linux/kernel.h>
#include <linux/sort.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "module.h"

enum { SAMPLES = 10240, ROUND = 512, POINT_SAMPLES = 64, WARM_UPS = 64 };

static u64 samples[SAMPLES];
static int taken;
/* The median of two readings of the clock with nothing between, by the guest and by the host. */
static u64 guest_overhead, host_overhead;

static int ascending(const void *a, const void *b)
{
	const u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static u64 at(int place, u64 overhead)
{
	return samples[place] > overhead ? samples[place] - overhead : 0;
}

/* Tells least, median and 99th percentile of what was taken. */
static void tell_figure(const char *name, u64 overhead)
{
	sort(samples, taken, sizeof(*samples), ascending, NULL);
	tell("figure %s %llu %llu %llu %d", name, at(0, overhead), at(taken / 2, overhead),
	     at(taken * 99 / 100, overhead), taken);
	taken = 0;
}

static void tell_point(const char *name, int n, u64 overhead)
{
	sort(samples, taken, sizeof(*samples), ascending, NULL);
	tell("curve %s %d %llu %llu %llu %d", name, n, at(0, overhead), at(taken / 2, overhead),
	     at(taken * 99 / 100, overhead), taken);
	taken = 0;
}

static void take(u64 sample)
{
	if (taken < SAMPLES)
		samples[taken++] = sample;
}

/* Samples that the guest takes of one operation, in rounds; the first round warms up. */
static int sample_guest(int what, u64 address, u64 stride)
{
	int round, i, error;

	for (round = -1; round < SAMPLES / ROUND; round++) {
		error = guest_do(what, ROUND, address, stride);
		if (error)
			return error;
		for (i = 0; i < ROUND && round >= 0; i++)
			take(*guest_sample(i));
	}
	return 0;
}

static int measure_guest(const char *name, int what, u64 address, u64 stride)
{
	const int error = sample_guest(what, address, stride);

	if (!error)
		tell_figure(name, guest_overhead);
	return error;
}

#define sample_host(operation) do {				\
		int i;						\
								\
		for (i = -WARM_UPS; i < SAMPLES; i++) {		\
			const u64 start = rdtsc_ordered();	\
								\
			operation;				\
			if (i >= 0)				\
				take(rdtsc_ordered() - start);	\
		}						\
	} while (0)

static void measure_host(void)
{
	sample_host((void)0);
	sort(samples, taken, sizeof(*samples), ascending, NULL);
	host_overhead = samples[taken / 2];
	taken = 0;
	sample_host(vmx_write(EPT_POINTER, guest_eptp(i & 1)));
	vmx_write(EPT_POINTER, guest_eptp(0));
	tell_figure("eptp_write", host_overhead);
	sample_host(vmx_invalidate(false));
	tell_figure("invept.single", host_overhead);
	sample_host(vmx_invalidate(true));
	tell_figure("invept.all", host_overhead);
}

static int measure_switch(void)
{
	int error;

	if (!has_feature(FEATURE_VMFUNC)) {
		tell("omitted vmfunc the processor has no VMFUNC");
		return 0;
	}
	vmx_features(1ull << FEATURE_VMFUNC, false);
	error = measure_guest("vmfunc", DO_VMFUNC, 0, 0);
	vmx_features(0, false);
	return error;
}

static int measure_exception(void)
{
	const u64 address = GUEST_AREA + 0x6010;
	int error;

	if (!has_feature(FEATURE_VE)) {
		tell("omitted store.ve the processor has no virtualization exceptions");
		return 0;
	}
	*guest_leaf(address) &= ~(EPT_WRITE | EPT_SUPPRESS_VE);
	vmx_features(1ull << FEATURE_VE, false);
	vmx_ve_handler(guest_ve_next);
	error = measure_guest("store.ve", DO_STORE, address, 0);
	*guest_leaf(address) |= EPT_WRITE | EPT_SUPPRESS_VE;
	vmx_features(0, false);
	return error;
}

/* One instruction for each exit, timed around the whole way into the guest and back. */
static int measure_step(void)
{
	int i, reason = REASON_STEP;

	if (!has_steps()) {
		tell("omitted step the processor has no monitor trap flag");
		return 0;
	}
	vmx_features(0, true);
	for (i = 0; i < 1024 && reason == REASON_STEP; i++) {
		u64 start;

		if (i % 4 == 0)
			guest_begin(DO_HANG, 0, 0, 0);
		start = rdtsc_ordered();
		reason = guest_run();
		take(rdtsc_ordered() - start);
	}
	vmx_features(0, false);
	if (reason == REASON_STEP)
		tell_figure("step", host_overhead);
	taken = 0;
	return reason < 0 ? reason : 0;
}

enum after { AFTER_NOTHING, AFTER_SINGLE, AFTER_ALL, AFTER_SWITCHES };

static int measure_point(const char *name, enum after after, int pages)
{
	int i, error;

	for (i = -1; i < POINT_SAMPLES; i++) {
		if (after == AFTER_SINGLE || after == AFTER_ALL)
			vmx_invalidate(after == AFTER_ALL);
		error = guest_do(after == AFTER_SWITCHES ? DO_SWITCH_AND_TOUCH : DO_TOUCH, pages, GUEST_AREA, 4096);
		if (error)
			return error;
		if (i >= 0)
			take(*guest_sample(0));
	}
	tell_point(name, pages, guest_overhead);
	return 0;
}

/* What loads in n pages, each loaded before, cost after nothing, either INVEPT, or a switch of views and back. */
static int measure_refill(void)
{
	static const char *const names[] = { "touch", "touch.invept.single", "touch.invept.all", "touch.vmfunc" };
	int pages, error;
	enum after after;

	if (!has_feature(FEATURE_VPID)) {
		tell("omitted touch the processor has no VPID, so that every entry drops the guest's translations");
		return 0;
	}
	vmx_features((u64)has_feature(FEATURE_VMFUNC) << FEATURE_VMFUNC, false);
	for (after = AFTER_NOTHING; after <= AFTER_SWITCHES; after++) {
		if (after == AFTER_SWITCHES && !has_feature(FEATURE_VMFUNC))
			continue;
		for (pages = 1; pages <= GUEST_AREA_PAGES; pages *= 2) {
			error = measure_point(names[after], after, pages);
			if (error)
				return error;
		}
	}
	vmx_features(0, false);
	return 0;
}

static int measure_exits(void)
{
	int error = sample_guest(DO_NOTHING, 0, 0);

	if (error)
		return error;
	sort(samples, taken, sizeof(*samples), ascending, NULL);
	guest_overhead = samples[taken / 2];
	taken = 0;
	error = measure_guest("exit.vmcall", DO_VMCALL, 0, 0);
	return error ? error : measure_guest("store.plain", DO_STORE, GUEST_AREA, 0);
}

int measure_costs(void)
{
	int (*const parts[])(void) = { measure_exits, measure_switch, measure_exception, measure_step, measure_refill };
	int i, error;

	measure_host();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		error = parts[i]();
		if (error)
			return error;
	}
	tell("omitted store.sub_page not measured by this version");
	return 0;
}
