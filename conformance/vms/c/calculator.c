/* The machine calculator@1: straight code, a stack of 256 values and 26 variables. */

#include <string.h>

#include "vm.h"

enum { HALT, PUSH, POP, ADD, SUB, MUL, DIV, LOAD, STORE, PRINT, OPCODES };

enum { STACK_SIZE = 256, VARIABLES = 26 };

static const struct {
    uint8_t bytes, pops, pushes;
} instructions[OPCODES] = {
    [HALT] = {1, 0, 0}, [PUSH] = {5, 0, 1}, [POP] = {1, 1, 0}, [ADD] = {1, 2, 1},  [SUB] = {1, 2, 1},
    [MUL] = {1, 2, 1},  [DIV] = {1, 2, 1},  [LOAD] = {2, 0, 1}, [STORE] = {2, 1, 0}, [PRINT] = {1, 1, 0},
};

/* One variable more than there are, for the bug that lets a program name it. */
static int32_t variables[VARIABLES + 1];
static int32_t stack[STACK_SIZE];

static bool decode(bs_run *run) {
    for (size_t at = 0; at < run->length; at += instructions[run->program[at]].bytes) {
        uint8_t opcode = run->program[at];
        if (opcode >= OPCODES) {
            bs_reject(run, "decode", "unknown_opcode", at);
            return false;
        }
        if (run->length - at < instructions[opcode].bytes) {
            bs_reject(run, "decode", "truncated", at);
            return false;
        }
        if (BUG(calculator_decodes_to_halt) && opcode == HALT) {
            run->length = at + 1;
            return true;
        }
    }
    return true;
}

/* What is wrong with an instruction that finds `height` values on the stack; NULL if nothing is. */
static const char *stack_fault(uint8_t opcode, size_t height) {
    size_t limit = BUG(calculator_stack_of_255) ? STACK_SIZE - 1 : STACK_SIZE;
    if (height < instructions[opcode].pops) return "stack_underflow";
    if (height - instructions[opcode].pops + instructions[opcode].pushes > limit) return "stack_overflow";
    return NULL;
}

/* Code without jumps is run from front to back, so that one pass meets the faults in their order. */
static bool verify(bs_run *run) {
    const uint8_t *code = run->program;
    size_t height = 0, last = 0, slots = BUG(calculator_accepts_slot_26) ? VARIABLES + 1 : VARIABLES;
    bool reachable = true;
    for (size_t at = 0; at < run->length; at += instructions[code[at]].bytes) {
        uint8_t opcode = code[at];
        const char *reason = reachable ? stack_fault(opcode, height) : NULL;
        if ((opcode == LOAD || opcode == STORE) && code[at + 1] >= slots) reason = "bad_index";
        if (reason) {
            bs_reject(run, "verify", reason, at);
            return false;
        }
        if (opcode == HALT) reachable = false;
        height = height - instructions[opcode].pops + instructions[opcode].pushes;
        last = at;
    }
    if (!reachable || (BUG(calculator_accepts_no_halt) && run->length)) return true;
    bs_reject(run, "verify", "falls_off_end", last);
    return false;
}

static int32_t constant(const uint8_t *p) {
    if (BUG(calculator_push_big_endian)) return wrap((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
    if (BUG(calculator_push_three_bytes)) return wrap(read32(p) & 0xFFFFFF);
    return wrap(read32(p));
}

static int32_t compute(uint8_t opcode, int32_t a, int32_t b) {
    switch (opcode) {
    case ADD: return BUG(calculator_add_saturates) ? saturate((int64_t)a + b) : add(a, b);
    case SUB: return BUG(calculator_sub_reversed) ? sub(b, a) : sub(a, b);
    case MUL: return BUG(calculator_mul_saturates) ? saturate((int64_t)a * b) : mul(a, b);
    }
    if (BUG(calculator_div_zero_is_zero) && b == 0) return 0;
    if (BUG(calculator_div_reversed)) return a ? divide(b, a) : 0;
    if (BUG(calculator_div_minimum)) return saturate((int64_t)a / b);
    return BUG(calculator_div_floors) ? divide_down(a, b) : divide(a, b);
}

static void pop(bs_state *now) {
    if (BUG(calculator_pop_takes_below) && now->height > 1) stack[now->height - 2] = stack[now->height - 1];
    now->height--;
}

static void store(bs_state *now, uint8_t slot) {
    if (BUG(calculator_store_next_slot)) slot = (uint8_t)((slot + 1) % VARIABLES);
    variables[slot] = stack[now->height - 1];
    if (!BUG(calculator_store_keeps_value)) now->height--;
}

static void print(bs_run *run, bs_state *now) {
    bs_print(run, stack[now->height - 1]);
    if (!BUG(calculator_print_keeps_value)) now->height--;
}

static void trap_div_by_zero(bs_run *run, bs_state *now) {
    if (BUG(calculator_div_pops_before_trap)) now->height -= 2;
    bs_trap(run, now, BUG(calculator_div_trap_name) ? "stack_overflow" : "div_by_zero");
}

static void execute(bs_run *run, bs_state *now) {
    while (bs_step(run, now)) {
        if (now->pc >= run->length) {
            stuck(run, now);
            return;
        }
        const uint8_t *code = run->program + now->pc;
        uint8_t opcode = *code;
        size_t after = now->height - instructions[opcode].pops + instructions[opcode].pushes;
        if (after > STACK_SIZE) {
            bs_trap(run, now, "stack_overflow");
            return;
        }
        int32_t *top = stack + now->height;
        switch (opcode) {
        case HALT:
            if (BUG(calculator_halt_goes_on)) now->pc++;
            bs_halt(run, now);
            return;
        case PUSH: stack[now->height++] = constant(code + 1); break;
        case POP: pop(now); break;
        case DIV:
            if (top[-1] == 0 && !BUG(calculator_div_zero_is_zero)) {
                trap_div_by_zero(run, now);
                return;
            }
            /* fall through */
        case ADD:
        case SUB:
        case MUL:
            top[-2] = compute(opcode, top[-2], top[-1]);
            now->height--;
            break;
        case LOAD: stack[now->height++] = variables[code[1]]; break;
        case STORE: store(now, code[1]); break;
        case PRINT: print(run, now); break;
        }
        now->pc += instructions[opcode].bytes;
    }
}

void calculator_run(bs_run *run) {
    bs_bank bank = {"local", BS_I32, variables, VARIABLES};
    bs_state now = {.stack_kind = BS_I32, .stack = stack, .banks = &bank, .bank_count = 1};
    if (!decode(run) || !verify(run)) return;
    if (!BUG(calculator_variables_kept)) memset(variables, 0, sizeof variables);
    if (bs_set_input(run, &now)) execute(run, &now);
}
