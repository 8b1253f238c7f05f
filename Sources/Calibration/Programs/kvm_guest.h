// Where things lie for the guest, and what it can do: shared by C and assembly.
#ifndef KVM_GUEST_H
#define KVM_GUEST_H

// Memory of the guest itself, guest-physical and, one to one, guest-linear.
#define GUEST_RAM_BYTES 0x400000
#define GUEST_PML4 0x1000
#define GUEST_PDPT 0x2000
#define GUEST_PD 0x3000
#define GUEST_STACK_TOP 0x8000
#define GUEST_CODE 0x9000
// Ticks of each sample, 8 bytes each.
#define GUEST_SAMPLES 0x100000
#define GUEST_MOST_SAMPLES 0x40000

// What is done between two readings of the clock.
#define DO_NOTHING 0
#define DO_VMCALL 1
#define DO_OUT 2
#define DO_STORE 3
// Never ends.
#define DO_HANG 4

// KVM_HC_VAPIC_POLL_IRQ, a hypercall that does nothing.
#define HYPERCALL_NOTHING 1
#define PORT_DONE 0x10
#define PORT_PROBE 0x11
#define STORED_VALUE 0x1122334455667788

#endif
