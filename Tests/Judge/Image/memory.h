// The memory that scripts write, with a copy of what it should hold, and the pages whose words tell their own address.
#pragma once
#include <stdint.h>

// Fills the pattern pages.
void memory_start(void);
// `zero`: every page of script memory becomes 0 and unused.
void memory_zero(void);
// Whether an address lies in script memory, and whether a script may write the word there.
int is_script_memory(uint64_t address);
int is_script_word(uint64_t address);
// Makes the page of an address one whose changes are reported.
void memory_use(uint64_t address);
// `w64`; false if the word is not the script's.
int memory_write(uint64_t address, uint64_t value);
// A store by the guest that is not to be reported: the word is meant to hold this.
void memory_expect(uint64_t address, uint64_t value);
// `r64`.
uint64_t memory_read(uint64_t address);
// Puts the image's own entry into slot 1 of an EPT root; false if the root is not in script memory.
int memory_graft(uint64_t root, uint64_t entry);
// Lists every word that is not as it was: ` ADDRESS=VALUE`.
void memory_report_changes(void);

// The address of the word of a pattern page that reads `value` and lies at `offset` in its page; ~0 if it is no such word.
uint64_t pattern_address(uint64_t value, uint64_t offset);
// What a word of a pattern page holds.
uint64_t pattern_word(uint64_t address);
