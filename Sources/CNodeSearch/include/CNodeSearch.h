// The look-up of one page in a tree's nodes, in C since Swift cannot choose instructions by the processor it runs on.
//
// MonitorTree describes the nodes (NodeLayout) and examines them at length; this is the one hot path.
#ifndef CNODESEARCH_H
#define CNODESEARCH_H

#include <stdbool.h>
#include <stdint.h>

/// Offsets in a leaf's block of 256 bytes, and in an interior node.
enum {
  node_block_bytes = 256,
  node_block_words = 8,
  node_block_keys = 128,
  node_block_checks = 192,
  node_interior_keys = 64,
  node_interior_block_keys = 320,
  node_interior_words = 3392,
  node_interior_checks = 3776,
};

/// The check code of a statement: CRC-32C (polynomial 0x1EDC6F41, not inverted) over both keys and the word, started from
/// the low half of `seed`. Any change of one to five bits, or within 32 bits in a row, changes the code.
uint32_t node_check(uint64_t keys, uint64_t word, uint64_t seed);

/// What a look-up found, in two registers.
typedef struct {
  /// The claim on the page; 0 if there is none.
  uint64_t word;
  /// The first page of the statement; above `UINT32_MAX` for whatever is rare and left undecided: a page of the tree,
  /// several owners, a statement that does not hold.
  uint64_t start;
} node_finding;

static inline bool node_is_decided(node_finding found) { return found.start <= UINT32_MAX; }

/// Looks up `page`, below `page_count`, in the tree below `base`; `memory` is page 0 of `page_count` pages of 4 KiB.
///
/// Reads no byte outside these pages, whatever they hold, and none of a node before its page was compared with `page`.
typedef node_finding (*_Nonnull node_look_up)(
    const void *_Nonnull memory, uint32_t page_count, uint64_t base, uint32_t page);

/// The look-up by the best instructions that the processor has; chosen before the program starts, so that none asks.
extern node_look_up node_fastest_look_up;

static inline node_finding node_find(const void *_Nonnull memory, uint32_t page_count, uint64_t base, uint32_t page) {
  return node_fastest_look_up(memory, page_count, base, page);
}

/// The instruction sets that the look-up is written for.
typedef enum { node_portable, node_avx2, node_avx512 } node_instructions;

/// Whether the processor has them.
bool node_has(node_instructions set);

/// The look-up by these instructions, which the processor has, for tests and measurements.
node_finding node_find_by(
    node_instructions set, const void *_Nonnull memory, uint32_t page_count, uint64_t base, uint32_t page);

/// `node_check` without the processor's own instruction, for tests.
uint32_t node_check_portable(uint64_t keys, uint64_t word, uint64_t seed);

#endif
