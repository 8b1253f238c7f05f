#include "memory.h"

#include "console.h"
#include "layout.h"
#include "machine.h"

enum { PAGES = SCRIPT_MEMORY_END >> 12, WORDS = 512 };

// What each word held when last looked at; which pages are in use; which are EPT roots with the image's entry in slot 1.
static uint64_t copy[PAGES][WORDS];
static uint8_t is_used[PAGES], is_grafted[PAGES];

static uint64_t *page_at(uint64_t number) { return (uint64_t *)(number << 12); }

// Words that tell their own address. As a page can be read, executed, or used as a guest's page table, there are three kinds:
//
//   bit 3 of the address clear   MOV $address, %ecx; HLT; HLT; HLT
//   bit 3 set                    an entry of a guest page table that maps the page that the entry itself lies in,
//                                through the window, with the entry's index in the ignored bits 60:52
//   the last word of a page      ends in 48H B9H and the page's number in 24 bits: MOV $imm64, %rcx whose other five
//                                bytes are in the next page
uint64_t pattern_word(uint64_t address) {
  uint64_t index = address >> 3 & 511;
  if (index == 511) return 0xEEEEEE | 0xB948UL << 24 | address >> 12 << 40;
  if (index & 1) return (WINDOW_GPA + (address & ~0xfffUL)) | 0x67 | index << 52;
  return 0xB9 | (address & 0xffffffff) << 8 | 0xF4F4F4UL << 40;
}

uint64_t pattern_address(uint64_t value, uint64_t offset) {
  uint64_t page;
  if (offset >> 3 == 511) {
    page = value >> 40 << 12;
  } else if (offset & 8) {
    page = (value & 0xFFFFFFFFFF000) - WINDOW_GPA;
  } else {
    page = value >> 8 & 0xFFFFF000;
  }
  uint64_t address = page | (offset & 0xff8);
  if (address < PATTERN || address >= PATTERN_END || pattern_word(address) != value) return ~0UL;
  return address;
}

void memory_start(void) {
  memset(page_at(SCRIPT_MEMORY >> 12), 0, SCRIPT_MEMORY_END - SCRIPT_MEMORY);
  for (uint64_t address = PATTERN; address < PATTERN_END; address += 8) *(uint64_t *)address = pattern_word(address);
}

void memory_zero(void) {
  for (uint64_t number = 0; number < PAGES; number++) {
    if (is_used[number]) memset(page_at(number), 0, 4096);
    is_used[number] = is_grafted[number] = 0;
  }
}

// Whether the word holds the image's own entry.
static int is_own(uint64_t address) { return is_grafted[address >> 12] && (address & 0xfff) == 8; }

int is_script_word(uint64_t address) { return is_script_memory(address) && !(address & 7) && !is_own(address); }

int is_script_memory(uint64_t address) { return address >= SCRIPT_MEMORY && address < SCRIPT_MEMORY_END; }

void memory_use(uint64_t address) {
  if (!is_script_memory(address) || is_used[address >> 12]) return;
  is_used[address >> 12] = 1;
  memset(copy[address >> 12], 0, 4096);
}

int memory_write(uint64_t address, uint64_t value) {
  if (!is_script_word(address)) return 0;
  memory_use(address);
  *(uint64_t *)address = copy[address >> 12][address >> 3 & 511] = value;
  return 1;
}

void memory_expect(uint64_t address, uint64_t value) {
  memory_use(address);
  copy[address >> 12][address >> 3 & 511] = value;
}

uint64_t memory_read(uint64_t address) {
  return is_script_memory(address) && !is_own(address) ? *(uint64_t *)address : 0;
}

int memory_graft(uint64_t root, uint64_t entry) {
  if (!is_script_memory(root) || root & 0xfff) return 0;
  memory_use(root);
  is_grafted[root >> 12] = 1;
  page_at(root >> 12)[1] = copy[root >> 12][1] = entry;
  return 1;
}

// The first word from `index` on that differs; WORDS if none does.
static uint64_t next_difference(const uint64_t *page, const uint64_t *old, uint64_t index) {
  const uint64_t *a = page + index, *b = old + index;
  uint64_t count = WORDS - index;
  uint8_t differs;
  if (!count) return WORDS;
  asm volatile("repe cmpsq; setne %3" : "+S"(a), "+D"(b), "+c"(count), "=q"(differs)::"memory", "cc");
  return differs ? (uint64_t)(a - page) - 1 : WORDS;
}

void memory_report_changes(void) {
  for (uint64_t number = 0; number < PAGES; number++) {
    if (!is_used[number]) continue;
    uint64_t *page = page_at(number), *old = copy[number];
    for (uint64_t i = next_difference(page, old, 0); i < WORDS; i = next_difference(page, old, i + 1)) {
      put_field(" ", (number << 12) + 8 * i);
      put_field("=", page[i]);
      old[i] = page[i];
    }
  }
}
