// The program for /dev/kvm: `gi-kvm SAMPLES [SECONDS]` measures. For tests, `gi-kvm events` only shows what happens,
// and `gi-kvm hang` runs a guest that never ends.
#include "kvm.h"

#include <stdlib.h>
#include <string.h>

#include "processors.h"

int main(int count, char **arguments) {
  begin();
  pin(first_processor());
  if (count == 2 && !strcmp(arguments[1], "hang")) {
    machine_run(machine_make(1), DO_HANG, 1, 0, 0);
    fail("a guest that never ends has ended");
  }
  if (count == 2 && !strcmp(arguments[1], "events")) {
    show_events(machine_make(30));
    finish();
    return 0;
  }
  const int samples = count > 1 ? atoi(arguments[1]) : 10000, seconds = count > 2 ? atoi(arguments[2]) : 30;
  if (samples < 1 || samples > 1000000) fail("expected a number of samples, 1 to 1000000");
  if (seconds < 1 || seconds > 3600) fail("expected a time limit for each run of the guest, 1 to 3600 seconds");
  struct machine *machine = machine_make((unsigned)seconds);
  show_events(machine);
  measure_costs(machine, (unsigned)samples);
  finish();
}
