#include "switch.h"
#include <stdlib.h>

/* The planted fault that this run makes; 0 for none. */
static int chosen;

__attribute__((constructor)) static void choose(void) {
  const char *text = getenv("GI_MUTANT");
  chosen = text ? atoi(text) : 0;
}

_Bool gi_mutant(int number) { return number == chosen; }
