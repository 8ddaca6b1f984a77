/* What the machines share: arithmetic that C leaves open, operands, and what a verifier reports. */

#ifndef VM_H
#define VM_H

#include "bugs.h"
#include "bytestone.h"

void calculator_run(bs_run *run);
void stack_run(bs_run *run);
void register_run(bs_run *run);

/* Two's complement, modulo 2^32. */
static inline int32_t wrap(uint64_t value) { return (int32_t)(uint32_t)value; }

static inline int32_t add(int32_t a, int32_t b) { return wrap((uint64_t)a + (uint64_t)b); }

static inline int32_t sub(int32_t a, int32_t b) { return wrap((uint64_t)a - (uint64_t)b); }

static inline int32_t mul(int32_t a, int32_t b) { return wrap((uint64_t)((int64_t)a * b)); }

/* Rounds toward zero. In 64 bits the smallest number by -1 is no special case. */
static inline int32_t divide(int32_t a, int32_t b) { return wrap((uint64_t)((int64_t)a / b)); }

static inline uint16_t read16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static inline uint32_t read32(const uint8_t *p) { return read16(p) | (uint32_t)read16(p + 2) << 16; }

/* For planted bugs only. */
static inline int32_t saturate(int64_t value) {
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

static inline int32_t divide_down(int32_t a, int32_t b) {
    int32_t quotient = divide(a, b);
    return (a < 0) != (b < 0) && (int64_t)quotient * b != a ? quotient - 1 : quotient;
}

/* Ends a run that no verified program can get to: only a planted bug leads here. */
static inline void stuck(bs_run *run, const bs_state *now) { bs_trap(run, now, "unclassified"); }

#endif
