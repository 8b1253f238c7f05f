// The answers of the walk protocol.
#pragma once
#include <stdint.h>

// What every access and VMFUNC ends in: the memory written, and the log's index.
void put_effects(void);
// The same where others follow before memory can be looked at.
void put_no_effects(void);
// Every exit but the one that says that the access was made.
void put_exit(void);
// `OK eptp=`.
void put_switched(uint64_t eptp, uint64_t index);
