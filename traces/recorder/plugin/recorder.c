/*
 * The recorder: a QEMU TCG plugin that writes every store of every vCPU to a raw stream, with the
 * hypercalls, CR3 loads, guest mappings and marks between them. See ../../README.md.
 *
 * With accesses=MARK_ID it also writes which pages were loaded and fetched from, from that mark on; 0 is the start.
 *
 * Arguments: stream=PATH  ram=BYTES  phase=LINEAR_ADDRESS:MARK_ID (any number of times)  accesses=MARK_ID
 *            tables=stored (for guests that are not Linux at its link address, see paging_read_stored())
 *            arm=MARK_ID and touched=PATH (list the guest pages written after that mark)
 *
 * Built with -fomit-frame-pointer -ffixed-rbp: see on_instruction().
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accesses.h"
#include "controls.h"
#include "paging.h"
#include "qemu.h"
#include "registers.h"
#include "vcpu.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 4;

/* Marker no-ops: NOPL disp32(%rax). The displacement says what the guest means by it. */
static const uint8_t HYPERCALL[7] = {0x0f, 0x1f, 0x80, 'G', 'I', 'G', 'C'};
static const uint8_t MARK[7] = {0x0f, 0x1f, 0x80, 'M', 'A', 'R', 'K'};

enum { MAX_PHASES = 32 };

struct vcpu *running;
static struct vcpu vcpus[MAX_VCPUS];
static unsigned known_vcpus;

static struct { uint64_t address, mark; } phases[MAX_PHASES];
static unsigned phase_count;

static uint64_t ram_bytes;
static const char *touched_path;
static uint64_t arming_mark;
static uint8_t *touched; /* a byte a guest page, once armed */

static bool wants_accesses, gathers; /* loads and fetches: asked for, and past their mark */
static uint64_t gathering_mark;

static uint64_t writes, events[RECORD_KINDS], unmapped, unfetched;

static void fetch_page(uint64_t rip);

static uint8_t index_of(const struct vcpu *vcpu)
{
    return (uint8_t)(vcpu - vcpus);
}

/*
 * Which vCPU runs. With all vCPUs on one host thread they share translated blocks, and the index
 * QEMU passes is that of the vCPU that translated the block. But translated code keeps its own
 * env pointer in RBP and calls plugin callbacks directly, so RBP tells.
 */
static void on_instruction(unsigned ignored, void *rip)
{
    register uint64_t rbp __asm__("rbp");
    uint64_t env;
    __asm__ volatile("mov %1, %0" : "=r"(env) : "r"(rbp));
    (void)ignored;
    if (__builtin_expect(!running || running->env != env, 0)) {
        unsigned i = 0;
        while (i < known_vcpus && vcpus[i].env != env)
            i++;
        if (i == MAX_VCPUS) {
            fprintf(stderr, "recorder: more than %d vCPUs\n", MAX_VCPUS);
            exit(3);
        }
        if (i == known_vcpus)
            vcpus[known_vcpus++].env = env;
        running = &vcpus[i];
    }
    running->count++;
    if (gathers && !accesses_again(RECORD_FETCH, index_of(running), (uint64_t)rip))
        fetch_page((uint64_t)rip);
}

struct record *event(enum record_kind kind, uint64_t rip)
{
    if (gathers && kind != RECORD_WRITE)
        accesses_flush();
    struct record *record = stream_next();
    record->kind = (uint8_t)kind;
    record->vcpu = index_of(running);
    record->count = running->count;
    record->rip = rip;
    events[kind]++;
    return record;
}

/* Records the leaf by which a linear page is mapped, if that is new. */
static void record_mapping(uint64_t gva, uint64_t gpa)
{
    struct mapping mapping;
    enum paging paging = paging_mapping(index_of(running), running->cr3, gva, gpa, &mapping);
    if (__builtin_expect(paging == PAGING_KNOWN, 1))
        return;
    if (paging == PAGING_UNWALKABLE) {
        unmapped++;
        return;
    }
    struct record *record = event(RECORD_MAP, mapping.entries[0]);
    record->size = (uint8_t)mapping.shift;
    record->flags = RECORD_HAS_TABLES;
    record->gpa = mapping.entries[mapping.leaf];
    record->gva = gva >> mapping.shift << mapping.shift;
    record->value[0] = running->cr3;
    record->value[1] = mapping.leaf > 1 ? mapping.entries[1] : 0;
    record->pde = mapping.leaf > 2 ? mapping.entries[2] : 0;
}

/* Records the part of a store that lies in one guest-physical stretch, after the mappings it went through. */
static void record_write(uint64_t gpa, uint64_t gva, unsigned bytes, uint64_t rip, unsigned __int128 value)
{
    if (gpa >= ram_bytes)
        return;
    if (running->paging) {
        record_mapping(gva, gpa);
        unsigned first = 4096 - (unsigned)(gva & 4095);
        if (first < bytes)
            record_mapping(gva + first, gpa + first);
    }
    paging_stored(gpa, bytes, value);
    if (gathers)
        accesses_store(index_of(running), gva, gpa);
    struct record *record = event(RECORD_WRITE, rip);
    record->size = (uint8_t)bytes;
    record->flags = RECORD_HAS_VALUE;
    record->gpa = gpa;
    record->gva = gva;
    if (bytes < 16)
        value &= ((unsigned __int128)1 << bytes * 8) - 1;
    record->value[0] = (uint64_t)value;
    record->value[1] = (uint64_t)(value >> 64);
    writes++;
    if (touched) {
        touched[gpa >> 12] = 1;
        touched[(gpa + bytes - 1) >> 12] = 1;
    }
}

static unsigned __int128 stored_value(qemu_plugin_meminfo_t info)
{
    qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
    switch (value.type) {
    case 0: return value.data.u8;
    case 1: return value.data.u16;
    case 2: return value.data.u32;
    case 3: return value.data.u64;
    default: return (unsigned __int128)value.data.u128.high << 64 | value.data.u128.low;
    }
}

static void on_store(unsigned ignored, qemu_plugin_meminfo_t info, uint64_t gva, void *rip)
{
    (void)ignored;
    struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, gva);
    if (!where || qemu_plugin_hwaddr_is_io(where))
        return;
    uint64_t gpa = qemu_plugin_hwaddr_phys_addr(where);
    unsigned bytes = 1u << qemu_plugin_mem_size_shift(info);
    unsigned __int128 value = stored_value(info);
    unsigned first = 4096 - (unsigned)(gva & 4095);
    if (first < bytes) {
        /* The next linear page may lie anywhere: two records when it is not the next physical page. */
        where = qemu_plugin_get_hwaddr(info, gva + first);
        uint64_t second = where ? qemu_plugin_hwaddr_phys_addr(where) : gpa + first;
        if (second != gpa + first) {
            record_write(gpa, gva, first, (uint64_t)rip, value);
            if (!qemu_plugin_hwaddr_is_io(where))
                record_write(second, gva + first, bytes - first, (uint64_t)rip, value >> first * 8);
            return;
        }
    }
    record_write(gpa, gva, bytes, (uint64_t)rip, value);
}

/* The first fetch from a page since the group began. Translated like a store: the mapping comes before it. */
static void fetch_page(uint64_t rip)
{
    uint64_t gpa = rip;
    if (running->paging && !(running->long_mode && paging_translate(index_of(running), running->cr3, rip, &gpa))) {
        unfetched++;
        return;
    }
    if (gpa >= ram_bytes)
        return;
    if (running->paging)
        record_mapping(rip, gpa);
    accesses_add(RECORD_FETCH, index_of(running), running->count, rip, gpa);
}

static void load_page(qemu_plugin_meminfo_t info, uint64_t gva)
{
    if (accesses_again(RECORD_LOAD, index_of(running), gva))
        return;
    struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, gva);
    if (!where || qemu_plugin_hwaddr_is_io(where))
        return;
    uint64_t gpa = qemu_plugin_hwaddr_phys_addr(where);
    if (gpa >= ram_bytes)
        return;
    if (running->paging)
        record_mapping(gva, gpa);
    accesses_add(RECORD_LOAD, index_of(running), running->count, gva, gpa);
}

static void on_load(unsigned ignored, qemu_plugin_meminfo_t info, uint64_t gva, void *userdata)
{
    (void)ignored;
    (void)userdata;
    if (!gathers || qemu_plugin_mem_is_store(info))
        return;
    load_page(info, gva);
    uint64_t last = gva + (1u << qemu_plugin_mem_size_shift(info)) - 1;
    if (__builtin_expect((gva ^ last) >> 12 != 0, 0))
        load_page(info, last);
}

static void on_hypercall(unsigned ignored, void *rip)
{
    (void)ignored;
    struct mapping mapping;
    uint64_t cr3 = register_read(CR3);
    bool mapped = paging_walk(cr3, (uint64_t)rip, &mapping);
    event(RECORD_HYPERCALL, (uint64_t)rip)->gpa = mapped ? mapping.gpa : UINT64_MAX;
    struct record *registers = stream_next();
    registers->kind = RECORD_HYPERCALL_REGISTERS;
    registers->vcpu = index_of(running);
    registers->size = register_read(CS) & 3;
    registers->hypercall.number = register_read(RAX);
    registers->hypercall.rdi = register_read(RDI);
    registers->hypercall.rsi = register_read(RSI);
    registers->hypercall.rdx = register_read(RDX);
    registers->hypercall.r10 = register_read(R10);
    registers->hypercall.rflags = register_read(EFLAGS);
    registers->hypercall.cr3 = cr3;
}

static void record_mark(uint64_t rip, uint64_t id)
{
    event(RECORD_MARK, rip)->gva = id;
    if (touched_path && !touched && id == arming_mark)
        touched = calloc(ram_bytes / 4096 + 1, 1);
    if (wants_accesses && id == gathering_mark)
        gathers = true;
}

static void on_mark(unsigned ignored, void *rip)
{
    (void)ignored;
    record_mark((uint64_t)rip, register_read(RDI));
}

static void on_phase(unsigned ignored, void *phase)
{
    (void)ignored;
    record_mark(phases[(uintptr_t)phase].address, phases[(uintptr_t)phase].mark);
}

static void instrument(struct qemu_plugin_insn *insn)
{
    uint8_t code[16] = {0};
    size_t length = qemu_plugin_insn_data(insn, code, sizeof code);
    uint64_t rip = qemu_plugin_insn_vaddr(insn);

    qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, QEMU_PLUGIN_CB_NO_REGS, (void *)rip);
    for (uintptr_t i = 0; i < phase_count; i++)
        if (phases[i].address == rip)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_phase, QEMU_PLUGIN_CB_NO_REGS, (void *)i);

    if (length == sizeof HYPERCALL && memcmp(code, HYPERCALL, length) == 0)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_hypercall, QEMU_PLUGIN_CB_R_REGS, (void *)rip);
    else if (length == sizeof MARK && memcmp(code, MARK, length) == 0)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_R_REGS, (void *)rip);

    controls_instrument(insn, code, length);
    if (wants_accesses)
        qemu_plugin_register_vcpu_mem_cb(insn, on_load, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_R, NULL);
    qemu_plugin_register_vcpu_mem_cb(insn, on_store, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W, (void *)rip);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++)
        instrument(qemu_plugin_tb_get_insn(tb, i));
}

static void on_vcpu(qemu_plugin_id_t id, unsigned vcpu)
{
    (void)id;
    (void)vcpu;
    registers_find();
}

static void list_touched_pages(void)
{
    FILE *list = fopen(touched_path, "w");
    for (uint64_t page = 0; list && touched && page < ram_bytes / 4096; page++)
        if (touched[page])
            fprintf(list, "%" PRIx64 "\n", page << 12);
    if (!list || fclose(list))
        fprintf(stderr, "recorder: cannot write %s\n", touched_path);
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    if (gathers)
        accesses_flush();
    struct record *end = stream_next();
    end->kind = RECORD_END;
    end->count = writes;
    stream_close();
    if (touched_path)
        list_touched_pages();
    fprintf(stderr, "recorder: %" PRIu64 " writes, %" PRIu64 " hypercalls, %" PRIu64 " CR3 loads, %" PRIu64
                    " mappings (%" PRIu64 " not walkable), %" PRIu64 " marks\n",
            writes, events[RECORD_HYPERCALL], events[RECORD_CR3], events[RECORD_MAP], unmapped, events[RECORD_MARK]);
    if (wants_accesses)
        fprintf(stderr, "recorder: %" PRIu64 " loads in %" PRIu64 " records, %" PRIu64 " fetches in %" PRIu64
                        " (%" PRIu64 " not walkable)\n",
                accesses_counted(RECORD_LOAD), accesses_records(RECORD_LOAD), accesses_counted(RECORD_FETCH),
                accesses_records(RECORD_FETCH), unfetched);
    for (unsigned i = 0; i < known_vcpus; i++)
        fprintf(stderr, "recorder: vCPU %u retired %" PRIu64 " instructions\n", i, vcpus[i].count);
}

static int parse(const char *argument)
{
    if (strncmp(argument, "stream=", 7) == 0) {
        stream_open(argument + 7);
    } else if (strncmp(argument, "ram=", 4) == 0) {
        ram_bytes = strtoull(argument + 4, NULL, 0);
    } else if (strncmp(argument, "accesses=", 9) == 0) {
        wants_accesses = true;
        gathering_mark = strtoull(argument + 9, NULL, 0);
        gathers = gathering_mark == 0;
    } else if (strcmp(argument, "tables=stored") == 0) {
        paging_read_stored();
    } else if (strncmp(argument, "touched=", 8) == 0) {
        touched_path = strdup(argument + 8);
    } else if (strncmp(argument, "arm=", 4) == 0) {
        arming_mark = strtoull(argument + 4, NULL, 0);
    } else if (strncmp(argument, "phase=", 6) == 0 && phase_count < MAX_PHASES) {
        char *rest;
        phases[phase_count].address = strtoull(argument + 6, &rest, 16);
        phases[phase_count++].mark = *rest == ':' ? strtoull(rest + 1, NULL, 0) : 0;
    } else {
        fprintf(stderr, "recorder: unknown argument %s\n", argument);
        return 1;
    }
    return 0;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0) {
        fprintf(stderr, "recorder: needs qemu-system-x86_64\n");
        return 1;
    }
    for (int i = 0; i < argc; i++)
        if (parse(argv[i]))
            return 1;
    if (!ram_bytes) {
        fprintf(stderr, "recorder: the argument ram=BYTES is missing\n");
        return 1;
    }
    paging_open(ram_bytes);
    qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
