#include "controls.h"

#include "registers.h"
#include "vcpu.h"

enum { CR0_PG = 31, EFER_LMA = 10, EFER_LME = 8 };
static const uint64_t EFER = 0xc0000080;

/* CR0, CR4 or EFER gets a value; recorded where it is another one. */
static void set_control(unsigned which, uint64_t number, uint64_t value)
{
    bool is_new = running->control[which] != value;
    running->control[which] = value;
    running->paging = running->control[0] >> CR0_PG & 1;
    running->long_mode = running->paging && running->control[2] >> EFER_LME & 1;
    if (!is_new)
        return;
    struct record *record = event(RECORD_CONTROL, 0);
    record->gva = number;
    record->value[0] = value;
}

/* MOV to CR0, CR3 and CR4: `source` is the general register's number. The new value holds from the next instruction on. */
static void on_cr0(unsigned ignored, void *source)
{
    (void)ignored;
    set_control(0, 0, register_read((enum guest_register)(uintptr_t)source) & 0xffffffff);
}

static void on_cr4(unsigned ignored, void *source)
{
    (void)ignored;
    set_control(1, 4, register_read((enum guest_register)(uintptr_t)source));
}

/* LMA follows from the others, so that what the guest reads back and stores again is no change. */
static void on_wrmsr(unsigned ignored, void *userdata)
{
    (void)ignored;
    (void)userdata;
    if ((uint32_t)register_read(RCX) == EFER)
        set_control(2, EFER, (register_read(RDX) << 32 | (uint32_t)register_read(RAX)) & ~((uint64_t)1 << EFER_LMA));
}

static void on_halt(unsigned ignored, void *rip)
{
    (void)ignored;
    if ((register_read(CS) & 3) == 0)
        event(RECORD_HALT, (uint64_t)rip);
}

static void on_cr3(unsigned ignored, void *source)
{
    (void)ignored;
    running->cr3 = register_read((enum guest_register)(uintptr_t)source);
    event(RECORD_CR3, 0)->value[0] = running->cr3;
}

void controls_instrument(struct qemu_plugin_insn *insn, const uint8_t *code, size_t length)
{
    uint64_t rip = qemu_plugin_insn_vaddr(insn);
    const uint8_t *opcode = code;
    unsigned rex = (*opcode & 0xf0) == 0x40 ? *opcode++ : 0; /* in 32-bit code that is INC or DEC, one byte long */

    if (opcode[0] == 0x0f && opcode[1] == 0x22) {
        uintptr_t source = (opcode[2] & 7) | (rex & 1) << 3;
        unsigned control = (opcode[2] >> 3 & 7) | (rex & 4) << 1;
        if (control == 0)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_cr0, QEMU_PLUGIN_CB_R_REGS, (void *)source);
        else if (control == 3)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_cr3, QEMU_PLUGIN_CB_R_REGS, (void *)source);
        else if (control == 4)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_cr4, QEMU_PLUGIN_CB_R_REGS, (void *)source);
    } else if (opcode[0] == 0x0f && opcode[1] == 0x30) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_wrmsr, QEMU_PLUGIN_CB_R_REGS, NULL);
    } else if (length == 1 && code[0] == 0xf4) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_halt, QEMU_PLUGIN_CB_R_REGS, (void *)rip);
    }
}
