#include "Check.h"

static uint32_t table[256];

__attribute__((constructor)) static void make_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t code = byte;
    for (int bit = 0; bit < 8; bit++) code = code >> 1 ^ (0x82f63b78u & -(code & 1));
    table[byte] = code;
  }
}

static uint32_t add(uint32_t code, uint64_t word) {
  for (int byte = 0; byte < 8; byte++, word >>= 8) code = code >> 8 ^ table[(code ^ word) & 0xff];
  return code;
}

uint32_t node_check_portable(uint64_t keys, uint64_t word, uint64_t seed) {
  return add(add((uint32_t)seed, keys), word);
}

#if defined(__x86_64__)
static bool has_instruction;

__attribute__((constructor)) static void look_for_instruction(void) {
  __builtin_cpu_init();
  has_instruction = __builtin_cpu_supports("sse4.2");
}

CRC32 uint32_t node_check(uint64_t keys, uint64_t word, uint64_t seed) {
  return has_instruction ? check_by_instruction(keys, word, seed) : node_check_portable(keys, word, seed);
}
#else
uint32_t node_check(uint64_t keys, uint64_t word, uint64_t seed) { return node_check_portable(keys, word, seed); }
#endif
