/* The vCPU that runs, and what is recorded of it. */
#ifndef RECORDER_VCPU_H
#define RECORDER_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "stream.h"

struct vcpu {
    uint64_t env; /* TCG's env pointer, which identifies the vCPU */
    uint64_t count;
    uint64_t cr3;
    uint64_t control[3]; /* CR0, CR4, EFER as last stored */
    bool paging, long_mode;
};

extern struct vcpu *running;

/* A record of the running vCPU, now. Fill it in at once. */
struct record *event(enum record_kind kind, uint64_t rip);

#endif
