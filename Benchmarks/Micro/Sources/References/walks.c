#include "Walks.h"

#include <stdbool.h>

// The walks unrolled by hand: every check of our walker in the same order, on the same tables, with flags disabled.

#define ADDRESS 0x000ffffffffff000u
#define LARGE 0x80u
#define INLINE static inline __attribute__((always_inline))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

typedef enum { end_page, end_not_present, end_misconfigured, end_wide } walk_end;

typedef struct {
  walk_end end;
  uint64_t entry;
  uint64_t granted;  // the AND of all entries
  uint64_t offset;   // the address bits below the leaf's
} walk;

INLINE uint64_t load(const reference_processor *p, uint64_t address) {
  return UNLIKELY(address >= p->bytes) ? ~0ull : __atomic_load_n(&p->memory[address >> 3], __ATOMIC_RELAXED);
}

INLINE bool bad_page(const reference_rules *r, uint64_t entry, uint64_t low) {
  return (entry & (r->reserved | low)) | (r->bad_leaf >> (entry & 63) & 1) | (entry & r->readable_if & ~(entry << 58));
}

INLINE bool bad_table(const reference_rules *r, uint64_t entry, uint64_t low) {
  return (entry & (r->reserved | low)) | (r->bad_rights >> (entry & 7) & 1);
}

// An entry that is not the common one, in full: false if it leads on to a table.
__attribute__((noinline)) static bool ends(const reference_rules *r, uint64_t entry, unsigned level, walk *w) {
  uint64_t offset = (1ull << (3 + 9 * level)) - 1;
  uint64_t large = level == 3 ? r->page_1g : level == 2 ? r->page_2m : level == 1 ? ~0ull : 0;
  w->entry = entry;
  w->offset = offset;
  if (!(entry & r->present)) return w->end = end_not_present, true;
  if (entry & large) return w->end = bad_page(r, entry, offset & ~0xfffull) ? end_misconfigured : end_page, true;
  if (bad_table(r, entry, level == 4 ? 0xf8 : 0x78 | (LARGE ^ large))) return w->end = end_misconfigured, true;
  return false;
}

// Readable, a table, no reserved bit: present then, and not misconfigured.
#define LEVEL(shift, level)                                     \
  entry = load(p, table | (gpa >> shift & 511) << 3);           \
  if (UNLIKELY((entry & plain) != 1)) {                         \
    walk w = {.granted = granted & entry};                      \
    if (ends(r, entry, level, &w)) return w;                    \
  }                                                             \
  granted &= entry;                                             \
  table = entry & ADDRESS;

INLINE walk ept_walk(const reference_processor *p, uint64_t gpa) {
  const reference_rules *r = &p->rules;
  if (UNLIKELY(gpa >> 48)) return (walk){end_wide, 0, 0, 0};
  uint64_t table = p->root, granted = ~0ull, entry;
  uint64_t plain = r->reserved | 0xf9;
  LEVEL(39, 4)
  LEVEL(30, 3)
  LEVEL(21, 2)
  entry = load(p, table | (gpa >> 12 & 511) << 3);
  if (UNLIKELY((entry & (r->reserved | 1)) != 1 || r->bad_leaf >> (entry & 63) & 1)) {
    walk w = {.granted = granted & entry};
    ends(r, entry, 1, &w);
    return w;
  }
  return (walk){end_page, entry, granted & entry, 0xfff};
}

INLINE uint64_t host(const walk *w, uint64_t gpa) {
  return (w->entry & ADDRESS & ~w->offset) | (gpa & w->offset);
}

// What a refused access adds to the sum.
__attribute__((noinline)) static uint64_t refused(walk w, uint64_t access) {
  if (w.end == end_misconfigured) return 1;
  return ~(access | (w.end == end_page ? (w.granted & 7) << 3 : 0));
}

uint64_t reference_ept_writes(const reference_processor *p, const uint64_t *gpas, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t gpa = gpas[i];
    walk w = ept_walk(p, gpa);
    sum += UNLIKELY(w.end != end_page || !(w.granted & 2)) ? refused(w, 0x182) : host(&w, gpa);
  }
  return sum;
}

// One level of the guest's tables: its entry's address through EPT, then presence, then reserved bits.
#define GUEST_LEVEL(shift, reserved_low, leaf)                                   \
  gpa = table | (linear >> shift & 511) << 3;                                    \
  w = ept_walk(p, gpa);                                                          \
  if (UNLIKELY(w.end != end_page || !(w.granted & 1))) return refused(w, 0x81); \
  entry = load(p, host(&w, gpa));                                                \
  if (UNLIKELY(!(entry & 1))) return 2;                                          \
  if (UNLIKELY(entry & (r->reserved | (reserved_low)))) return 2;                \
  granted &= entry;                                                              \
  if (leaf) {                                                                    \
    offset = (1ull << shift) - 1;                                                \
    goto found;                                                                  \
  }                                                                              \
  missing |= ~entry & 0x20;                                                      \
  table = entry & ADDRESS;

INLINE uint64_t linear_write(const reference_processor *p, uint64_t linear) {
  const reference_rules *r = &p->rules;
  if (UNLIKELY((uint64_t)((int64_t)(linear << 16) >> 16) != linear)) return 3;
  uint64_t table = p->cr3 & ADDRESS, granted = ~0ull, missing = 0, gpa, entry, offset;
  walk w;
  GUEST_LEVEL(39, LARGE, false)
  GUEST_LEVEL(30, entry & LARGE ? 0x3fffe000 : 0, entry & LARGE)
  GUEST_LEVEL(21, entry & LARGE ? 0x001fe000 : 0, entry & LARGE)
  GUEST_LEVEL(12, 0, true)
found:
  missing |= ~entry & 0x60;
  // Not writable with CR0.WP = 1; the tables here have every accessed and dirty flag set, so setting them is not measured.
  if (UNLIKELY(!(granted & 2))) return 2;
  if (UNLIKELY(missing)) return 4;
  gpa = (entry & ADDRESS & ~offset) | (linear & offset);
  w = ept_walk(p, gpa);
  return UNLIKELY(w.end != end_page || !(w.granted & 2)) ? refused(w, 0x182) : host(&w, gpa);
}

uint64_t reference_linear_writes(const reference_processor *p, const uint64_t *linears, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += linear_write(p, linears[i]);
  return sum;
}
