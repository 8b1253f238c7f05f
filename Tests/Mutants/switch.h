#include <stdbool.h>

_Bool gi_mutant(int number);
