// The image's part of the guest: its code, its guest tables, and the entry that every EPT root under test is given for them.
#pragma once
#include <stdint.h>

// Builds the area.
void area_start(void);
// Gives an EPT root slot 1; false if the root is not in script memory.
int area_graft(uint64_t eptp);
// Gives slot 1 to every root that the EPTP list names.
void area_graft_list(uint64_t list);
// A guest entry's bits for a page under test.
struct page_bits { int user, writable, no_execute; };
// Maps a linear address to a guest-physical page by the image's own guest tables.
void area_map(uint64_t linear, uint64_t gpa, struct page_bits bits);
// Maps the first 2 MiB of guest-physical memory at the same linear addresses.
void area_map_identity(void);
// Makes a guest-physical page the guest's page table for a linear address.
void area_map_table(uint64_t linear, uint64_t gpa);
// The linear address of a piece of guest.S in the kernel page or the user page.
uint64_t area_code(const uint8_t *piece, int user);

extern const uint8_t guest_begin[], guest_end[], guest_kernel[], guest_user[], guest_system_call[];
extern const uint8_t access_read1[], access_read8[], access_write1[], access_write8[], access_crossing[], access_update1[], access_update8[],
    access_fetch[], access_shadow_read[], access_shadow_write[], access_user_shadow_write[], access_vmfunc[];
extern const uint8_t guest_program[], step_read[], step_write[], step_store[], step_switch[], step_cr3[];
extern const uint8_t unpaged_read[], unpaged_write[], unpaged_update[], unpaged_fetch[], pae_load[];
