#include "accesses.h"

enum { GATHERED = 16 };

struct access {
    uint64_t page; /* linear */
    uint64_t gva, gpa, count, number;
};

static struct gathered {
    struct access pages[GATHERED];
    unsigned used, last;
    uint64_t records, counted;
} loads, fetches;
static uint8_t gathering; /* the vCPU that both are of */

/* The run of stores that goes on. */
static uint64_t run_linear, run_page;
static uint8_t run_vcpu;

static struct gathered *of(enum record_kind kind)
{
    return kind == RECORD_LOAD ? &loads : &fetches;
}

static void flush(struct gathered *gathered, enum record_kind kind)
{
    for (unsigned i = 0; i < gathered->used; i++) {
        struct record *record = stream_next();
        record->kind = (uint8_t)kind;
        record->vcpu = gathering;
        record->count = gathered->pages[i].count;
        record->gva = gathered->pages[i].gva;
        record->gpa = gathered->pages[i].gpa;
        record->value[0] = gathered->pages[i].number;
        gathered->counted += gathered->pages[i].number;
    }
    gathered->records += gathered->used;
    gathered->used = gathered->last = 0;
}

void accesses_flush(void)
{
    flush(&fetches, RECORD_FETCH);
    flush(&loads, RECORD_LOAD);
}

void accesses_store(uint8_t vcpu, uint64_t gva, uint64_t gpa)
{
    if (vcpu == run_vcpu && gpa >> 12 == run_page && gva >> 12 == run_linear)
        return;
    accesses_flush();
    run_vcpu = vcpu;
    run_page = gpa >> 12;
    run_linear = gva >> 12;
}

bool accesses_again(enum record_kind kind, uint8_t vcpu, uint64_t gva)
{
    struct gathered *gathered = of(kind);
    uint64_t page = gva >> 12;
    if (__builtin_expect(vcpu != gathering, 0))
        accesses_flush();
    gathering = vcpu;
    if (gathered->used && gathered->pages[gathered->last].page == page) {
        gathered->pages[gathered->last].number++;
        return true;
    }
    for (unsigned i = 0; i < gathered->used; i++)
        if (gathered->pages[i].page == page) {
            gathered->pages[i].number++;
            gathered->last = i;
            return true;
        }
    return false;
}

void accesses_add(enum record_kind kind, uint8_t vcpu, uint64_t count, uint64_t gva, uint64_t gpa)
{
    struct gathered *gathered = of(kind);
    if (vcpu != gathering || gathered->used == GATHERED)
        accesses_flush();
    gathering = vcpu;
    gathered->last = gathered->used;
    gathered->pages[gathered->used++] =
        (struct access){.page = gva >> 12, .gva = gva, .gpa = gpa, .count = count, .number = 1};
}

uint64_t accesses_records(enum record_kind kind)
{
    return of(kind)->records;
}

uint64_t accesses_counted(enum record_kind kind)
{
    return of(kind)->counted;
}
