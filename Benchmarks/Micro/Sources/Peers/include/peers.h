// Containers of other projects that find the range a page lies in: what one would use who has no monitor tree.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peer peer;

// How many there are, and their names.
size_t peer_count(void);
const char *peer_name(size_t index);

// A container with these ranges, in ascending order and apart; pages are below `limit`. Freed by peer_free.
peer *peer_make(size_t index, const uint32_t *first, const uint32_t *pages, size_t count, uint32_t limit);
// How many of the queries lie in a range.
uint64_t peer_look_up(const peer *peer, const uint32_t *queries, size_t count);
void peer_free(peer *peer);

#ifdef __cplusplus
}
#endif
