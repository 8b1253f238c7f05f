#include "paging.h"

#include <string.h>

#include "qemu.h"

enum { PRESENT = 1, LARGE = 1 << 7 };
static const uint64_t FRAME = 0x000ffffffffff000;

/*
 * Reads guest-physical memory through the windows a Linux guest has onto it: the direct map and,
 * before that exists, the kernel image (whose first page tables lie in the image itself).
 */
static bool read_entry(uint64_t gpa, uint64_t *entry)
{
    static const uint64_t windows[] = {0xffff888000000000, 0xffffffff80000000};
    static GByteArray *bytes;
    if (!bytes)
        bytes = g_byte_array_new();
    for (unsigned i = 0; i < 2; i++) {
        if (qemu_plugin_read_memory_vaddr(windows[i] + gpa, bytes, sizeof *entry)) {
            memcpy(entry, bytes->data, sizeof *entry);
            return true;
        }
    }
    return false;
}

bool paging_walk(uint64_t cr3, uint64_t gva, struct mapping *mapping)
{
    uint64_t table = cr3 & FRAME;
    for (unsigned shift = 39;; shift -= 9) {
        uint64_t entry;
        if (!read_entry(table + (gva >> shift & 0x1ff) * 8, &entry) || !(entry & PRESENT))
            return false;
        if (shift == 12 || (shift < 39 && entry & LARGE)) {
            uint64_t inside = ((uint64_t)1 << shift) - 1;
            *mapping = (struct mapping){entry, shift, (entry & FRAME & ~inside) | (gva & inside)};
            return true;
        }
        table = entry & FRAME;
    }
}

/* One remembered translation. The key is never zero: bit 63 is set. */
struct translation {
    uint64_t key;
    uint64_t page;
};

enum { TABLE_BITS = 20, FRONT_BITS = 11 };
static struct translation table[1 << TABLE_BITS];
static struct translation fronts[MAX_VCPUS][1 << FRONT_BITS]; /* small direct-mapped caches before the table */
static unsigned filled;

static uint64_t hash(uint64_t key)
{
    return key * 0x9e3779b97f4a7c15;
}

static struct translation *find(uint64_t key)
{
    uint64_t at = hash(key) >> (64 - TABLE_BITS);
    while (table[at].key && table[at].key != key)
        at = (at + 1) & ((1 << TABLE_BITS) - 1);
    return &table[at];
}

bool paging_changed(unsigned vcpu, uint64_t cr3, uint64_t gva, uint64_t gpa)
{
    /* The kernel half is the same under every CR3, so it is remembered once, under CR3 zero. */
    uint64_t root = (int64_t)gva < 0 ? 0 : cr3 & FRAME;
    uint64_t key = (gva >> 12 & 0xfffffffff) | root << 24 | (uint64_t)1 << 63;
    uint64_t slot = hash(key) >> (64 - FRONT_BITS);
    struct translation *front = &fronts[vcpu][slot];
    uint64_t page = gpa >> 12;
    if (front->key == key && front->page == page)
        return false;

    struct translation *known = find(key);
    if (known->key && known->page == page) {
        *front = *known;
        return false;
    }
    if (!known->key && ++filled > (1 << TABLE_BITS) / 4 * 3) {
        memset(table, 0, sizeof table); /* forgetting only records a mapping twice */
        filled = 1;
        known = find(key);
    }
    *known = (struct translation){key, page};
    /* What another vCPU remembers of this page is over; left there, it would hide a change back. */
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        fronts[i][slot] = (struct translation){0, 0};
    *front = *known;
    return true;
}
