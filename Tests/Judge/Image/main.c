// The image: enters VMX operation, serves the script that GRUB has loaded as a module, and switches the machine off.
#include <stdint.h>

#include "area.h"
#include "console.h"
#include "layout.h"
#include "machine.h"
#include "memory.h"
#include "query.h"
#include "script.h"
#include "vmx.h"

extern const uint64_t trap_stubs[32];
uint64_t host_idt[64] __attribute__((aligned(16)));

static void set_host_idt(void) {
  for (int vector = 0; vector < 32; vector++) {
    uint64_t stub = trap_stubs[vector];
    host_idt[2 * vector] = (stub & 0xffff) | 8 << 16 | 0x8E00UL << 32 | (stub >> 16 & 0xffff) << 48;
    host_idt[2 * vector + 1] = stub >> 32;
  }
  struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = {sizeof host_idt - 1, (uint64_t)host_idt};
  asm volatile("lidt %0" ::"m"(idtr));
}

// Moves the script where nothing else is; how long it is. Multiboot information: flags at 0, bit 3 for modules, their count at 20,
// their list at 24, each with start and end.
static uint64_t take_script(uint32_t boot_information) {
  const uint32_t *information = (const uint32_t *)(uint64_t)boot_information;
  if (!(information[0] & 8) || !information[5]) give_up("no script");
  const uint32_t *module = (const uint32_t *)(uint64_t)information[6];
  uint64_t length = module[1] - module[0];
  if (length > SCRIPT_TEXT_END - SCRIPT_TEXT) give_up("the script is too long");
  memcpy((void *)SCRIPT_TEXT, (const void *)(uint64_t)module[0], length);
  return length;
}

void image_main(uint32_t boot_information) {
  set_host_idt();
  const char *script = (const char *)SCRIPT_TEXT, *end = script + take_script(boot_information);
  vmx_start();
  vmx_report_capabilities();
  memory_start();
  area_start();
  while (script < end) {
    const char *line_end = script;
    while (line_end < end && *line_end != '\n') line_end++;
    script_line(script, line_end);
    script = line_end + 1;
  }
  put("# end after ");
  put_decimal(query_count);
  put(" queries\n");
  power_off();
}
