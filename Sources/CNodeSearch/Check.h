// CRC-32C by the processor's instruction where it has one, else by a table.
#ifndef NODESEARCH_CHECK_H
#define NODESEARCH_CHECK_H

#include "CNodeSearch.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#define CRC32 __attribute__((target("crc32")))
CRC32 static inline uint32_t check_by_instruction(uint64_t keys, uint64_t word, uint64_t seed) {
  return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(seed, keys), word);
}
#endif

#endif
