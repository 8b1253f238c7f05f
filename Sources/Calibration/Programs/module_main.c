// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Measures what the processor's virtualization costs, in a guest of its own: at loading, which always ends in an error,
 * so that nothing stays loaded. The kernel's log has the report.
 */
#include <linux/errno.h>
#include <linux/module.h>

#include "module.h"

static bool hang;
module_param(hang, bool, 0);
MODULE_PARM_DESC(hang, "run a guest that never ends, as a test");

static void tell_features(void)
{
	tell("fact vmfunc %s", has_feature(FEATURE_VMFUNC) ? "yes" : "no");
	tell("fact ve %s", has_feature(FEATURE_VE) ? "yes" : "no");
	tell("fact pml %s", has_feature(FEATURE_PML) ? "yes" : "no");
	tell("fact spp %s", has_feature(FEATURE_SPP) ? "yes" : "no");
}

static int __init gi_calibration_init(void)
{
	int error;

	tell("begin");
	error = guest_make();
	if (error) {
		tell("error no memory for the guest");
		return error;
	}
	error = vmx_on();
	if (!error) {
		tell_features();
		error = hang ? guest_do(DO_HANG, 1, 0, 0) : show_events();
		if (!error)
			error = measure_costs();
		vmx_off();
	}
	guest_free();
	tell("end");
	return error ? error : -ECANCELED;
}
module_init(gi_calibration_init);

MODULE_DESCRIPTION("What virtualization costs on this processor; never stays loaded");
MODULE_LICENSE("GPL");
