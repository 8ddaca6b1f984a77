/* bytestone.h - the Bytestone engine protocol, version 1, for virtual machines in C and C++.
 *
 * A whole engine, for a machine with PUSH (01, one byte of constant), PRINT (09) and HALT (00); where several files include
 * this header, only one of them defines BYTESTONE_IMPLEMENTATION:
 *
 *     #define BYTESTONE_IMPLEMENTATION
 *     #include "bytestone.h"
 *
 *     static void run(bs_run *r) {
 *         int32_t stack[256];
 *         bs_state now = {0};
 *         now.stack = stack;
 *         while (bs_step(r, &now)) {
 *             switch (r->program[now.pc]) {
 *             case 0x00: bs_halt(r, &now); return;
 *             case 0x01: stack[now.height++] = r->program[now.pc + 1]; now.pc += 2; break;
 *             case 0x09: bs_print(r, stack[--now.height]); now.pc++; break;
 *             default: bs_unsupported(r, "no such instruction"); return;
 *             }
 *         }
 *     }
 *
 *     int main(void) {
 *         bs_engine engine = {"tiny", "1.0", "tiny@1", "run", "pc,depth,stack,cells,output", "hash,window", run};
 *         return bs_serve(&engine);
 *     }
 *
 * `run` is called for each program, calls bs_step before every step and ends with bs_halt, bs_trap, bs_reject, bs_fuel or
 * bs_unsupported. What the VM itself writes to stdout goes to stderr, so that a stray printf cannot spoil the answers. */

#ifndef BYTESTONE_H
#define BYTESTONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The type of the values in an array. */
typedef enum { BS_I32, BS_U32, BS_I64, BS_U64 } bs_kind;

/* A bank of cells: its name as in the manual's table of storage, and where its cells are. */
typedef struct {
    const char *name;
    bs_kind kind;
    void *cells;
    size_t count;
} bs_bank;

/* What can be seen of a machine. The pointers are only followed inside the call that gets the state. */
typedef struct {
    uint64_t pc;         /* offset of the next instruction */
    uint64_t depth;      /* calls not yet returned from */
    bs_kind stack_kind;
    const void *stack;   /* the operand stack, bottom first; may be NULL if there is none */
    size_t height;       /* how many values are on it */
    const bs_bank *banks;
    size_t bank_count;
} bs_state;

/* A cell to set before the first step; an unsigned value that does not fit has its bits in `value`. */
typedef struct {
    const char *bank;
    uint64_t index;
    int64_t value;
} bs_input;

/* A request to run a program. The first group is for the engine to read. */
typedef struct bs_run {
    const char *machine;      /* its name, without the version */
    const uint8_t *program;   /* exactly `length` bytes; a sanitizer sees a read beyond them */
    size_t length;
    uint64_t fuel;            /* the most steps; bs_step watches over it */
    const bs_input *input;
    size_t input_count;

    uint64_t steps;           /* the steps done */
    uint64_t unwatched;       /* bs_step has nothing to do up to this step */
} bs_run;

/* Who the engine is and what it can do; lists have commas between. See the table of `hello` in the protocol. */
typedef struct {
    const char *name;
    const char *version;
    const char *machines;    /* "calculator@1,stack@1" */
    const char *phases;      /* of "decode,verify,run" */
    const char *observes;    /* of "pc,depth,stack,cells,output" */
    const char *traces;      /* of "hash,window" */
    void (*run)(bs_run *);
} bs_engine;

/* Answers requests from standard input until `bye` or its end. Returns the exit code of the program. */
int bs_serve(const bs_engine *engine);

/* Sets the cells that the request asks for. False, with the outcome set, if the banks have no such cell: just return. */
bool bs_set_input(bs_run *run, const bs_state *state);

/* The part of bs_step that is only needed when someone watches, or at the end of the fuel. */
bool bs_watch(bs_run *run, const bs_state *state);

/* To be called before every step with the state before it. False if no fuel is left; the outcome is then set: just return.
 * A machine that halts by running past its last instruction tests for that before it calls this. */
static inline bool bs_step(bs_run *run, const bs_state *state) {
    if (run->steps < run->unwatched) {
        run->steps++;
        return true;
    }
    return bs_watch(run, state);
}

/* Add a value to what the program has printed. */
void bs_print(bs_run *run, int64_t value);
void bs_print_unsigned(bs_run *run, uint64_t value);

/* How a run ends; of several calls the first counts.
 *
 * bs_halt         the instruction at state->pc ended the program
 * bs_trap         the instruction at state->pc trapped; the state is that before it
 * bs_fuel         all fuel is used and another step would follow; only for an engine that counts steps without bs_step
 * bs_reject       the program was not accepted; `phase` is "decode" or "verify", `at` the offset that the reason names
 * bs_unsupported  the engine does not do this machine, instruction or feature */
void bs_halt(bs_run *run, const bs_state *state);
void bs_trap(bs_run *run, const bs_state *state, const char *trap);
void bs_fuel(bs_run *run, const bs_state *state);
void bs_reject(bs_run *run, const char *phase, const char *reason, uint64_t at);
void bs_unsupported(bs_run *run, const char *message);

#ifdef __cplusplus
}
#endif
#endif

#if defined(BYTESTONE_IMPLEMENTATION) && !defined(BYTESTONE_IMPLEMENTED)
#define BYTESTONE_IMPLEMENTED

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#define bs_dup _dup
#define bs_dup2 _dup2
#define bs_read(fd, bytes, length) _read(fd, bytes, (unsigned)(length))
#define bs_write(fd, bytes, length) _write(fd, bytes, (unsigned)(length))
#define bs_binary(fd) _setmode(fd, _O_BINARY)
#else
#include <unistd.h>
#define bs_dup dup
#define bs_dup2 dup2
#define bs_read read
#define bs_write write
#define bs_binary(fd) ((void)(fd))
#endif

enum {
    BS_LINE_LIMIT = 16 << 20, /* bytes of one request */
    BS_CHUNK = 1 << 16,       /* bytes to read at once, and to hold back before they are written */
    BS_ROWS = 1 << 14,        /* bytes of rows to hold back before they are hashed */
    BS_DIGITS = 20            /* of the longest number, with its sign */
};

enum { BS_PC, BS_DEPTH, BS_STACK, BS_CELLS, BS_OUTPUT, BS_PARTS };

typedef struct {
    char *data;
    size_t length, capacity;
} bs_text;

/* Everything between requests. There is one standard input, so there is one of these. */
static struct {
    const bs_engine *engine;
    int channel;              /* where answers go */
    bs_text in, out;
    size_t in_start;          /* of the first line not yet answered */
    bool sees[BS_PARTS];
    uint32_t table[8][256];
} bs;

/* Everything of the run that is under way. */
static struct {
    const char *id;           /* as the request has it */
    bool hash, window, answered;
    uint64_t every, from, next_checkpoint;
    uint32_t crc;
    bs_text rows, checkpoints, printed;
    size_t print_count, last_print;
    bs_input *input;
    size_t input_capacity;
} bs_now;

/* ---- numbers and states as text ---- */

static void *bs_allocate(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (memory) return memory;
    fputs("bytestone.h: out of memory\n", stderr);
    exit(3);
}

static char *bs_reserve(bs_text *text, size_t more) {
    if (text->capacity - text->length < more) {
        text->capacity = (text->length + more) * 2;
        text->data = (char *)bs_allocate(text->data, text->capacity);
    }
    return text->data + text->length;
}

static void bs_add(bs_text *text, const char *bytes, size_t length) {
    if (length) memcpy(bs_reserve(text, length), bytes, length);
    text->length += length;
}

static void bs_adds(bs_text *text, const char *string) { bs_add(text, string, strlen(string)); }

/* Writes a number and returns where it ends. Two digits at a time: this is most of the work of a hash. */
static char *bs_digits(char *to, uint64_t value) {
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
        "585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char *end = to + 1;
    for (uint64_t rest = value; rest >= 10; rest /= 1000) end += rest < 100 ? 1 : rest < 1000 ? 2 : 3;
    char *first = end;
    for (; value > UINT32_MAX; value /= 100) memcpy(first -= 2, pairs + value % 100 * 2, 2);
    uint32_t small = (uint32_t)value;
    for (; small >= 100; small /= 100) memcpy(first -= 2, pairs + small % 100 * 2, 2);
    if (small >= 10) memcpy(to, pairs + small * 2, 2);
    else *to = (char)('0' + small);
    return end;
}

static char *bs_signed_digits(char *to, int64_t value) {
    if (value >= 0) return bs_digits(to, (uint64_t)value);
    *to++ = '-';
    return bs_digits(to, 0 - (uint64_t)value);
}

static void bs_add_number(bs_text *text, const char *label, uint64_t value) {
    bs_adds(text, label);
    text->length = (size_t)(bs_digits(bs_reserve(text, BS_DIGITS), value) - text->data);
}

static void bs_add_hex(bs_text *text, uint32_t crc) {
    for (int shift = 28; shift >= 0; shift -= 4) bs_add(text, "0123456789abcdef" + (crc >> shift & 15), 1);
}

/* `"key":"value"`, with what JSON forbids in a string made harmless. */
static void bs_add_string(bs_text *text, const char *key, const char *value) {
    bs_adds(text, key);
    bs_add(text, "\"", 1);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') bs_add(text, "\\", 1);
        bs_add(text, *value < ' ' || *value > '~' ? "?" : value, 1);
    }
    bs_add(text, "\"", 1);
}

static char *bs_cell(char *to, bs_kind kind, const void *cells, size_t index) {
    switch (kind) {
    case BS_I32: return bs_signed_digits(to, ((const int32_t *)cells)[index]);
    case BS_U32: return bs_digits(to, ((const uint32_t *)cells)[index]);
    case BS_I64: return bs_signed_digits(to, ((const int64_t *)cells)[index]);
    default: return bs_digits(to, ((const uint64_t *)cells)[index]);
    }
}

static bool bs_is_zero(const bs_bank *bank, size_t index) {
    bool wide = bank->kind == BS_I64 || bank->kind == BS_U64;
    return wide ? ((const uint64_t *)bank->cells)[index] == 0 : ((const uint32_t *)bank->cells)[index] == 0;
}

static void bs_add_cell(bs_text *text, const char *before, bs_kind kind, const void *cells, size_t index) {
    bs_adds(text, before);
    text->length = (size_t)(bs_cell(bs_reserve(text, BS_DIGITS), kind, cells, index) - text->data);
}

static void bs_add_stack(bs_text *text, const bs_state *state) {
    for (size_t i = 0; i < state->height; i++) bs_add_cell(text, i ? "," : "", state->stack_kind, state->stack, i);
}

static void bs_add_cells(bs_text *text, const bs_state *state) {
    const char *comma = "";
    for (size_t b = 0; b < state->bank_count; b++) {
        const bs_bank *bank = &state->banks[b];
        for (size_t i = 0; i < bank->count; i++) {
            if (bs_is_zero(bank, i)) continue;
            bs_adds(text, comma);
            bs_adds(text, bank->name);
            bs_add_number(text, ":", i);
            bs_add_cell(text, "=", bank->kind, bank->cells, i);
            comma = ",";
        }
    }
}

/* What stands before each part of a state, and what ends those that are lists. */
typedef struct {
    const char *pc, *depth, *printed, *stack, *cells, *end;
} bs_labels;

static const bs_labels bs_json = {",\"pc\":", ",\"depth\":", ",\"printed\":\"", ",\"stack\":\"", ",\"cells\":\"", "\""};

static void bs_add_place(bs_text *text, const bs_state *state, const bs_labels *labels) {
    if (bs.sees[BS_PC]) bs_add_number(text, labels->pc, state->pc);
    if (bs.sees[BS_DEPTH]) bs_add_number(text, labels->depth, state->depth);
}

/* `count:last`, nothing after the colon if nothing was printed. */
static void bs_add_printed(bs_text *text, const bs_labels *labels) {
    if (!bs.sees[BS_OUTPUT]) return;
    bs_add_number(text, labels->printed, bs_now.print_count);
    bs_add(text, ":", 1);
    if (bs_now.print_count) bs_add(text, bs_now.printed.data + bs_now.last_print, bs_now.printed.length - bs_now.last_print);
    bs_adds(text, labels->end);
}

static void bs_add_values(bs_text *text, const bs_state *state, const bs_labels *labels) {
    if (bs.sees[BS_STACK]) {
        bs_adds(text, labels->stack);
        bs_add_stack(text, state);
        bs_adds(text, labels->end);
    }
    if (!bs.sees[BS_CELLS]) return;
    bs_adds(text, labels->cells);
    bs_add_cells(text, state);
    bs_adds(text, labels->end);
}

/* ---- the hash ---- */

static void bs_crc32_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
        bs.table[0][i] = crc;
    }
    for (int i = 256; i < 8 * 256; i++) {
        uint32_t crc = bs.table[i / 256 - 1][i % 256];
        bs.table[i / 256][i % 256] = crc >> 8 ^ bs.table[0][crc & 255];
    }
}

/* Takes all rows into the CRC, eight bytes at a time ("slicing by eight"). */
static void bs_hash_rows(void) {
    const uint8_t *p = (const uint8_t *)bs_now.rows.data;
    size_t length = bs_now.rows.length;
    uint32_t crc = ~bs_now.crc;
    for (; length >= 8; length -= 8, p += 8) {
        crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = bs.table[7][crc & 255] ^ bs.table[6][crc >> 8 & 255] ^ bs.table[5][crc >> 16 & 255] ^ bs.table[4][crc >> 24] ^
              bs.table[3][p[4]] ^ bs.table[2][p[5]] ^ bs.table[1][p[6]] ^ bs.table[0][p[7]];
    }
    while (length--) crc = crc >> 8 ^ bs.table[0][(crc ^ *p++) & 255];
    bs_now.crc = ~crc;
    bs_now.rows.length = 0;
}

static char *bs_column(char *to, uint64_t value) {
    to = bs_digits(to, value);
    *to = ' ';
    return to + 1;
}

static void bs_light_row(const bs_state *state) {
    char *row = bs_reserve(&bs_now.rows, 8 * (BS_DIGITS + 1)), *to = row;
    if (bs.sees[BS_PC]) to = bs_column(to, state->pc);
    if (bs.sees[BS_DEPTH]) to = bs_column(to, state->depth);
    if (bs.sees[BS_STACK]) {
        to = bs_column(to, state->height);
        size_t last = state->height > 4 ? state->height - 4 : 0;
        for (size_t i = state->height; i-- > last; *to++ = ' ') to = bs_cell(to, state->stack_kind, state->stack, i);
    }
    if (to == row) to++;
    to[-1] = '\n'; /* in the place of the last space */
    bs_now.rows.length = (size_t)(to - bs_now.rows.data);
    if (bs_now.rows.length >= BS_ROWS) bs_hash_rows();
}

static void bs_state_row(const bs_state *state) {
    static const bs_labels labels = {" ", " ", " ", " ", " ", ""};
    bs_add(&bs_now.rows, "S", 1);
    bs_add_place(&bs_now.rows, state, &labels);
    bs_add_printed(&bs_now.rows, &labels);
    bs_add_values(&bs_now.rows, state, &labels);
    bs_add(&bs_now.rows, "\n", 1);
    bs_hash_rows();
}

/* The first multiple of `every` that is above both 0 and `from`. */
static uint64_t bs_first_checkpoint(uint64_t every, uint64_t from) {
    if (every == 0 || from / every >= UINT64_MAX / every) return UINT64_MAX;
    return (from / every + 1) * every;
}

/* ---- answers ---- */

static void bs_flush(void) {
    for (long done = 0, count; (size_t)done < bs.out.length; done += count) {
        count = (long)bs_write(bs.channel, bs.out.data + done, bs.out.length - (size_t)done);
        if (count <= 0) exit(3); /* nobody reads any more */
    }
    bs.out.length = 0;
}

static void bs_end_answer(void) {
    bs_adds(&bs.out, "}\n");
    if (bs.out.length >= BS_CHUNK) bs_flush();
}

static void bs_window_row(const bs_run *run, const bs_state *state) {
    bs_adds(&bs.out, "{\"type\":\"row\",\"id\":");
    bs_adds(&bs.out, bs_now.id);
    bs_add_number(&bs.out, ",\"step\":", run->steps);
    bs_add_place(&bs.out, state, &bs_json);
    bs_add_printed(&bs.out, &bs_json);
    bs_add_values(&bs.out, state, &bs_json);
    bs_end_answer();
}

static void bs_error(const char *id, const char *message) {
    bs_adds(&bs.out, id ? "{\"type\":\"error\",\"id\":" : "{\"type\":\"error\"");
    bs_adds(&bs.out, id ? id : "");
    bs_add_string(&bs.out, ",\"message\":", message);
    bs_end_answer();
}

/* Begins the answer to a run; false if it was answered before, so that the first outcome stands. */
static bool bs_begin_done(const bs_run *run, const char *outcome) {
    (void)run;
    if (bs_now.answered) return false;
    bs_now.answered = true;
    bs_adds(&bs.out, "{\"type\":\"done\",\"id\":");
    bs_adds(&bs.out, bs_now.id);
    bs_add_string(&bs.out, ",\"outcome\":", outcome);
    return true;
}

static void bs_end_done(const bs_run *run, const bs_state *state) {
    bs_add_number(&bs.out, ",\"steps\":", run->steps);
    bs_add_place(&bs.out, state, &bs_json);
    bs_add_values(&bs.out, state, &bs_json);
    if (bs.sees[BS_OUTPUT]) {
        bs_adds(&bs.out, ",\"output\":\"");
        bs_add(&bs.out, bs_now.printed.data, bs_now.printed.length);
        bs_add(&bs.out, "\"", 1);
    }
    if (bs_now.hash) {
        bs_state_row(state);
        bs_adds(&bs.out, ",\"hash\":\"");
        bs_add_hex(&bs.out, bs_now.crc);
        bs_adds(&bs.out, "\",\"checkpoints\":\"");
        bs_add(&bs.out, bs_now.checkpoints.data, bs_now.checkpoints.length);
        bs_add(&bs.out, "\"", 1);
    }
    bs_end_answer();
}

void bs_halt(bs_run *run, const bs_state *state) {
    if (bs_begin_done(run, "halt")) bs_end_done(run, state);
}

void bs_fuel(bs_run *run, const bs_state *state) {
    if (bs_begin_done(run, "fuel")) bs_end_done(run, state);
}

void bs_trap(bs_run *run, const bs_state *state, const char *trap) {
    if (!bs_begin_done(run, "trap")) return;
    bs_add_string(&bs.out, ",\"trap\":", trap);
    bs_add_number(&bs.out, ",\"at\":", state->pc);
    bs_end_done(run, state);
}

void bs_reject(bs_run *run, const char *phase, const char *reason, uint64_t at) {
    if (!bs_begin_done(run, "reject")) return;
    bs_add_string(&bs.out, ",\"phase\":", phase);
    bs_add_string(&bs.out, ",\"reason\":", reason);
    bs_add_number(&bs.out, ",\"at\":", at);
    bs_end_answer();
}

void bs_unsupported(bs_run *run, const char *message) {
    if (!bs_begin_done(run, "unsupported")) return;
    bs_add_string(&bs.out, ",\"message\":", message);
    bs_end_answer();
}

/* ---- what a running machine calls ---- */

bool bs_watch(bs_run *run, const bs_state *state) {
    if (run->steps >= run->fuel) {
        bs_fuel(run, state);
        return false;
    }
    if (bs_now.hash) {
        if (run->steps == bs_now.next_checkpoint) {
            bs_state_row(state);
            bs_adds(&bs_now.checkpoints, bs_now.checkpoints.length ? "," : "");
            bs_add_hex(&bs_now.checkpoints, bs_now.crc);
            bs_now.next_checkpoint += bs_now.every;
        }
        bs_light_row(state);
    } else if (bs_now.window && run->steps >= bs_now.from) {
        bs_window_row(run, state);
    }
    run->steps++;
    return true;
}

static void bs_print_cell(bs_kind kind, const void *value) {
    bs_adds(&bs_now.printed, bs_now.print_count++ ? "," : "");
    bs_now.last_print = bs_now.printed.length;
    bs_add_cell(&bs_now.printed, "", kind, value, 0);
}

void bs_print(bs_run *run, int64_t value) {
    (void)run;
    bs_print_cell(BS_I64, &value);
}

void bs_print_unsigned(bs_run *run, uint64_t value) {
    (void)run;
    bs_print_cell(BS_U64, &value);
}

static bool bs_set_cell(const bs_state *state, const bs_input *cell) {
    for (size_t b = 0; b < state->bank_count; b++) {
        const bs_bank *bank = &state->banks[b];
        if (strcmp(bank->name, cell->bank) != 0 || cell->index >= bank->count) continue;
        if (bank->kind == BS_I32 || bank->kind == BS_U32) ((uint32_t *)bank->cells)[cell->index] = (uint32_t)cell->value;
        else ((uint64_t *)bank->cells)[cell->index] = (uint64_t)cell->value;
        return true;
    }
    return false;
}

bool bs_set_input(bs_run *run, const bs_state *state) {
    for (size_t i = 0; i < run->input_count; i++) {
        if (bs_set_cell(state, &run->input[i])) continue;
        bs_now.answered = true;
        bs_error(bs_now.id, "input names a cell that the machine does not have");
        return false;
    }
    return true;
}

/* ---- requests ---- */

enum { BS_TYPE, BS_REQUIRES, BS_MACHINE, BS_PROGRAM, BS_INPUT, BS_TRACE, BS_ID, BS_PROTOCOL, BS_FUEL, BS_EVERY, BS_FROM, BS_KEYS };

static const char *const bs_key_names[BS_KEYS] = {"type", "requires", "machine", "program", "input", "trace",
                                                  "id",   "protocol", "fuel",    "every",   "from"};

/* The values of a request, each ended by a zero byte; NULL where the key is missing or its value is of the wrong type. */
typedef struct {
    char *value[BS_KEYS];
} bs_request;

static char *bs_skip_spaces(char *p) { return p + strspn(p, " \t\r"); }

/* Takes a string without backslashes and returns what follows it; NULL if there is none. */
static char *bs_take_string(char *p, char **string) {
    char *end = *p == '"' ? p + 1 + strcspn(p + 1, "\"\\") : p;
    if (p == end || *end != '"') return NULL;
    *end = 0;
    *string = p + 1;
    return end + 1;
}

/* Takes a string, or anything else that is not nested. */
static char *bs_take_value(char *p, char **value) {
    if (*p == '"') return bs_take_string(p, value);
    char *end = p + strcspn(p, ",} \t\r{[\"");
    *value = p;
    return p == end ? NULL : end;
}

/* Reads `{"key":value,...}` into `request` and returns what follows it; NULL if that is not what the line holds. */
static char *bs_parse(char *p, bs_request *request) {
    memset(request, 0, sizeof *request);
    p = bs_skip_spaces(p);
    if (*p != '{') return NULL;
    p = bs_skip_spaces(p + 1);
    for (char next = *p == '}' ? '}' : ','; next != '}';) {
        char *key, *value;
        if (!(p = bs_take_string(p, &key))) return NULL;
        p = bs_skip_spaces(p);
        if (*p != ':') return NULL;
        p = bs_skip_spaces(p + 1);
        bool string = *p == '"';
        if (!(p = bs_take_value(p, &value))) return NULL;
        char *end = p;
        p = bs_skip_spaces(p);
        next = *p;
        *end = 0;
        for (int k = 0; k < BS_KEYS; k++) {
            if (strcmp(key, bs_key_names[k]) == 0) request->value[k] = string == (k < BS_ID) ? value : NULL;
        }
        if (next != ',' && next != '}') return NULL;
        if (next == ',') p = bs_skip_spaces(p + 1);
    }
    return bs_skip_spaces(p + 1);
}

/* Reads a number of digits only, at most `most`. Returns what follows it, NULL if there is no such number. */
static char *bs_take_number(char *p, uint64_t most, uint64_t *number) {
    if (*p < '0' || *p > '9') return NULL;
    for (*number = 0; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*number > (most - digit) / 10) return NULL;
        *number = *number * 10 + digit;
    }
    return p;
}

static bool bs_number(const bs_request *request, int key, uint64_t most, uint64_t *number) {
    char *text = request->value[key];
    char *end = text ? bs_take_number(text, most, number) : NULL;
    return end && *end == 0;
}

static int bs_nibble(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

/* The bytes of a hexadecimal text in memory of their own; NULL if it is none. */
static uint8_t *bs_decode_hex(const char *hex, size_t *length) {
    static const char digits[] = "0123456789abcdef";
    *length = strlen(hex) / 2;
    if (hex[2 * *length] || strspn(hex, digits) != 2 * *length) return NULL;
    uint8_t *bytes = (uint8_t *)bs_allocate(NULL, *length);
    for (size_t i = 0; i < *length; i++, hex += 2) {
        bytes[i] = (uint8_t)(bs_nibble(hex[0]) << 4 | bs_nibble(hex[1]));
    }
    return bytes;
}

/* Reads `bank:index=value,...`; the names stay in the line. */
static bool bs_parse_input(char *p, bs_run *run) {
    while (*p) {
        if (run->input_count == bs_now.input_capacity) {
            bs_now.input_capacity = bs_now.input_capacity * 2 + 16;
            bs_now.input = (bs_input *)bs_allocate(bs_now.input, bs_now.input_capacity * sizeof *bs_now.input);
        }
        bs_input *cell = &bs_now.input[run->input_count++];
        uint64_t value;
        cell->bank = p;
        if (!(p = strchr(p, ':'))) return false;
        *p++ = 0;
        if (!(p = bs_take_number(p, UINT64_MAX, &cell->index)) || *p++ != '=') return false;
        bool negative = *p == '-';
        p = bs_take_number(p + negative, negative ? (uint64_t)1 << 63 : UINT64_MAX, &value);
        if (!p || (*p && *p != ',')) return false;
        cell->value = (int64_t)(negative ? 0 - value : value);
        if (*p && *++p == 0) return false;
    }
    run->input = bs_now.input;
    return true;
}

/* Whether a list with commas between has an item, whatever follows an `@` in it. */
static bool bs_listed(const char *list, const char *item) {
    size_t length = strlen(item);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        if (strncmp(p, item, length) == 0 && (p[length] == 0 || p[length] == ',' || p[length] == '@')) return true;
    }
    return false;
}

static void bs_answer_hello(const bs_request *request) {
    const char *requires = request->value[BS_REQUIRES], *protocol = request->value[BS_PROTOCOL];
    const bs_engine *e = bs.engine;
    if (!protocol || strcmp(protocol, "1") != 0) {
        bs_error(NULL, "this engine speaks protocol 1 only");
    } else if (requires && *requires) {
        char message[160];
        snprintf(message, sizeof message, "unknown capability: %.100s", requires);
        bs_error(NULL, message);
    } else {
        const char *values[] = {e->name, e->version, e->machines, e->phases, e->observes, e->traces};
        const char *keys[] = {",\"name\":", ",\"version\":", ",\"machines\":", ",\"phases\":", ",\"observes\":", ",\"traces\":"};
        bs_adds(&bs.out, "{\"type\":\"hello\",\"protocol\":1");
        for (int i = 0; i < 6; i++) bs_add_string(&bs.out, keys[i], values[i]);
        bs_end_answer();
    }
}

/* Fills `run` and `bs_now` from a request. Returns what is wrong with it, or NULL. */
static const char *bs_read_run(const bs_request *request, bs_run *run) {
    const char *trace = request->value[BS_TRACE];
    bs_now.rows.length = bs_now.checkpoints.length = bs_now.printed.length = 0;
    bs_now.print_count = bs_now.last_print = 0;
    bs_now.crc = 0;
    bs_now.answered = false;
    for (int key = BS_MACHINE; key <= BS_TRACE; key++) {
        if (!request->value[key]) return "run without machine, program, input or trace";
    }
    if (!bs_number(request, BS_FUEL, INT64_MAX, &run->fuel)) return "run without fuel from 0 to 2^63 - 1";
    if (!bs_number(request, BS_EVERY, UINT64_MAX, &bs_now.every)) return "run without a number every";
    if (!bs_number(request, BS_FROM, UINT64_MAX, &bs_now.from)) return "run without a number from";
    run->machine = request->value[BS_MACHINE];
    if (strcmp(trace, "none") != 0 && !bs_listed(bs.engine->traces, trace)) return "unknown trace";
    if (!bs_parse_input(request->value[BS_INPUT], run)) return "unreadable input";
    bs_now.hash = strcmp(trace, "hash") == 0;
    bs_now.window = strcmp(trace, "window") == 0;
    bs_now.next_checkpoint = bs_first_checkpoint(bs_now.every, bs_now.from);
    run->unwatched = bs_now.hash ? 0 : bs_now.window && bs_now.from < run->fuel ? bs_now.from : run->fuel;
    run->program = bs_decode_hex(request->value[BS_PROGRAM], &run->length);
    return run->program ? NULL : "program is not hexadecimal";
}

static void bs_answer_run(const bs_request *request) {
    bs_run run;
    memset(&run, 0, sizeof run);
    if (!(bs_now.id = request->value[BS_ID])) {
        bs_error(NULL, "run without an id");
        return;
    }
    const char *wrong = bs_read_run(request, &run);
    if (wrong) {
        bs_error(bs_now.id, wrong);
    } else if (!bs_listed(bs.engine->machines, run.machine)) {
        bs_unsupported(&run, "unknown machine");
    } else {
        bs.engine->run(&run);
        if (!bs_now.answered) bs_error(bs_now.id, "the run ended without an outcome");
    }
    free((void *)run.program);
}

/* Answers one line; false after `bye`. */
static bool bs_answer(char *line, const char *end) {
    bs_request request;
    uint64_t id;
    bool readable = bs_parse(line, &request) == end;
    if (!bs_number(&request, BS_ID, UINT64_MAX, &id)) request.value[BS_ID] = NULL;
    /* It is repeated as it is, and JSON has no leading zeros. */
    for (char **text = &request.value[BS_ID]; *text && **text == '0' && (*text)[1];) ++*text;
    const char *type = request.value[BS_TYPE];
    if (!readable) bs_error(request.value[BS_ID], "not a flat JSON object on one line");
    else if (!type) bs_error(request.value[BS_ID], "request without a type");
    else if (strcmp(type, "hello") == 0) bs_answer_hello(&request);
    else if (strcmp(type, "run") == 0) bs_answer_run(&request);
    else if (strcmp(type, "bye") == 0) return false;
    else bs_error(request.value[BS_ID], "unknown request");
    return true;
}

/* Reads more of standard input behind what there is, with nothing left unwritten meanwhile. False at its end. */
static bool bs_fill(void) {
    bs_flush();
    memmove(bs.in.data, bs.in.data + bs.in_start, bs.in.length -= bs.in_start);
    bs.in_start = 0;
    long count = (long)bs_read(0, bs_reserve(&bs.in, BS_CHUNK + 1), BS_CHUNK);
    if (count > 0) bs.in.length += (size_t)count;
    return count > 0;
}

/* The next line, ended by a zero byte; NULL at the end of the input. A line beyond the limit is answered and skipped. */
static char *bs_next_line(char **end) {
    bool too_long = false;
    for (size_t searched = 0;;) {
        char *start = bs.in.data + bs.in_start;
        *end = (char *)memchr(start + searched, '\n', bs.in.length - bs.in_start - searched);
        searched = *end ? 0 : bs.in.length - bs.in_start;
        if (*end) {
            bs.in_start = (size_t)(*end + 1 - bs.in.data);
            **end = 0;
            if (!too_long) return start;
            bs_error(NULL, "line too long");
            too_long = false;
        } else if (searched > BS_LINE_LIMIT) {
            bs.in_start = bs.in.length;
            searched = 0;
            too_long = true;
        }
        if (!*end && !bs_fill()) return NULL;
    }
}

int bs_serve(const bs_engine *engine) {
    static const char *const parts[BS_PARTS] = {"pc", "depth", "stack", "cells", "output"};
    fflush(stdout);
    bs.engine = engine;
    bs.channel = bs_dup(1);
    if (bs.channel < 0 || bs_dup2(2, 1) < 0) return 3;
    bs_binary(0);
    bs_binary(bs.channel);
    bs_crc32_table();
    for (int part = 0; part < BS_PARTS; part++) bs.sees[part] = bs_listed(engine->observes, parts[part]);
    bs_reserve(&bs.in, BS_CHUNK + 1);
    bs_reserve(&bs_now.rows, 2 * BS_ROWS);
    for (char *line, *end; (line = bs_next_line(&end)) && bs_answer(line, end);) continue;
    bs_flush();
    return 0;
}

#endif /* BYTESTONE_IMPLEMENTATION */
