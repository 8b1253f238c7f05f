#pragma once
#include <stddef.h>
#include <stdint.h>

/// Ranges in structure-of-arrays form: ascending first pages, numbers of pages, actions. first[0] must be 0.
typedef struct {
  const uint32_t *first;
  const uint32_t *pages;
  const uint16_t *actions;
  size_t count;
} reference_ranges;

/// Branchless binary search over the first pages, then the test whether the range covers the page.
/// Returns the sum over the queries of the covering range's actions (0 where none covers).
uint64_t reference_binary_search(const reference_ranges *ranges, const uint32_t *queries, size_t count);

/// An implicit static B-tree ("S-tree") of 16-key blocks over the first pages, searched with SSE2.
typedef struct reference_stree reference_stree;
reference_stree *reference_stree_make(const reference_ranges *ranges);
void reference_stree_free(reference_stree *tree);
uint64_t reference_stree_search(const reference_stree *tree, const uint32_t *queries, size_t count);
/// The same tree searched with AVX-512; 0 if the processor has none.
int reference_has_avx512(void);
uint64_t reference_stree_search_avx512(const reference_stree *tree, const uint32_t *queries, size_t count);
