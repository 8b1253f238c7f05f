/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Where things lie for the module's guest, and what it can do: shared by C and assembly. */
#ifndef MODULE_GUEST_H
#define MODULE_GUEST_H

/* Guest-physical addresses and, one to one, guest-linear ones. The first pages are the guest's own. */
#define GUEST_CODE 0x1000
#define GUEST_STACK_TOP 0x3000
#define GUEST_IDT 0x3000
#define GUEST_GDT 0x4000
#define GUEST_TSS 0x4100
#define GUEST_VE_AREA 0x5000
#define GUEST_PML4 0x6000
#define GUEST_PDPT 0x7000
#define GUEST_PD 0x8000
#define GUEST_LOW_PT 0x9000
#define GUEST_AREA_PT 0xa000
/* Ticks of each sample, 8 bytes each. */
#define GUEST_SAMPLES 0x10000
#define GUEST_MOST_SAMPLES 0x4000
#define GUEST_OWN_PAGES 0x30
/* Pages of 4 KiB in which stores and loads count. */
#define GUEST_AREA 0x800000
#define GUEST_AREA_PAGES 2048

/* What is done between two readings of the clock. */
#define DO_NOTHING 0
#define DO_VMCALL 1
#define DO_VMFUNC 2
#define DO_STORE 3
/* One sample of a load in each of many pages. */
#define DO_TOUCH 4
/* The same, after a switch to the other view and back. */
#define DO_SWITCH_AND_TOUCH 5
/* Ends by HLT at once, after as many one-byte instructions as are to be stepped. */
#define DO_STEPS 6
/* Never ends. */
#define DO_HANG 7

#endif
