// Instructions that C does not have.
#pragma once
#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint64_t read_msr(uint32_t number) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
  return low | (uint64_t)high << 32;
}

static inline void write_msr(uint32_t number, uint64_t value) {
  asm volatile("wrmsr" ::"c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

// VMWRITE; an unknown field is left alone.
static inline void vm_write(uint64_t field, uint64_t value) {
  asm volatile("vmwrite %1, %0" ::"r"(field), "r"(value) : "cc", "memory");
}

// VMREAD; 0 from an unknown field.
static inline uint64_t vm_read(uint64_t field) {
  uint64_t value = 0;
  asm volatile("vmread %1, %0" : "+r"(value) : "r"(field) : "cc");
  return value;
}

// INVEPT; whether it failed.
static inline int invept(uint64_t type, uint64_t eptp) {
  struct { uint64_t eptp, zero; } descriptor = {eptp, 0};
  uint8_t failed;
  asm volatile("invept %1, %2; setna %0" : "=q"(failed) : "m"(descriptor), "r"(type) : "cc", "memory");
  return failed;
}

// INVVPID; whether it failed.
static inline int invvpid(uint64_t type, uint64_t vpid, uint64_t linear) {
  struct { uint64_t vpid, linear; } descriptor = {vpid, linear};
  uint8_t failed;
  asm volatile("invvpid %1, %2; setna %0" : "=q"(failed) : "m"(descriptor), "r"(type) : "cc", "memory");
  return failed;
}

#define READ_CONTROL_REGISTER(n) ({ uint64_t value; asm volatile("mov %%cr" #n ", %0" : "=r"(value)); value; })

void *memset(void *to, int byte, uint64_t count);
void *memcpy(void *to, const void *from, uint64_t count);
