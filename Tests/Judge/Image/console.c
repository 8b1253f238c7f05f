#include "console.h"

#include "machine.h"

void put_char(char c) { out8(0xE9, c); }

void put(const char *text) {
  while (*text) put_char(*text++);
}

void put_hex(uint64_t value) {
  int shift = 60;
  while (shift && !(value >> shift)) shift -= 4;
  for (; shift >= 0; shift -= 4) put_char("0123456789abcdef"[value >> shift & 15]);
}

void put_decimal(uint64_t value) {
  if (value >= 10) put_decimal(value / 10);
  put_char('0' + value % 10);
}

void put_field(const char *name, uint64_t value) {
  put(name);
  put_hex(value);
}

void power_off(void) {
  for (const char *word = "Shutdown"; *word; word++) out8(0x8900, *word);
  for (;;) asm volatile("cli; hlt");
}

void give_up(const char *why) {
  put("# the image gives up: ");
  put(why);
  put_char('\n');
  power_off();
}

void host_exception(uint64_t vector, uint64_t code, uint64_t rip, uint64_t cr2) {
  put_field("# host exception ", vector);
  put_field(" code ", code);
  put_field(" rip ", rip);
  put_field(" cr2 ", cr2);
  put_char('\n');
  power_off();
}

void *memset(void *to, int byte, uint64_t count) {
  void *at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(byte) : "memory");
  return to;
}

void *memcpy(void *to, const void *from, uint64_t count) {
  void *at = to;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count)::"memory");
  return to;
}
