#pragma once
#include <stddef.h>
#include <stdint.h>

/// What an EPT entry is tested with: masks that capabilities and controls amount to, the same that our walker uses.
typedef struct {
  uint64_t present;      // bits of which one must be set
  uint64_t bad_rights;   // bit n: a table entry whose bits 2:0 are n is misconfigured
  uint64_t bad_leaf;     // bit n: a leaf whose bits 5:0 are n is misconfigured
  uint64_t readable_if;  // a leaf with this bit must be readable
  uint64_t page_1g;      // bit 7 if a PDPTE may map a page
  uint64_t page_2m;      // bit 7 if a PDE may map a page
  uint64_t reserved;     // bits 51:MAXPHYADDR
} reference_rules;

/// One processor: its memory, the EPT root, the guest's CR3.
typedef struct {
  const uint64_t *memory;
  uint64_t bytes;  // beyond them loads give all ones
  uint64_t root;
  uint64_t cr3;
  reference_rules rules;
} reference_processor;

/// Data writes at guest-physical addresses, one EPT walk each, accessed and dirty flags for EPT disabled.
/// Returns the sum of the host-physical addresses, with the complement of the exit qualification for a violation and 1
/// for a misconfiguration.
uint64_t reference_ept_writes(const reference_processor *processor, const uint64_t *gpas, size_t count);

/// Supervisor data writes at linear addresses, a walk of the guest's tables through EPT each: 24 references.
/// Returns the same sum, with 2 for a page fault and 3 for an address that is not canonical.
uint64_t reference_linear_writes(const reference_processor *processor, const uint64_t *linears, size_t count);
