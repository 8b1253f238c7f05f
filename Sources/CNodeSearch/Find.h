// The look-up, included once for each instruction set, which defines
//   FIND               the function's name and attributes
//   NOT_ABOVE(keys)    how many of 16 ascending keys, one cache line, are not above `probe`; 0 ... 16 whatever they are
//   NOT_ABOVE_OF_THREE(keys)  the same of three lines that follow each other, 0 ... 48
//   PROBE(page)        what is compared with the keys
//   CHECK(k, w, s)     the check code
//
// Conditions that do not hold lead out by a branch each, foreseen to hold: the loads that come next do not wait for them.

FIND(const void *memory, uint32_t page_count, uint64_t reference, uint32_t page) {
  uint32_t level = level_of(reference);
  if (RARELY(level == 0)) return undecided();
  PROBE(page);
  const uint8_t *node;
  size_t position;
  do {
    // Identity before content: the number comes from the base pointer or from a statement of the node above.
    if (RARELY(page_of(reference) == page)) return undecided();
    if (RARELY(page_of(reference) >= page_count)) return undecided();
    node = page_at(memory, page_of(reference));
    const uint8_t *keys = node + node_interior_keys;
    // 0 ... 47; -1 only if the node is corrupt, and then what is loaded lies in the node and is no statement.
    position = NOT_ABOVE_OF_THREE(keys) - 1;
    uint64_t word = load64(node + node_interior_words + position * 8);
    uint32_t check = CHECK(load64(keys + position * 4), word, reference >> 12);
    if (RARELY(load32(node + node_interior_checks + position * 4) != check)) return undecided();
    reference = word;
  } while (--level > 0);
  if (RARELY(page_of(reference) == page)) return undecided();
  if (RARELY(page_of(reference) >= page_count)) return undecided();
  const size_t index = NOT_ABOVE(node + node_interior_block_keys + position * 64) & 15;
  const uint8_t *block = page_at(memory, page_of(reference)) + index * node_block_bytes;
  // Words and checks come while the keys do.
  __builtin_prefetch(block);
  __builtin_prefetch(block + 64);
  __builtin_prefetch(block + node_block_checks);
  // 0 ... 14; -1 and 15 only if a node is corrupt, as above.
  position = NOT_ABOVE(block + node_block_keys) - 1;
  uint64_t keys = load64(block + node_block_keys + position * 4);
  uint64_t word = load64(block + node_block_words + position * 8);
  if (RARELY(load32(block + node_block_checks + position * 4) != CHECK(keys, word, reference >> 12))) return undecided();
  uint32_t start = (uint32_t)keys, within = page - start;
  if (RARELY(within >= (uint32_t)(keys >> 32) - start)) return undecided();
  if (RARELY(word & ordinal_mask)) return undecided();
  return (node_finding){within < (uint32_t)(word >> 32) ? word : 0, start};
}

#undef FIND
#undef NOT_ABOVE
#undef NOT_ABOVE_OF_THREE
#undef PROBE
#undef CHECK
