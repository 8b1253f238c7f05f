// Makes one call of the operating system fail: preloaded to a program under test (LD_PRELOAD).
//
//   GI_FAIL="KIND NUMBER ERRNO"   call NUMBER of that kind, counted from 1, fails with ERRNO
//                                 ERRNO 0: it does one byte only; ERRNO -1: it does nothing and answers 0, as every one after it
//   GI_CALLS=PATH                 at the end, "KIND COUNT" of every kind goes to that file
//
// Kinds: open, read, write, sync, link, rename. Of reads and writes those of descriptors above 2 are counted.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { OPEN, READ, WRITE, SYNC, LINK, RENAME, KINDS };
static const char *const names[KINDS] = {"open", "read", "write", "sync", "link", "rename"};
static atomic_long counts[KINDS];
static int failing = KINDS, error;
static long which;

__attribute__((constructor)) static void begin(void) {
  char name[16];
  const char *plan = getenv("GI_FAIL");
  if (!plan || sscanf(plan, "%15s %ld %d", name, &which, &error) != 3) return;
  for (int kind = 0; kind < KINDS; kind++)
    if (strcmp(name, names[kind]) == 0) failing = kind;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("GI_CALLS");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  for (int kind = 0; kind < KINDS; kind++) fprintf(file, "%s %ld\n", names[kind], counts[kind]);
  fclose(file);
}

// Whether it is this call's turn to fail.
static int fails(enum kind kind) {
  long number = atomic_fetch_add(&counts[kind], 1) + 1;
  if (kind != failing || (error < 0 ? number < which : number != which)) return 0;
  errno = error;
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define COUNTED(kind, name, parameters, arguments)                     \
  ssize_t name parameters {                                            \
    if (descriptor > 2 && fails(kind)) {                               \
      if (error) return error < 0 ? 0 : -1;                            \
      if (size > 1) size = 1;                                          \
    }                                                                  \
    return NEXT(name) arguments;                                       \
  }

COUNTED(READ, read, (int descriptor, void *bytes, size_t size), (descriptor, bytes, size))
COUNTED(READ, pread, (int descriptor, void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
COUNTED(READ, pread64, (int descriptor, void *bytes, size_t size, off64_t at), (descriptor, bytes, size, at))
COUNTED(WRITE, write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size))
COUNTED(WRITE, pwrite, (int descriptor, const void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
COUNTED(WRITE, pwrite64, (int descriptor, const void *bytes, size_t size, off64_t at), (descriptor, bytes, size, at))

int fsync(int descriptor) { return fails(SYNC) ? -1 : NEXT(fsync)(descriptor); }

int linkat(int from, const char *old, int to, const char *new, int flags) {
  return fails(LINK) ? -1 : NEXT(linkat)(from, old, to, new, flags);
}

int rename(const char *old, const char *new) { return fails(RENAME) ? -1 : NEXT(rename)(old, new); }

#define OPENED(name)                                                   \
  int name(const char *path, int flags, ...) {                         \
    va_list rest;                                                      \
    va_start(rest, flags);                                             \
    mode_t mode = va_arg(rest, mode_t);                                \
    va_end(rest);                                                      \
    return fails(OPEN) ? -1 : NEXT(name)(path, flags, mode);           \
  }

OPENED(open)
OPENED(open64)
