/* The instructions of the machine stack@1, for the VM and its verifier. */

#ifndef STACK_H
#define STACK_H

#include "vm.h"

enum { NOP, PUSH, POP, ADD, SUB, MUL, DIV, NEG, LOAD, STORE, JUMP, JUMPZ, CALL, RET, PRINT, HALT, OPCODES };

enum { STACK_SIZE = 256, VARIABLES = 256, CALLS = 64 };

static const struct {
    uint8_t bytes, pops, pushes;
} instructions[OPCODES] = {
    [NOP] = {1, 0, 0},  [PUSH] = {5, 0, 1},  [POP] = {1, 1, 0},   [ADD] = {1, 2, 1},  [SUB] = {1, 2, 1}, [MUL] = {1, 2, 1},
    [DIV] = {1, 2, 1},  [NEG] = {1, 1, 1},   [LOAD] = {2, 0, 1},  [STORE] = {2, 1, 0}, [JUMP] = {3, 0, 0}, [JUMPZ] = {3, 1, 0},
    [CALL] = {5, 0, 0}, [RET] = {1, 0, 0},   [PRINT] = {1, 1, 0}, [HALT] = {1, 0, 0},
};

static inline bool has_target(uint8_t opcode) { return opcode == JUMP || opcode == JUMPZ || opcode == CALL; }

/* Where the jump or call at `at` leads; it may be outside the code. */
static inline int64_t stack_target(const uint8_t *code, uint64_t at) {
    if (code[at] == CALL) return BUG(stack_call_target_of_16_bits) ? read16(code + at + 1) : read32(code + at + 1);
    int32_t offset = (int16_t)read16(code + at + 1);
    if (BUG(stack_jump_unsigned)) offset = (uint16_t)offset;
    return (int64_t)at + instructions[code[at]].bytes + offset;
}

/* Judges decoded code, `starts` saying where an instruction starts. False, with the first fault reported, if it has one. */
bool stack_verify(bs_run *run, const bool *starts);

#endif
