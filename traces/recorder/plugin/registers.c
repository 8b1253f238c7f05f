#include "registers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

static const char *const names[GUEST_REGISTERS] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",     "r9",
    "r10", "r11", "r12", "r13", "r14", "r15", "eflags", "cs", "cr3",
};
static struct qemu_plugin_register *handles[GUEST_REGISTERS];
static GByteArray *bytes;

void registers_find(void)
{
    if (bytes)
        return;
    bytes = g_byte_array_new();
    const GArray *all = qemu_plugin_get_registers();
    const qemu_plugin_reg_descriptor *descriptors = (const void *)all->data;
    for (unsigned which = 0; which < GUEST_REGISTERS; which++) {
        for (unsigned i = 0; i < all->len && !handles[which]; i++)
            if (strcmp(descriptors[i].name, names[which]) == 0)
                handles[which] = descriptors[i].handle;
        if (!handles[which]) {
            fprintf(stderr, "recorder: this QEMU does not offer register %s\n", names[which]);
            exit(3);
        }
    }
}

uint64_t register_read(enum guest_register which)
{
    uint64_t value = 0;
    g_byte_array_set_size(bytes, 0);
    int length = qemu_plugin_read_register(handles[which], bytes);
    if (length > 0)
        memcpy(&value, bytes->data, length < 8 ? (size_t)length : 8);
    return value;
}
