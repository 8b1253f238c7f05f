// What Swift cannot say about the host: that a cache line will be read soon.
#ifndef CHOST_H
#define CHOST_H

/// Asks for a cache line that will be read soon; any address will do.
static inline void chost_prefetch(const void *_Nonnull line) { __builtin_prefetch(line); }

#endif
