#include "area.h"

#include "fields.h"
#include "layout.h"
#include "machine.h"
#include "memory.h"

// Bits of guest entries.
enum { P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define NX (1UL << 63)
// EPT entries: all rights (bit 10 too), accessed, and for a leaf dirty, write-back, and no #VE.
#define EPT_TABLE 0x507UL
#define EPT_LEAF_2M (0x7B7UL | 1UL << 63)

static uint64_t ept_pdpt[512] __attribute__((aligned(4096)));
static uint64_t ept_area[512] __attribute__((aligned(4096))), ept_window[512] __attribute__((aligned(4096)));

static uint64_t *area_page(uint64_t offset) { return (uint64_t *)(AREA + offset); }
static uint64_t index_of(uint64_t linear, int level) { return linear >> (3 + 9 * level) & 511; }

void area_start(void) {
  memset((void *)AREA, 0, 0x200000);
  ept_pdpt[0] = (uint64_t)ept_area | EPT_TABLE;
  ept_pdpt[1] = (uint64_t)ept_window | EPT_TABLE;
  ept_area[0] = AREA | EPT_LEAF_2M;
  for (uint64_t i = 0; i < 128; i++) ept_window[i] = i << 21 | EPT_LEAF_2M;

  area_page(OWN_PML4)[254] = (AREA_GPA + OWN_PDPT) | P | RW | US | A;
  area_page(OWN_PDPT)[0] = (AREA_GPA + OWN_PD) | P | RW | US | A;
  area_page(OWN_PD)[0] = (AREA_GPA + OWN_PT) | P | RW | US | A;
  area_page(OWN_PD)[1] = WINDOW_GPA | P | RW | A | D | PS | G;
  area_page(OWN_PT)[KERNEL_CODE_PAGE >> 12] = (AREA_GPA + KERNEL_CODE_PAGE) | P | RW | A | D | G;
  area_page(OWN_PT)[USER_CODE_PAGE >> 12] = (AREA_GPA + USER_CODE_PAGE) | P | RW | US | A | D | G;
  area_page(OWN_PT)[PROGRAM_PAGE >> 12] = (AREA_GPA + PROGRAM_PAGE) | P | RW | A | D | G;
  area_page(PAE_PD_PAGE)[511] = LOW_AREA | P | RW | A | D | PS;
  memcpy(area_page(KERNEL_CODE_PAGE), guest_begin, guest_end - guest_begin);
  memcpy(area_page(USER_CODE_PAGE), guest_begin, guest_end - guest_begin);
  write_msr(MSR_LSTAR, area_code(guest_system_call, 0));
}

uint64_t area_code(const uint8_t *piece, int user) { return (user ? USER_CODE : KERNEL_CODE) + (piece - guest_begin); }

int area_graft(uint64_t eptp) { return memory_graft(eptp & 0xFFFFFFFFFF000, (uint64_t)ept_pdpt | EPT_TABLE); }

void area_graft_list(uint64_t list) {
  if (!is_script_memory(list)) return;
  for (int i = 0; i < 512; i++) {
    uint64_t eptp = ((uint64_t *)list)[i];
    if (eptp) area_graft(eptp);
  }
}

// The entries above page tables that the last mapping used; they are cleared before the next.
static uint64_t *used[4];

static void set(int level, uint64_t *entry, uint64_t value) {
  *entry = value;
  used[level - 1] = entry;
}

static void map(uint64_t linear, uint64_t pd_entry, uint64_t pt_entry) {
  for (int level = 1; level < 4; level++) {
    if (used[level]) *used[level] = 0;
  }
  memset(area_page(TEST_PT), 0, 4096);
  set(4, &area_page(OWN_PML4)[index_of(linear, 4)], (AREA_GPA + TEST_PDPT) | P | RW | US | A);
  set(3, &area_page(TEST_PDPT)[index_of(linear, 3)], (AREA_GPA + TEST_PD) | P | RW | US | A);
  set(2, &area_page(TEST_PD)[index_of(linear, 2)], pd_entry);
  set(1, &area_page(TEST_PT)[index_of(linear, 1)], pt_entry);
}

void area_map(uint64_t linear, uint64_t gpa, struct page_bits bits) {
  uint64_t rights = P | A | D | (bits.user ? US : 0) | (bits.writable ? RW : 0) | (bits.no_execute ? NX : 0);
  map(linear, (AREA_GPA + TEST_PT) | P | RW | US | A, (gpa & ~0xfffUL) | rights);
}

void area_map_identity(void) {
  map(0, (AREA_GPA + TEST_PT) | P | RW | US | A, 0);
  for (uint64_t page = 0; page < 512; page++) area_page(TEST_PT)[page] = page << 12 | P | RW | US | A | D;
}

void area_map_table(uint64_t linear, uint64_t gpa) {
  map(linear, (gpa & ~0xfffUL) | P | RW | US | A, 0);
}
