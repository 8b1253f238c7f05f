/* What a vCPU does to its own control registers: loads of CR3, changes of CR0, CR4 and EFER, halts. */
#ifndef RECORDER_CONTROLS_H
#define RECORDER_CONTROLS_H

#include "qemu.h"

/* `code` has at least 4 bytes, zeros behind the instruction. */
void controls_instrument(struct qemu_plugin_insn *insn, const uint8_t *code, size_t length);

#endif
