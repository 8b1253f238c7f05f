#include <string.h>

#include "Check.h"

#define RARELY(condition) __builtin_expect((condition), false)

// A reference to a node: page in 63:33, level in 14:12 (NodeReference). A claim: ordinal in 15:12 (Claim).
static inline uint32_t page_of(uint64_t reference) { return (uint32_t)(reference >> 33); }
static inline uint32_t level_of(uint64_t reference) { return (uint32_t)reference >> 12 & 7; }
static const uint64_t ordinal_mask = 0xf000;

static inline const uint8_t *page_at(const void *memory, uint32_t page) {
  return (const uint8_t *)memory + ((uint64_t)page << 12);
}

static inline uint32_t load32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

static inline uint64_t load64(const uint8_t *from) {
  uint64_t value;
  memcpy(&value, from, sizeof value);
  return value;
}

// A call whose result is not foreseen, so that no register is kept for it on the way that is usually taken.
__attribute__((noinline, cold)) static node_finding undecided(void) {
  node_finding rare = {0, UINT64_MAX};
  __asm__("" : "+r"(rare.word), "+r"(rare.start));
  return rare;
}

typedef int32_t lanes4 __attribute__((vector_size(16)));

static inline size_t not_above_portable(const uint8_t *keys, lanes4 probe) {
  const lanes4 *k = (const lanes4 *)keys;
  lanes4 above = ((k[0] > probe) + (k[1] > probe)) + ((k[2] > probe) + (k[3] > probe));
  above += __builtin_shufflevector(above, above, 2, 3, 2, 3);
  return (size_t)(16 + above[0] + above[1]);
}

#define FIND static node_finding find_portable
#define PROBE(page) const lanes4 probe = (lanes4){0, 0, 0, 0} + (int32_t)(page)
#define NOT_ABOVE(keys) not_above_portable((keys), probe)
#define NOT_ABOVE_OF_THREE(keys) (NOT_ABOVE(keys) + NOT_ABOVE((keys) + 64) + NOT_ABOVE((keys) + 128))
#define CHECK node_check
#include "Find.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,crc32")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,popcnt,crc32")))

AVX2 static inline size_t not_above_avx2(const uint8_t *keys, __m256i probe) {
  const __m256i *k = (const __m256i *)keys;
  __m256i above = _mm256_packs_epi32(_mm256_cmpgt_epi32(k[0], probe), _mm256_cmpgt_epi32(k[1], probe));
  return 16 - (size_t)_mm_popcnt_u32((uint32_t)_mm256_movemask_epi8(above)) / 2;
}

#define FIND AVX2 static node_finding find_avx2
#define PROBE(page) const __m256i probe = _mm256_set1_epi32((int32_t)(page))
#define NOT_ABOVE(keys) not_above_avx2((keys), probe)
#define NOT_ABOVE_OF_THREE(keys) (NOT_ABOVE(keys) + NOT_ABOVE((keys) + 64) + NOT_ABOVE((keys) + 128))
#define CHECK check_by_instruction
#include "Find.h"

AVX512 static inline size_t not_above_avx512(const uint8_t *keys, __m512i probe) {
  return (size_t)_mm_popcnt_u32(_mm512_cmple_epi32_mask(_mm512_load_si512(keys), probe));
}

// Three masks side by side in one word, counted once: that spares two counts and their sum on the way to the next node.
AVX512 static inline size_t not_above_of_three_avx512(const uint8_t *keys, __m512i probe) {
  __mmask16 first = _mm512_cmple_epi32_mask(_mm512_load_si512(keys), probe);
  __mmask16 second = _mm512_cmple_epi32_mask(_mm512_load_si512(keys + 64), probe);
  __mmask16 third = _mm512_cmple_epi32_mask(_mm512_load_si512(keys + 128), probe);
  __mmask64 all = _mm512_kunpackd((__mmask64)third, (__mmask64)_mm512_kunpackw(second, first));
  return (size_t)_mm_popcnt_u64(_cvtmask64_u64(all));
}

#define FIND AVX512 static node_finding find_avx512
#define PROBE(page) const __m512i probe = _mm512_set1_epi32((int32_t)(page))
#define NOT_ABOVE(keys) not_above_avx512((keys), probe)
#define NOT_ABOVE_OF_THREE(keys) not_above_of_three_avx512((keys), probe)
#define CHECK check_by_instruction
#include "Find.h"
#endif

static const node_look_up look_ups[] = {
    find_portable,
#if defined(__x86_64__)
    find_avx2,
    find_avx512,
#endif
};

bool node_has(node_instructions set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
              __builtin_cpu_supports("sse4.2");
  if (set == node_avx2) return avx2;
  if (set == node_avx512)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
#endif
  return set == node_portable;
}

node_look_up node_fastest_look_up = find_portable;

__attribute__((constructor)) static void choose(void) {
  if (node_has(node_avx2)) node_fastest_look_up = look_ups[node_avx2];
  if (node_has(node_avx512)) node_fastest_look_up = look_ups[node_avx512];
}

node_finding node_find_by(
    node_instructions set, const void *memory, uint32_t page_count, uint64_t base, uint32_t page) {
  return look_ups[set](memory, page_count, base, page);
}
