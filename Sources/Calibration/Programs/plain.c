// The plain program: `plain SAMPLES`.
#include "plain.h"

#include <stdlib.h>

#include "processors.h"

int main(int count, char **arguments) {
  begin();
  const int samples = count > 1 ? atoi(arguments[1]) : 10000;
  if (samples < 1 || samples > 10000000) fail("expected a number of samples, 1 to 10000000");
  pin(first_processor());
  measure_clock();
  measure_memory((unsigned)samples);
  measure_tlb((unsigned)samples);
  measure_locked_store((unsigned)samples);
  finish();
}
