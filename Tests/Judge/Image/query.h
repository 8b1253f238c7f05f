// The queries of the walk protocol, each made by a guest.
#pragma once
#include <stdint.h>

enum access_kind { READ, WRITE, UPDATE, FETCH, SHADOW_READ, SHADOW_WRITE };

// One access: linear address, what it does, how many bytes (1, 8, or 10 of an instruction), in user mode or not, under which CR3.
struct access {
  uint64_t linear, cr3;
  enum access_kind kind;
  int size, user;
  // The access under test is that of the walk to the guest's page table, at this offset in its page; what follows is only to see
  // which page it read.
  int is_walk;
  uint64_t walk_offset;
};

// `gpa` and `la`: enters the guest, answers, and puts the page back as it was.
void query_access(const struct access *access);
// `gpa ... lv=0`: a PAE guest loads its PDPTE registers from there.
void query_pdptes(uint64_t gpa);
void query_vmfunc(uint64_t eax, uint64_t ecx, int user);
void query_pointer(uint64_t eptp);
void query_invept(uint64_t type, uint64_t eptp);
void query_invvpid(uint64_t type, uint64_t vpid, uint64_t linear);

// What a write stores in each byte.
enum { STORED = 0xA5 };
// Looks for what a write has stored in a pattern page, and puts the words back; whether every byte was stored.
int query_restore(uint64_t address, int size);

// How many queries were answered.
extern uint64_t query_count;
