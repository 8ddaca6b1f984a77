/* The machine stack@1: jumps and subroutines over a stack that caller and callee share. */

#include <stdlib.h>
#include <string.h>

#include "stack.h"

/* One return offset more than there are, for the bug that makes a call too many. */
static int32_t stack[STACK_SIZE], variables[VARIABLES];
static uint64_t returns[CALLS + 1];

/* Left by the program before, for the bugs that do not start from nothing. */
static uint64_t depth_before;
static size_t height_before;

static const char *decode_fault(const uint8_t *code, size_t length) {
    if (*code >= OPCODES) return "unknown_opcode";
    return length < instructions[*code].bytes ? "truncated" : NULL;
}

/* Marks where instructions start. */
static bool decode(bs_run *run, bool *starts) {
    for (size_t at = 0; at < run->length; at += instructions[run->program[at]].bytes) {
        const char *reason = decode_fault(run->program + at, run->length - at);
        if (reason) {
            bs_reject(run, "decode", reason, at);
            return false;
        }
        starts[at] = true;
    }
    return true;
}

static int32_t compute(uint8_t opcode, int32_t a, int32_t b) {
    switch (opcode) {
    case ADD: return add(a, b);
    case SUB: return sub(a, b);
    case MUL: return mul(a, b);
    default: return BUG(stack_div_unsigned) ? wrap((uint32_t)a / (uint32_t)b) : divide(a, b);
    }
}

static int32_t load(uint8_t slot) {
    if (BUG(stack_load_previous_slot) && slot > 0) slot--;
    return variables[BUG(stack_slot_of_seven_bits) ? slot & 127 : slot];
}

static void print(bs_run *run, int32_t value) {
    if (BUG(stack_print_unsigned)) bs_print(run, (uint32_t)value);
    else bs_print(run, value);
}

static uint64_t jump(const uint8_t *code, const bs_state *now) {
    uint64_t to = (uint64_t)stack_target(code, now->pc);
    return BUG(stack_jump_from_start) && to >= instructions[JUMP].bytes ? to - instructions[JUMP].bytes : to;
}

static uint64_t jump_if_zero(const uint8_t *code, bs_state *now, uint64_t next) {
    int32_t value = stack[now->height - 1];
    bool taken = BUG(stack_jumpz_not_positive) ? value <= 0 : value == 0;
    if (!BUG(stack_jumpz_peeks) && !(BUG(stack_jumpz_peeks_if_taken) && taken)) now->height--;
    return taken ? (uint64_t)stack_target(code, now->pc) : next;
}

static uint64_t call(const uint8_t *code, bs_state *now, uint64_t next) {
    uint64_t back = BUG(stack_call_returns_to_call) ? now->pc : BUG(stack_call_returns_late) ? next + 1 : next;
    returns[now->depth++] = back;
    if (BUG(stack_variables_per_call)) variables[0] = 0;
    return (uint64_t)stack_target(code, now->pc);
}

static uint64_t return_from_call(bs_state *now) {
    if (BUG(stack_ret_drops_value) && now->height > 0) now->height--;
    return returns[--now->depth];
}

/* The trap of the instruction at hand, if it has one: its own first, then the limits. */
static const char *trap(uint8_t opcode, bs_state *now) {
    if (opcode == DIV && stack[now->height - 1] == 0) {
        if (BUG(stack_div_pops_before_trap)) now->height--;
        return "div_by_zero";
    }
    size_t limit = BUG(stack_overflow_at_255) ? STACK_SIZE - 1 : STACK_SIZE;
    if (instructions[opcode].pushes > instructions[opcode].pops && now->height >= limit) return "stack_overflow";
    uint64_t calls = BUG(stack_call_depth_65) ? CALLS + 1 : BUG(stack_call_depth_63) ? CALLS - 1 : CALLS;
    return opcode == CALL && now->depth >= calls ? "call_depth" : NULL;
}

/* Does what `opcode` does to the state and returns the offset of what follows it. */
static uint64_t act(bs_run *run, bs_state *now, uint8_t opcode) {
    const uint8_t *code = run->program + now->pc;
    uint64_t next = now->pc + instructions[*code].bytes;
    int32_t *top = stack + now->height;
    switch (opcode) {
    case PUSH: stack[now->height++] = wrap(read32(code + 1)); break;
    case POP:
        if (!BUG(stack_pop_leaves_one) || now->height > 1) now->height--;
        break;
    case ADD:
    case SUB:
    case MUL:
    case DIV:
        top[-2] = compute(opcode, top[-2], top[-1]);
        now->height--;
        break;
    case NEG: top[-1] = BUG(stack_neg_complements) ? ~top[-1] : sub(0, top[-1]); break;
    case LOAD: stack[now->height++] = load(code[1]); break;
    case STORE: variables[BUG(stack_slot_of_seven_bits) ? code[1] & 127 : code[1]] = stack[--now->height]; break;
    case JUMP: return jump(run->program, now);
    case JUMPZ: return jump_if_zero(run->program, now, next);
    case CALL: return call(run->program, now, next);
    case RET: return return_from_call(now);
    case PRINT: print(run, stack[--now->height]); break;
    }
    return next;
}

static uint8_t opcode_at(const bs_run *run, uint64_t at) {
    uint8_t opcode = run->program[at];
    if (BUG(stack_mul_swapped_with_div) && (opcode == MUL || opcode == DIV)) return MUL + DIV - opcode;
    return opcode;
}

/* No verified program gets to where this is false. */
static bool sound(const bs_run *run, const bs_state *now, const bool *starts) {
    if (now->pc >= run->length || !starts[now->pc]) return false;
    uint8_t opcode = run->program[now->pc];
    return now->height >= instructions[opcode].pops && (opcode != RET || now->depth > 0);
}

static void execute(bs_run *run, bs_state *now, const bool *starts) {
    for (;;) {
        if (BUG(stack_fuel_one_less) && run->steps + 1 >= run->fuel) {
            bs_fuel(run, now);
            return;
        }
        if (!bs_step(run, now)) return;
        if (!sound(run, now, starts)) {
            stuck(run, now);
            return;
        }
        uint8_t opcode = opcode_at(run, now->pc);
        const char *name = trap(opcode, now);
        if (name) {
            bs_trap(run, now, name);
            return;
        }
        if (opcode == HALT) {
            bs_halt(run, now);
            return;
        }
        now->pc = act(run, now, opcode);
    }
}

void stack_run(bs_run *run) {
    bs_bank bank = {"local", BS_I32, variables, VARIABLES};
    bs_state now = {.stack_kind = BS_I32, .stack = stack, .banks = &bank, .bank_count = 1};
    bool *starts = calloc(run->length + 1, sizeof *starts);
    if (!starts) abort();
    if (decode(run, starts) && stack_verify(run, starts)) {
        if (!BUG(stack_variables_kept)) memset(variables, 0, sizeof variables);
        if (BUG(stack_calls_kept)) now.depth = depth_before;
        if (BUG(stack_values_kept)) now.height = height_before > 0;
        if (bs_set_input(run, &now)) execute(run, &now, starts);
        depth_before = now.depth;
        height_before = now.height;
    }
    free(starts);
}
