/* The raw stream: fixed 64-byte little-endian records, in the global order of execution. */
#ifndef RECORDER_STREAM_H
#define RECORDER_STREAM_H

#include <stdint.h>

enum record_kind {
    RECORD_WRITE = 1,
    RECORD_HYPERCALL = 2, /* followed by one RECORD_HYPERCALL_REGISTERS */
    RECORD_CR3 = 3,
    RECORD_MAP = 4,
    RECORD_MARK = 5,
    RECORD_END = 6, /* count holds the number of writes of the whole stream */
    RECORD_LOAD = 7,    /* accesses to one page since the record before; count is that of the first */
    RECORD_FETCH = 8,
    RECORD_HALT = 9,
    RECORD_CONTROL = 10,
    RECORD_KINDS,
    RECORD_HYPERCALL_REGISTERS = 0x82,
};

enum { RECORD_HAS_VALUE = 1, RECORD_HAS_TABLES = 2 };

struct record {
    uint8_t kind;
    uint8_t vcpu;
    uint8_t size; /* write: bytes; map: log2 of the page size; hypercall registers: CPL */
    uint8_t flags;
    uint32_t reserved;
    union {
        struct {
            uint64_t count; /* instructions retired by this vCPU, this one included */
            uint64_t gpa;   /* write, load, fetch: address; hypercall: GPA of RIP; map: leaf entry */
            uint64_t gva;   /* write, load, fetch: address; map: page; mark: id; control: 0, 4 or the number of EFER */
            uint64_t rip;      /* map: PML4E */
            uint64_t value[2]; /* write, control: value; load, fetch: how many; cr3, map: CR3; map: value[1] is the PDPTE */
            uint64_t pde;      /* map */
        };
        struct { uint64_t number, rdi, rsi, rdx, r10, rflags, cr3; } hypercall;
    };
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct record) == 64, "a record is 64 bytes");

void stream_open(const char *path);
/* The next record, zeroed; it is in the stream once this returns, fill it in at once. */
struct record *stream_next(void);
void stream_close(void);

#endif
