#include "paging.h"

#include <stdlib.h>
#include <string.h>

#include "qemu.h"

enum { PRESENT = 1, ACCESSED = 1 << 5, DIRTY = 1 << 6, LARGE = 1 << 7 };
static const uint64_t FRAME = 0x000ffffffffff000;

/* What is known of each guest page. */
enum { DATA, LEAF_TABLE, UPPER_TABLE };
static uint64_t ram_bytes;
static uint8_t *stored;   /* guest memory as instructions have stored it: without what the walker has set */
static uint8_t *uses;     /* a walk went through the page, and nothing was stored to it since */
static uint32_t *changes; /* how often that ended for a page of PTEs */
static uint32_t upper_changes; /* and for all higher tables together */
static bool reads_stored;

void paging_open(uint64_t bytes)
{
    ram_bytes = bytes;
    stored = calloc(bytes, 1);
    uses = calloc(bytes >> 12, 1);
    changes = calloc(bytes >> 12, sizeof *changes);
    if (!stored || !uses || !changes)
        abort();
}

void paging_stored(uint64_t gpa, unsigned bytes, unsigned __int128 value)
{
    if (gpa > ram_bytes - bytes)
        return;
    memcpy(stored + gpa, &value, bytes);
    uint8_t *use = &uses[gpa >> 12];
    if (__builtin_expect(*use, 0)) {
        if (*use == LEAF_TABLE)
            changes[gpa >> 12]++;
        else
            upper_changes++;
        *use = DATA; /* until the next walk through it: what is a table no longer costs one change */
    }
}

void paging_read_stored(void)
{
    reads_stored = true;
}

/*
 * Reads guest-physical memory through the windows a Linux guest has onto it: the direct map and,
 * before that exists, the kernel image (whose first page tables lie in the image itself).
 */
static bool read_entry(uint64_t gpa, uint64_t *entry)
{
    static const uint64_t windows[] = {0xffff888000000000, 0xffffffff80000000};
    static GByteArray *bytes;
    if (reads_stored) {
        if (gpa > ram_bytes - sizeof *entry)
            return false;
        memcpy(entry, stored + gpa, sizeof *entry);
        return true;
    }
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
    *mapping = (struct mapping){0};
    for (unsigned level = 0, shift = 39;; level++, shift -= 9) {
        uint64_t entry, place = table + (gva >> shift & 0x1ff) * 8;
        if (!read_entry(place, &entry) || !(entry & PRESENT))
            return false;
        mapping->entries[level] = entry;
        mapping->places[level] = place;
        if (shift == 12 || (shift < 39 && entry & LARGE)) {
            uint64_t inside = ((uint64_t)1 << shift) - 1;
            mapping->leaf = level;
            mapping->shift = shift;
            mapping->gpa = (entry & FRAME & ~inside) | (gva & inside);
            return true;
        }
        table = entry & FRAME;
    }
}

/*
 * Takes the flags out of a mapping that the walker has set since instructions stored the entries, and from now on holds
 * them for stored: each is told of once. True if there were any.
 */
static bool take_walker_flags(struct mapping *mapping)
{
    bool any = false;
    for (unsigned level = 0; level <= mapping->leaf; level++) {
        uint64_t place = mapping->places[level], entry = mapping->entries[level], word;
        if (place > ram_bytes - sizeof word)
            continue;
        memcpy(&word, stored + place, sizeof word);
        uint64_t set = entry & ~word;
        if (word != entry && (word | set) == entry && !(set & ~(uint64_t)(ACCESSED | DIRTY))) {
            mapping->entries[level] = word;
            any = true;
        }
        memcpy(stored + place, &entry, sizeof entry);
    }
    return any;
}

/*
 * One remembered translation. The key is never zero: bit 63 is set. As long as the stamp is that of its tables no
 * instruction has stored to any of them since.
 */
struct translation {
    uint64_t key;
    uint64_t page;
    uint64_t entries; /* a hash, of all but their flags */
    uint32_t table;   /* the page of the leaf */
    uint32_t stamp;
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

static bool is_current(const struct translation *known, uint64_t key, uint64_t page)
{
    return known->key == key && known->page == page && known->stamp == changes[known->table] + upper_changes;
}

static struct translation translation_of(const struct mapping *mapping, uint64_t key, uint64_t page)
{
    struct translation translation = {.key = key, .page = page};
    for (unsigned level = 0; level <= mapping->leaf; level++) {
        uint64_t place = mapping->places[level] >> 12;
        translation.entries = hash(translation.entries ^ (mapping->entries[level] & ~(uint64_t)(ACCESSED | DIRTY)));
        if (place < ram_bytes >> 12)
            uses[place] = level == 3 ? LEAF_TABLE : UPPER_TABLE;
    }
    uint64_t last = mapping->places[mapping->leaf] >> 12;
    translation.table = mapping->leaf == 3 && last < ram_bytes >> 12 ? (uint32_t)last : 0;
    translation.stamp = changes[translation.table] + upper_changes;
    return translation;
}

/* The kernel half is the same under every CR3, so it is remembered once, under CR3 zero. */
static uint64_t key_of(uint64_t cr3, uint64_t gva)
{
    uint64_t root = (int64_t)gva < 0 ? 0 : cr3 & FRAME;
    return (gva >> 12 & 0xfffffffff) | root << 24 | (uint64_t)1 << 63;
}

bool paging_translate(unsigned vcpu, uint64_t cr3, uint64_t gva, uint64_t *gpa)
{
    uint64_t key = key_of(cr3, gva);
    const struct translation *known = &fronts[vcpu][hash(key) >> (64 - FRONT_BITS)];
    if (!is_current(known, key, known->page))
        known = find(key);
    if (is_current(known, key, known->page)) {
        *gpa = known->page << 12 | (gva & 4095);
        return true;
    }
    struct mapping mapping;
    bool mapped = paging_walk(cr3, gva, &mapping);
    *gpa = mapping.gpa;
    return mapped;
}

enum paging paging_mapping(unsigned vcpu, uint64_t cr3, uint64_t gva, uint64_t gpa, struct mapping *mapping)
{
    uint64_t key = key_of(cr3, gva);
    struct translation *front = &fronts[vcpu][hash(key) >> (64 - FRONT_BITS)];
    uint64_t page = gpa >> 12;
    if (__builtin_expect(is_current(front, key, page), 1))
        return PAGING_KNOWN;

    struct translation *known = find(key);
    if (is_current(known, key, page)) {
        *front = *known;
        return PAGING_KNOWN;
    }
    /* A table edited but not yet flushed disagrees with the translation in use; the store's own GPA counts. */
    if (!paging_walk(cr3, gva, mapping) || mapping->gpa >> 12 != page)
        return PAGING_UNWALKABLE;
    if (!known->key && ++filled > (1 << TABLE_BITS) / 4 * 3) {
        memset(table, 0, sizeof table); /* forgetting only records a mapping twice */
        memset(fronts, 0, sizeof fronts);
        filled = 1;
        known = find(key);
    }
    struct translation now = translation_of(mapping, key, page);
    bool is_known = known->key == key && known->page == page && known->entries == now.entries;
    *front = *known = now;
    return take_walker_flags(mapping) || !is_known ? PAGING_NEW : PAGING_KNOWN;
}
