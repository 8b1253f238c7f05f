#pragma once
#include <stddef.h>
#include <stdint.h>

// The read side of schemes of reclamation: `count` reads of one published pointer, alone on its thread.
uint64_t read_side_raw(size_t count);
uint64_t read_side_quiescent(size_t count);
uint64_t read_side_epoch(size_t count);
uint64_t read_side_hazard(size_t count);
uint64_t read_side_counted(size_t count);
uint64_t read_side_rwlock(size_t count);
uint64_t read_side_mutex(size_t count);
