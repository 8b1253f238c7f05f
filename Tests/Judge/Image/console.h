// Answers leave by port E9H, which Bochs copies to its standard output.
#pragma once
#include <stdint.h>

void put_char(char c);
void put(const char *text);
void put_hex(uint64_t value);
void put_decimal(uint64_t value);
// ` name=value` as ` name=` is given.
void put_field(const char *name, uint64_t value);
// Switches the machine off.
void power_off(void) __attribute__((noreturn));
// Says why the image cannot go on, and switches off.
void give_up(const char *why) __attribute__((noreturn));
