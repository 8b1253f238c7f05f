/* Guest registers of the vCPU that runs now, by their gdb names. Valid in callbacks that may read registers. */
#ifndef RECORDER_REGISTERS_H
#define RECORDER_REGISTERS_H

#include <stdint.h>

enum guest_register {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, /* ModRM order */
    EFLAGS, CS, CR3, GUEST_REGISTERS
};

void registers_find(void); /* once, when the first vCPU exists */
uint64_t register_read(enum guest_register which);

#endif
