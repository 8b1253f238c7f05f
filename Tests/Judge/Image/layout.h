// Where everything lies: host-physical memory, and the part of the guest's address spaces that is the image's own.
#pragma once

#ifdef __ASSEMBLER__
#define ADDRESS(n) n
#else
#define ADDRESS(n) n##UL
#endif

// Host-physical memory. The image itself is linked at 8000000H; Bochs has 256 MiB.
#define SCRIPT_MEMORY ADDRESS(0x1000)      // what `w64` may write: tables, log, list, information area
#define SCRIPT_MEMORY_END ADDRESS(0x80000)
#define PATTERN ADDRESS(0x200000)          // pages a guest may be given; each word tells its own address
#define PATTERN_END ADDRESS(0x4000000)
#define AREA ADDRESS(0xA000000)            // the image's part of the guest: 2 MiB
#define SCRIPT_TEXT ADDRESS(0xC000000)     // the script, moved out of the way
#define SCRIPT_TEXT_END ADDRESS(0xFC00000)

// Guest-physical: slot 1 of every EPT root is the image's. There the area, and host-physical memory from 0 on.
#define AREA_GPA ADDRESS(0x8000000000)
#define WINDOW_GPA ADDRESS(0x8040000000)

// A guest of 32 address bits has its code where the script puts the area: at this guest-physical address, and linear one.
#define LOW_AREA ADDRESS(0xFFE00000)

// Guest-linear: slot 254 is the image's under its own guest tables. Global pages, so that they outlive MOV to CR3.
#define AREA_LINEAR ADDRESS(0x7F0000000000)
#define KERNEL_CODE (AREA_LINEAR + ADDRESS(0x10000))
#define USER_CODE (AREA_LINEAR + ADDRESS(0x11000))
#define PROGRAM (AREA_LINEAR + ADDRESS(0x12000))
#define WINDOW_LINEAR (AREA_LINEAR + ADDRESS(0x200000))

// Pages of the area, as offsets.
#define OWN_PML4 0x1000   // guest tables of `gpa` queries
#define OWN_PDPT 0x2000   // slot 254
#define OWN_PD 0x3000
#define OWN_PT 0x7000
#define TEST_PDPT 0x4000  // the linear address of a `gpa` query
#define TEST_PD 0x5000
#define TEST_PT 0x6000
#define KERNEL_CODE_PAGE 0x10000
#define USER_CODE_PAGE 0x11000
#define PROGRAM_PAGE 0x12000
#define PAE_PD_PAGE 0x13000 // page directory of a PAE guest's last GiB
