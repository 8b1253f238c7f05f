#include "switch.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { limit = 4096 };

/* The planted fault that this run makes; 0 for none. */
static int chosen;
/* The faults that this run came by. */
static volatile unsigned char reached[limit];

__attribute__((constructor)) static void choose(void) {
  const char *text = getenv("GI_MUTANT");
  chosen = text ? atoi(text) : 0;
}

_Bool gi_mutant(int number) {
  if (!reached[number]) reached[number] = 1;
  return number == chosen;
}

/* Appends the numbers of the faults that were reached to the file named by GI_REACHED; a test's child processes, too. */
__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("GI_REACHED");
  int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
  if (file < 0) return;
  for (int number = 1; number < limit; number++)
    if (reached[number]) dprintf(file, "%d\n", number);
  close(file);
}
