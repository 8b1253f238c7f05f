#include "Search.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

// Levels of 16-key blocks, each block with 17 children; the lowest level is the sorted array itself ("S+ tree"), so that
// a position in it is the range's number. Keys are below 2^31.
struct reference_stree {
  reference_ranges ranges;
  int levels;
  const int32_t *level[12];  // level[0] = the root block
  size_t blocks[12];
  int32_t *keys;
};

reference_stree *reference_stree_make(const reference_ranges *ranges) {
  reference_stree *tree = calloc(1, sizeof *tree);
  tree->ranges = *ranges;
  size_t counts[12], total = 0;
  int levels = 0;
  for (size_t n = (ranges->count + 15) / 16;; n = (n + 16) / 17) {
    counts[levels++] = n;
    total += n * 16;
    if (n == 1) break;
  }
  tree->keys = aligned_alloc(2 << 20, ((total * 4 >> 21) + 1) << 21);
  for (size_t i = 0; i < total; i++) tree->keys[i] = INT32_MAX;
  int32_t *at = tree->keys;
  tree->levels = levels;
  for (int l = 0; l < levels; l++) {
    int height = levels - 1 - l;  // 0 = lowest
    tree->level[l] = at;
    tree->blocks[l] = counts[height];
    if (height == 0) {
      for (size_t i = 0; i < ranges->count; i++) at[i] = (int32_t)ranges->first[i];
    } else {
      // Key j of block b: the first key below child 17 b + j + 1.
      size_t span = 16;
      for (int h = 1; h < height; h++) span *= 17;
      for (size_t b = 0; b < counts[height]; b++)
        for (size_t j = 0; j < 16; j++) {
          size_t first = (17 * b + j + 1) * span;
          if (first < ranges->count) at[b * 16 + j] = (int32_t)ranges->first[first];
        }
    }
    at += counts[height] * 16;
  }
  return tree;
}

void reference_stree_free(reference_stree *tree) {
  free(tree->keys);
  free(tree);
}

static inline size_t not_above(const int32_t *block, __m128i probe) {
  const __m128i *b = (const __m128i *)block;
  __m128i x = _mm_packs_epi32(_mm_cmpgt_epi32(b[0], probe), _mm_cmpgt_epi32(b[1], probe));
  __m128i y = _mm_packs_epi32(_mm_cmpgt_epi32(b[2], probe), _mm_cmpgt_epi32(b[3], probe));
  return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(_mm_packs_epi16(x, y)) | 0x10000);
}

static inline uint64_t actions_of(const reference_stree *t, uint32_t page, size_t block, size_t within) {
  size_t i = block * 16 + within - 1;
  return t->ranges.actions[i] & -(uint64_t)(page - t->ranges.first[i] < t->ranges.pages[i]);
}

uint64_t reference_stree_search(const reference_stree *t, const uint32_t *queries, size_t count) {
  uint64_t sum = 0;
  int last = t->levels - 1;
  for (size_t j = 0; j < count; j++) {
    __m128i probe = _mm_set1_epi32((int)queries[j]);
    size_t block = 0;
    for (int l = 0; l < last; l++) block = block * 17 + not_above(t->level[l] + block * 16, probe);
    sum += actions_of(t, queries[j], block, not_above(t->level[last] + block * 16, probe));
  }
  return sum;
}

int reference_has_avx512(void) { return __builtin_cpu_supports("avx512f"); }

__attribute__((target("avx512f,bmi,popcnt"))) uint64_t reference_stree_search_avx512(
    const reference_stree *t, const uint32_t *queries, size_t count) {
  uint64_t sum = 0;
  int last = t->levels - 1;
  for (size_t j = 0; j < count; j++) {
    __m512i probe = _mm512_set1_epi32((int)queries[j]);
    size_t block = 0;
    for (int l = 0; l < last; l++)
      block = block * 17 + (size_t)__builtin_popcount(_mm512_cmple_epi32_mask(_mm512_load_si512(t->level[l] + block * 16), probe));
    size_t within = (size_t)__builtin_popcount(_mm512_cmple_epi32_mask(_mm512_load_si512(t->level[last] + block * 16), probe));
    sum += actions_of(t, queries[j], block, within);
  }
  return sum;
}
