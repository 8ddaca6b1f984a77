/* The machine register@1: words of four bytes and sixteen registers. */

#include <stdlib.h>
#include <string.h>

#include "vm.h"

enum { HALT, ADD, SUB, MUL, DIV, NEG, MOVE, LOAD, LOADH, LT, EQ, JMP, JZ, JNZ, PRINT, OPCODES };

enum { REGISTERS = 16, WORD = 4 };

/* What each of the three arguments of a word is: unused, a register, or a byte of a constant. */
enum { U, R, C };

static const uint8_t arguments[OPCODES][3] = {
    [HALT] = {U, U, U}, [ADD] = {R, R, R},  [SUB] = {R, R, R},   [MUL] = {R, R, R}, [DIV] = {R, R, R},
    [NEG] = {R, R, U},  [MOVE] = {R, R, U}, [LOAD] = {R, C, C},  [LOADH] = {R, C, C}, [LT] = {R, R, R},
    [EQ] = {R, R, R},   [JMP] = {U, C, C},  [JZ] = {R, C, C},    [JNZ] = {R, C, C}, [PRINT] = {R, U, U},
};

static int32_t registers[REGISTERS];

static bool is_jump(uint8_t opcode) { return opcode == JMP || opcode == JZ || opcode == JNZ; }

static const char *decode_fault(const uint8_t *word, size_t length) {
    if (length < WORD) return "truncated";
    if (*word >= OPCODES) return "unknown_opcode";
    for (int i = 0; i < 3 && !BUG(register_decoder_ignores_bits); i++) {
        if (arguments[*word][i] == U && word[i + 1] != 0) return "bad_operand";
    }
    return NULL;
}

static bool decode(bs_run *run) {
    for (size_t at = 0; at < run->length; at += WORD) {
        const char *reason = decode_fault(run->program + at, run->length - at);
        if (!reason) continue;
        bs_reject(run, "decode", reason, at);
        return false;
    }
    return true;
}

/* Where the jump at `at` leads; below zero or beyond the code if it is a bad one. */
static int64_t target(const bs_run *run, uint64_t at) {
    int16_t offset = (int16_t)read16(run->program + at + 2);
    return (int64_t)at + WORD + (BUG(register_jump_counts_bytes) ? 1 : WORD) * offset;
}

static bool good_target(const bs_run *run, int64_t to) {
    if (BUG(register_accepts_jump_to_end) && to == (int64_t)run->length) return true;
    return to >= 0 && to < (int64_t)run->length && to % WORD == 0;
}

static const char *verify_fault(const bs_run *run, size_t at) {
    const uint8_t *word = run->program + at;
    for (int i = 0; i < 3 && !BUG(register_index_of_four_bits); i++) {
        if (arguments[*word][i] == R && word[i + 1] >= REGISTERS) return "bad_index";
    }
    return is_jump(*word) && !good_target(run, target(run, at)) ? "bad_jump" : NULL;
}

/* Whether execution can run past the last word. All jumps are good. */
static bool falls_off_end(const bs_run *run) {
    size_t words = run->length / WORD, count = 0;
    bool falls = words == 0;
    bool *seen = calloc(words + 1, sizeof *seen);
    size_t *queue = malloc((words + 1) * sizeof *queue);
    if (!seen || !queue) abort();
    seen[0] = true;
    queue[count++] = 0;
    while (count && words) {
        size_t word = queue[--count], next[2], ways = 0;
        uint8_t opcode = run->program[word * WORD];
        bool last = word + 1 == words;
        if (opcode != HALT && opcode != JMP) {
            if (!last) next[ways++] = word + 1;
            else if (!BUG(register_accepts_conditional_end) || !is_jump(opcode)) falls = true;
        }
        if (is_jump(opcode)) next[ways++] = (size_t)target(run, word * WORD) / WORD;
        while (ways--) {
            if (seen[next[ways]] || next[ways] >= words) continue;
            seen[next[ways]] = true;
            queue[count++] = next[ways];
        }
    }
    if (BUG(register_rejects_unreachable_end) && words && !seen[words - 1]) {
        uint8_t opcode = run->program[(words - 1) * WORD];
        falls = falls || (opcode != HALT && opcode != JMP);
    }
    free(seen);
    free(queue);
    return falls;
}

/* Faults of indexes and jumps are at most as far as the last word, where the end of the code is judged after them. */
static bool verify(bs_run *run) {
    for (size_t at = 0; at < run->length; at += WORD) {
        const char *reason = verify_fault(run, at);
        if (!reason) continue;
        bs_reject(run, "verify", reason, at);
        return false;
    }
    if (!falls_off_end(run)) return true;
    bs_reject(run, "verify", "falls_off_end", run->length ? run->length - WORD : 0);
    return false;
}

static int32_t get(uint8_t index) {
    if (BUG(register_r15_reads_zero) && index == 15) return 0;
    return registers[index % REGISTERS];
}

static void set(uint8_t index, int32_t value) {
    if (BUG(register_r0_write_lost) && index == 0) return;
    registers[index % REGISTERS] = value;
}

static int32_t load(const uint8_t *word) {
    if (BUG(register_load_unsigned)) return read16(word + 2);
    if (BUG(register_load_big_endian)) return (int16_t)(word[2] << 8 | word[3]);
    return (int16_t)read16(word + 2);
}

static int32_t load_high(const uint8_t *word) {
    uint32_t old = (uint32_t)get(word[1]);
    uint32_t keep = BUG(register_loadh_clears) ? 0 : BUG(register_loadh_merges) ? 0xFFFFFFFF : 0xFFFF;
    return wrap((old & keep) | (uint32_t)read16(word + 2) << 16);
}

static int32_t less(int32_t a, int32_t b) {
    if (BUG(register_lt_unsigned)) return (uint32_t)a < (uint32_t)b;
    return BUG(register_lt_or_equal) ? a <= b : a < b;
}

static int32_t equal(int32_t a, int32_t b) { return BUG(register_eq_low_half) ? (uint16_t)a == (uint16_t)b : a == b; }

static void move(uint8_t to, uint8_t from) {
    int32_t old = get(to);
    set(to, get(from));
    if (BUG(register_move_exchanges)) set(from, old);
}

static void add_registers(const uint8_t *word) {
    if (BUG(register_add_in_place)) set(word[1], get(word[2]));
    set(word[1], add(get(BUG(register_add_in_place) ? word[1] : word[2]), get(word[3])));
}

/* False if it trapped. */
static bool divide_registers(bs_run *run, const bs_state *now, const uint8_t *word) {
    int32_t a = get(word[2]), b = get(word[3]);
    bool trap = b == 0;
    if (BUG(register_div_minimum_traps)) trap = b == 0 || (a == INT32_MIN && b == -1);
    if (BUG(register_div_tests_dividend)) trap = a == 0;
    if (trap) {
        if (BUG(register_div_writes_before_trap)) set(word[1], 0);
        bs_trap(run, now, "div_by_zero");
        return false;
    }
    set(word[1], b == 0 ? 0 : BUG(register_div_floors) ? divide_down(a, b) : divide(a, b));
    return true;
}

static bool jumps(const uint8_t *word) {
    switch (*word) {
    case JZ: return get(BUG(register_jz_tests_r0) ? 0 : word[1]) == 0;
    case JNZ: return BUG(register_jnz_positive) ? get(word[1]) > 0 : get(word[1]) != 0;
    default: return true;
    }
}

static void execute(bs_run *run, bs_state *now) {
    while (bs_step(run, now)) {
        if (now->pc >= run->length) {
            stuck(run, now);
            return;
        }
        const uint8_t *word = run->program + now->pc;
        uint64_t next = now->pc + WORD;
        switch (*word) {
        case HALT: bs_halt(run, now); return;
        case ADD: add_registers(word); break;
        case SUB: set(word[1], BUG(register_sub_reversed) ? sub(get(word[3]), get(word[2])) : sub(get(word[2]), get(word[3]))); break;
        case MUL: set(word[1], mul(get(word[2]), get(word[3])) & (BUG(register_mul_16_bits) ? 0xFFFF : -1)); break;
        case DIV:
            if (!divide_registers(run, now, word)) return;
            break;
        case NEG: set(word[1], BUG(register_neg_saturates) ? saturate(-(int64_t)get(word[2])) : sub(0, get(word[2]))); break;
        case MOVE: move(word[1], word[2]); break;
        case LOAD: set(word[1], load(word)); break;
        case LOADH: set(word[1], load_high(word)); break;
        case LT: set(word[1], less(get(word[2]), get(word[3]))); break;
        case EQ: set(word[1], equal(get(word[2]), get(word[3]))); break;
        case JMP:
        case JZ:
        case JNZ:
            if (jumps(word)) next = (uint64_t)target(run, now->pc);
            if (BUG(register_jmp_from_start) && *word == JMP && next > 0) next -= WORD;
            break;
        case PRINT: bs_print(run, get(word[1])); break;
        }
        now->pc = next;
    }
}

void register_run(bs_run *run) {
    bs_bank bank = {"reg", BS_I32, registers, REGISTERS};
    bs_state now = {.banks = &bank, .bank_count = 1};
    if (!decode(run) || !verify(run)) return;
    if (!BUG(register_registers_kept)) memset(registers, 0, sizeof registers);
    if (bs_set_input(run, &now)) execute(run, &now);
}
