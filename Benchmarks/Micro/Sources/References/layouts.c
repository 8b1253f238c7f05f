#include "Layouts.h"

#include <immintrin.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// A reference to a node and a leaf's word are as in the monitor tree's layout: page in 63:33 resp. pages in 63:32.
enum { page_bytes = 4096, end_mark = 0x7fffffff };

#define CRC __attribute__((target("crc32")))

typedef struct {
  uint32_t key;
  uint64_t word;
  uint32_t block_keys[16];
} entry;

struct layout_tree {
  layout_kind kind;
  uint8_t *memory;
  size_t bytes;
  uint32_t pages;
  _Atomic uint64_t base;
  uint64_t failures;
  uint64_t (*search)(struct layout_tree *, const uint32_t *, size_t);
};

CRC static inline uint32_t check_code(uint64_t keys, uint64_t word, uint64_t reference) {
  return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(reference >> 12, keys), word);
}

static uint64_t new_node(layout_tree *tree, int level) {
  uint64_t page = tree->pages++;
  return page << 33 | (page & 0x3ffff) << 15 | (uint64_t)level << 12 | 1;
}

static uint8_t *node_of(const layout_tree *tree, uint64_t reference) { return tree->memory + (reference >> 33) * page_bytes; }

// ---- nodes of one array. In order: keys at 64, words at 1088, checks at 3088. Eytzinger: keys at 0, words at 1024, next
// keys at 2552, checks at 3316, all by slot.

enum { array_capacity = 250, eytzinger_capacity = 190 };

static uint32_t key_or(const entry *e, size_t n, size_t i, uint32_t end) { return i < n ? e[i].key : end; }

CRC static size_t eytzinger(uint8_t *page, size_t slot, size_t i, const entry *e, size_t n, uint32_t end, uint64_t reference) {
  if (slot > n) return i;
  i = eytzinger(page, 2 * slot, i, e, n, end, reference);
  uint32_t next = key_or(e, n, i + 1, end);
  ((uint32_t *)page)[slot] = e[i].key;
  ((uint64_t *)(page + 1024))[slot] = e[i].word;
  ((uint32_t *)(page + 2552))[slot] = next;
  ((uint32_t *)(page + 3316))[slot] = check_code((uint64_t)next << 32 | e[i].key, e[i].word, reference);
  return eytzinger(page, 2 * slot + 1, i + 1, e, n, end, reference);
}

CRC static entry array_node(layout_tree *tree, const entry *e, size_t n, uint32_t end, int level) {
  entry parent = {e[0].key, new_node(tree, level), {0}};
  uint8_t *page = node_of(tree, parent.word);
  uint32_t *keys = (uint32_t *)(page + 64);
  if (tree->kind == layout_eytzinger) {
    for (size_t i = 0; i < 256; i++) ((uint32_t *)page)[i] = end_mark;
    eytzinger(page, 1, 0, e, n, end, parent.word);
    return parent;
  }
  for (size_t i = 0; i < 256; i++) keys[i] = i < n ? e[i].key : i == n ? end : end_mark;
  for (size_t i = 0; i < n; i++) {
    ((uint64_t *)(page + 1088))[i] = e[i].word;
    ((uint32_t *)(page + 3088))[i] = check_code((uint64_t)keys[i + 1] << 32 | keys[i], e[i].word, parent.word);
  }
  uint32_t *router = (uint32_t *)page;
  router[0] = 0x80000000;
  for (size_t b = 1; b < 16; b++) router[b] = keys[16 * b];
  return parent;
}

// ---- the chosen layout

CRC static entry block_leaf(layout_tree *tree, const entry *e, size_t n, uint32_t end) {
  entry parent = {e[0].key, new_node(tree, 0), {0}};
  uint8_t *page = node_of(tree, parent.word);
  size_t from = 0;
  for (size_t b = 0; b < 16; b++) {
    uint8_t *block = page + b * 256;
    uint32_t *keys = (uint32_t *)(block + 128);
    size_t count = (n - from) / (16 - b);
    if (b > 0) parent.block_keys[b - 1] = count ? e[from].key : end_mark;
    for (size_t i = 0; i < 16; i++) keys[i] = i < count ? e[from + i].key : i == count ? key_or(e, n, from + i, end) : end_mark;
    for (size_t i = 0; i < count; i++) {
      uint64_t pair = (uint64_t)keys[i + 1] << 32 | keys[i];
      ((uint64_t *)(block + 8))[i] = e[from + i].word;
      ((uint32_t *)(block + 192))[i] = check_code(pair, e[from + i].word, parent.word);
    }
    from += count;
  }
  parent.block_keys[15] = end_mark;
  return parent;
}

CRC static entry block_interior(layout_tree *tree, const entry *e, size_t n, uint32_t end, int level) {
  entry parent = {e[0].key, new_node(tree, level), {0}};
  uint8_t *page = node_of(tree, parent.word);
  uint32_t *keys = (uint32_t *)(page + 64);
  for (size_t i = 0; i < 49; i++) keys[i] = i < n ? e[i].key : i == n ? end : end_mark;
  for (size_t i = 0; i < n; i++) {
    memcpy(page + 320 + 64 * i, e[i].block_keys, 64);
    ((uint64_t *)(page + 3392))[i] = e[i].word;
    ((uint32_t *)(page + 3776))[i] = check_code((uint64_t)keys[i + 1] << 32 | keys[i], e[i].word, parent.word);
  }
  return parent;
}

static void build(layout_tree *tree, entry *e, size_t n) {
  for (int level = 0; level == 0 || n > 1; level++) {
    size_t capacity = tree->kind < layout_blocks ? (tree->kind == layout_eytzinger ? eytzinger_capacity : array_capacity)
                      : level == 0 ? 240 : 48;
    size_t nodes = (n + capacity - 1) / capacity, from = 0;
    for (size_t i = 0; i < nodes; i++) {
      size_t count = (n - from) / (nodes - i);
      uint32_t end = from + count < n ? e[from + count].key : end_mark;
      entry made = tree->kind < layout_blocks ? array_node(tree, e + from, count, end, level)
                   : level == 0 ? block_leaf(tree, e + from, count, end)
                                : block_interior(tree, e + from, count, end, level);
      e[i] = made;  // i <= from: what is overwritten has been used
      from += count;
    }
    n = nodes;
  }
  tree->base = e[0].word;
}

// ---- look-ups: SEARCH makes one from a way to find an entry's position in an array node

// Foreseen to hold, so that each is a branch: a conditional move would make the next load wait for it.
#define REQUIRE(condition) \
  if (__builtin_expect(!(condition), 0)) goto failed;

#define ENTER(reference)                     \
  REQUIRE((reference) >> 33 != page)         \
  REQUIRE((reference) >> 33 < tree->pages)

#define MUST_HOLD(keys, word, code) REQUIRE((code) == check_code(keys, word, reference))
#define MUST_COVER(keys) REQUIRE(page - (uint32_t)(keys) < (uint32_t)((keys) >> 32) - (uint32_t)(keys))
// For the one variant that shows what the checks cost.
#define UNCHECKED(...)

#define ANSWER(keys, word) \
  sum += ((word) & 0xfff) & -(uint64_t)(page - (uint32_t)(keys) < (uint32_t)((word) >> 32));

static inline uint64_t load_pair(const uint8_t *from) {
  uint64_t pair;
  memcpy(&pair, from, 8);
  return pair;
}

#define SEARCH(name, attributes, position, pair, words, checks)                      \
  attributes static uint64_t name(layout_tree *tree, const uint32_t *queries, size_t count) { \
    uint64_t sum = 0;                                                                \
    for (size_t j = 0; j < count; j++) {                                             \
      uint32_t page = queries[j];                                                    \
      uint64_t reference = atomic_load_explicit(&tree->base, memory_order_acquire);  \
      const uint8_t *node;                                                           \
      for (int level = reference >> 12 & 7;; level--) {                              \
        ENTER(reference)                                                             \
        node = node_of(tree, reference);                                             \
        size_t i = position(node, page);                                             \
        uint64_t keys = pair(node, i), word = ((const uint64_t *)(node + words))[i]; \
        MUST_HOLD(keys, word, ((const uint32_t *)(node + checks))[i])                \
        if (level == 0) {                                                            \
          MUST_COVER(keys)                                                           \
          ANSWER(keys, word)                                                         \
          break;                                                                     \
        }                                                                            \
        reference = word;                                                            \
      }                                                                              \
      continue;                                                                      \
    failed: tree->failures++;                                                        \
    }                                                                                \
    return sum;                                                                      \
  }

#define sorted_pair(node, i) load_pair((node) + 64 + 4 * (i))
#define eytzinger_pair(node, i) \
  ((uint64_t)((const uint32_t *)((node) + 2552))[i] << 32 | ((const uint32_t *)(node))[i])

static inline size_t binary_position(const uint8_t *node, uint32_t page) {
  const uint32_t *keys = (const uint32_t *)(node + 64), *base = keys;
  for (size_t n = 256; n > 1; n /= 2) base = __builtin_unpredictable(base[n / 2] <= page) ? base + n / 2 : base;
  return (size_t)(base - keys);
}

static inline size_t eytzinger_position(const uint8_t *node, uint32_t page) {
  const uint32_t *keys = (const uint32_t *)node;
  size_t k = 1;
  for (int step = 0; step < 8; step++) k = 2 * k + (keys[k] <= page);
  // The last step to the right leads to the greatest key that is not above the page.
  return k >> (__builtin_ctzll(k) + 1);
}

static inline __m128i above_sse2(const uint8_t *keys, __m128i probe) {
  const __m128i *k = (const __m128i *)keys;
  return _mm_add_epi32(_mm_add_epi32(_mm_cmpgt_epi32(k[0], probe), _mm_cmpgt_epi32(k[1], probe)),
                       _mm_add_epi32(_mm_cmpgt_epi32(k[2], probe), _mm_cmpgt_epi32(k[3], probe)));
}

static inline long sum_sse2(__m128i lanes) {
  lanes = _mm_add_epi32(lanes, _mm_shuffle_epi32(lanes, 0xee));
  return _mm_cvtsi128_si32(_mm_add_epi32(lanes, _mm_shuffle_epi32(lanes, 0x55)));
}

static inline size_t scan_position(const uint8_t *node, uint32_t page) {
  __m128i probe = _mm_set1_epi32((int)page), lanes = _mm_setzero_si128();
  for (int line = 0; line < 16; line++) lanes = _mm_add_epi32(lanes, above_sse2(node + 64 + 64 * line, probe));
  return (size_t)(255 + sum_sse2(lanes));
}

#define AVX2 __attribute__((target("avx2,bmi,popcnt,crc32")))
#define AVX512 __attribute__((target("avx512f,avx512vl,bmi,popcnt,crc32")))

#define minus_above_sse2(keys, page) sum_sse2(above_sse2(keys, _mm_set1_epi32((int)(page))))
#define minus_above48_sse2(keys, page)                                                                         \
  sum_sse2(_mm_add_epi32(above_sse2(keys, _mm_set1_epi32((int)(page))),                                         \
                         _mm_add_epi32(above_sse2((keys) + 64, _mm_set1_epi32((int)(page))),                    \
                                       above_sse2((keys) + 128, _mm_set1_epi32((int)(page))))))

AVX2 static inline long minus_above_avx2(const uint8_t *keys, uint32_t page) {
  const __m256i *k = (const __m256i *)keys, probe = _mm256_set1_epi32((int)page);
  __m256i both = _mm256_packs_epi32(_mm256_cmpgt_epi32(k[0], probe), _mm256_cmpgt_epi32(k[1], probe));
  return -(long)(__builtin_popcount((unsigned)_mm256_movemask_epi8(both)) / 2);
}
AVX2 static inline long minus_above48_avx2(const uint8_t *keys, uint32_t page) {
  return minus_above_avx2(keys, page) + minus_above_avx2(keys + 64, page) + minus_above_avx2(keys + 128, page);
}

AVX512 static inline long minus_above_avx512(const uint8_t *keys, uint32_t page) {
  __mmask16 above = _mm512_cmpgt_epi32_mask(_mm512_load_si512(keys), _mm512_set1_epi32((int)page));
  return -(long)__builtin_popcount(above);
}
AVX512 static inline long minus_above48_avx512(const uint8_t *keys, uint32_t page) {
  return minus_above_avx512(keys, page) + minus_above_avx512(keys + 64, page) + minus_above_avx512(keys + 128, page);
}

#define STREE_POSITION(isa, attributes)                                              \
  attributes static inline size_t stree_position_##isa(const uint8_t *node, uint32_t page) { \
    long block = 15 + minus_above_##isa(node, page);                                 \
    return (size_t)(16 * block + 15 + minus_above_##isa(node + 64 + 64 * block, page)); \
  }

STREE_POSITION(sse2, )
STREE_POSITION(avx2, AVX2)
STREE_POSITION(avx512, AVX512)

SEARCH(search_binary, CRC, binary_position, sorted_pair, 1088, 3088)
SEARCH(search_scan, CRC, scan_position, sorted_pair, 1088, 3088)
SEARCH(search_eytzinger, CRC, eytzinger_position, eytzinger_pair, 1024, 3316)
SEARCH(search_stree_sse2, CRC, stree_position_sse2, sorted_pair, 1088, 3088)
SEARCH(search_stree_avx2, AVX2, stree_position_avx2, sorted_pair, 1088, 3088)
SEARCH(search_stree_avx512, AVX512, stree_position_avx512, sorted_pair, 1088, 3088)

#define SEARCH_BLOCKS(name, isa, attributes, enter, must_hold, must_cover)                                    \
  attributes static uint64_t name(layout_tree *tree, const uint32_t *queries, size_t count) {                 \
    uint64_t sum = 0;                                                                                         \
    for (size_t j = 0; j < count; j++) {                                                                      \
      uint32_t page = queries[j];                                                                             \
      uint64_t reference = atomic_load_explicit(&tree->base, memory_order_acquire);                           \
      int level = reference >> 12 & 7;                                                                        \
      const uint8_t *node;                                                                                    \
      long i;                                                                                                 \
      do {                                                                                                    \
        enter(reference)                                                                                      \
        node = node_of(tree, reference);                                                                      \
        i = 47 + minus_above48_##isa(node + 64, page);                                                        \
        uint64_t word = ((const uint64_t *)(node + 3392))[i];                                                 \
        must_hold(load_pair(node + 64 + 4 * i), word, ((const uint32_t *)(node + 3776))[i])                   \
        reference = word;                                                                                     \
      } while (--level > 0);                                                                                  \
      enter(reference)                                                                                        \
      const uint8_t *block = node_of(tree, reference);                                                        \
      block += 256 * ((16 + minus_above_##isa(node + 320 + 64 * i, page)) & 15);                              \
      __builtin_prefetch(block);                                                                              \
      __builtin_prefetch(block + 64);                                                                         \
      __builtin_prefetch(block + 192);                                                                        \
      i = 15 + minus_above_##isa(block + 128, page);                                                          \
      uint64_t keys = load_pair(block + 128 + 4 * i), word = ((const uint64_t *)(block + 8))[i];              \
      must_hold(keys, word, ((const uint32_t *)(block + 192))[i])                                             \
      must_cover(keys)                                                                                        \
      ANSWER(keys, word)                                                                                      \
      continue;                                                                                               \
    failed: __attribute__((unused)) tree->failures++;                                                         \
    }                                                                                                         \
    return sum;                                                                                               \
  }

SEARCH_BLOCKS(search_blocks_sse2, sse2, CRC, ENTER, MUST_HOLD, MUST_COVER)
SEARCH_BLOCKS(search_blocks_avx2, avx2, AVX2, ENTER, MUST_HOLD, MUST_COVER)
SEARCH_BLOCKS(search_blocks_avx512, avx512, AVX512, ENTER, MUST_HOLD, MUST_COVER)
SEARCH_BLOCKS(search_unchecked_avx512, avx512, AVX512, UNCHECKED, UNCHECKED, UNCHECKED)

typedef uint64_t (*search_function)(layout_tree *, const uint32_t *, size_t);

static search_function function_for(layout_kind kind, layout_isa isa) {
  static const search_function functions[][3] = {
      [layout_binary] = {search_binary},
      [layout_scan] = {search_scan},
      [layout_eytzinger] = {search_eytzinger},
      [layout_stree] = {search_stree_sse2, search_stree_avx2, search_stree_avx512},
      [layout_blocks] = {search_blocks_sse2, search_blocks_avx2, search_blocks_avx512},
      [layout_unchecked] = {[isa_avx512] = search_unchecked_avx512},
  };
  if (!__builtin_cpu_supports("sse4.2")) return NULL;
  if (isa == isa_avx2 && !__builtin_cpu_supports("avx2")) return NULL;
  if (isa == isa_avx512 && !__builtin_cpu_supports("avx512vl")) return NULL;
  return functions[kind][isa];
}

layout_tree *layout_make(layout_kind kind, layout_isa isa, const reference_ranges *ranges) {
  search_function search = function_for(kind, isa);
  if (search == NULL) return NULL;
  layout_tree *tree = calloc(1, sizeof *tree);
  tree->kind = kind;
  tree->search = search;
  size_t huge = 2 << 20;
  tree->bytes = ((ranges->count / 100 + 16) * page_bytes / huge + 1) * huge;
  tree->memory = aligned_alloc(huge, tree->bytes);
  madvise(tree->memory, tree->bytes, MADV_HUGEPAGE);
  memset(tree->memory, 0, tree->bytes);
  tree->pages = 1;
  entry *entries = calloc(ranges->count, sizeof *entries);
  for (size_t i = 0; i < ranges->count; i++) {
    entries[i].key = ranges->first[i];
    entries[i].word = (uint64_t)ranges->pages[i] << 32 | ranges->actions[i];
  }
  build(tree, entries, ranges->count);
  free(entries);
  return tree;
}

void layout_free(layout_tree *tree) {
  free(tree->memory);
  free(tree);
}

uint64_t layout_search(const layout_tree *tree, const uint32_t *queries, size_t count) {
  return tree->search((layout_tree *)tree, queries, count);
}

uint64_t layout_failures(const layout_tree *tree) { return tree->failures; }
size_t layout_pages(const layout_tree *tree) { return tree->pages - 1; }
