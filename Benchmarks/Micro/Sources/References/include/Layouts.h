#pragma once
#include <stddef.h>
#include <stdint.h>

#include "Search.h"

/// Ways to lay out a tree node in a 4 KiB page that were tried for the monitor tree, each with the same checks on the
/// way: page numbers in bounds, the node's page is not the page sought, every entry's check code. All nodes are full.
typedef enum {
  layout_binary,      // sorted keys, branchless binary search in the node
  layout_scan,        // sorted keys, all of them compared by SIMD
  layout_eytzinger,   // keys in breadth-first order of a balanced binary tree
  layout_stree,       // 15 router keys in the header's line, 16 blocks of 16 keys
  layout_blocks,      // the chosen one: a leaf's block keys lie in its parent, keys, words and checks of a block together
  layout_unchecked,   // the same, believing every node: what the checks cost
} layout_kind;

typedef enum { isa_sse2, isa_avx2, isa_avx512 } layout_isa;

typedef struct layout_tree layout_tree;

/// A tree of all ranges, or NULL if the processor has no such instructions or the layout is not written for them.
layout_tree *layout_make(layout_kind kind, layout_isa isa, const reference_ranges *ranges);
void layout_free(layout_tree *tree);
/// The sum over the queries of the covering range's actions.
uint64_t layout_search(const layout_tree *tree, const uint32_t *queries, size_t count);
/// How many queries met an entry that did not hold; 0 unless the layout is written wrongly.
uint64_t layout_failures(const layout_tree *tree);
size_t layout_pages(const layout_tree *tree);
