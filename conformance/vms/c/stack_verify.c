/* The verifier of stack@1.
 *
 * Code is followed once for the program and once for each subroutine, along every path, with the height of the stack. For the
 * program the height is that of the stack; for a subroutine it counts from what a call finds, so that it may go below zero.
 * What a subroutine does to the stack is found in rounds: each follows all of them with what is known from the last, until
 * nothing new is found. Then the program and what it calls are followed once more, and faults are noted. */

#include <stdlib.h>
#include <string.h>

#include "stack.h"

/* In the order in which faults at one offset are reported. */
enum reason { BAD_JUMP, FALLS_OFF_END, STACK_UNDERFLOW, STACK_OVERFLOW, STACK_MISMATCH, RETURN_WITHOUT_CALL, SOUND };

static const char *const reasons[] = {"bad_jump",       "falls_off_end",  "stack_underflow",
                                      "stack_overflow", "stack_mismatch", "return_without_call"};

enum { UNSEEN = INT32_MIN };

/* What recursion shows at a call: the callee takes more, or leaves the stack higher, with every level. */
enum { TAKES_MORE = 1, GROWS = 2 };

typedef struct {
    size_t at;        /* where it starts */
    bool reached;     /* from the program, by good calls */
    bool returns;
    int32_t net;      /* how much higher the stack is at its return */
    int32_t need;     /* how much it takes of what a call finds */
    int32_t most;     /* how much higher it makes the stack at most */
    bool endless;     /* recursion takes more with every level, so that `need` says nothing */
} routine;

typedef struct {
    size_t from, to;  /* routines */
} edge;

typedef struct {
    const uint8_t *code;
    const bool *starts;
    size_t length;
    routine *routines;    /* the first is the program; the others start where a call leads */
    size_t count;
    size_t *routine_at;   /* by offset: the routine that starts there */
    uint8_t *recursion;   /* by offset: what recursion shows at this call */
    int32_t *height;      /* by offset, of the path found first */
    size_t *path;         /* the offsets found, in their order */
    size_t path_length;
    size_t first_return;  /* of the routine that is followed; `length` if none was found */
    int32_t limit;        /* of the stack; far beyond while recursion is looked for */
    edge *edges;          /* calls between subroutines; only gathered when recursion is in question */
    size_t edge_count, edge_capacity;
    bool gathers, judges; /* what following is for: edges, marks of recursion */
    bool reports;         /* or faults */
    size_t takes_more;    /* the call that was judged so; `length` if there is none */
    bool changed;         /* something new was found in this round */
    size_t fault_at;
    enum reason fault;
} verifier;

static void note(verifier *v, size_t at, enum reason reason) {
    if (v->fault != SOUND && (v->fault_at < at || (v->fault_at == at && v->fault <= reason))) return;
    v->fault_at = at;
    v->fault = reason;
}

static void fault(verifier *v, size_t at, enum reason reason) {
    if (v->reports) note(v, at, reason);
}

static bool good_target(const verifier *v, int64_t to) { return to >= 0 && to < (int64_t)v->length && v->starts[to]; }

static void raise_to(verifier *v, int32_t *known, int32_t found) {
    if (found <= *known) return;
    *known = found;
    v->changed = true;
}

/* Whether calls lead from one subroutine to another. */
static bool leads_to(const verifier *v, size_t from, size_t to) {
    bool *found = calloc(v->count, sizeof *found);
    if (!found) abort();
    found[from] = true;
    for (bool changed = true; changed && !found[to];) {
        changed = false;
        for (size_t i = 0; i < v->edge_count; i++) {
            if (!found[v->edges[i].from] || found[v->edges[i].to]) continue;
            found[v->edges[i].to] = changed = true;
        }
    }
    bool leads = found[to];
    free(found);
    return leads;
}

/* Goes on at `to`; past the last instruction, at `from`, there is nothing. */
static void go(verifier *v, size_t from, size_t to, int32_t height) {
    if (to >= v->length) {
        fault(v, from, FALLS_OFF_END);
    } else if (v->height[to] == UNSEEN) {
        v->height[to] = height;
        v->path[v->path_length++] = to;
    } else if (v->height[to] != height && !BUG(stack_accepts_mismatch)) {
        fault(v, to, STACK_MISMATCH);
    }
}

static bool is_program(const verifier *v, const routine *r) { return r == v->routines; }

/* Takes `count` values. False if there are not so many. */
static bool take(verifier *v, routine *r, size_t at, int32_t height, int32_t count) {
    int32_t missing = count - height;
    if (missing > (is_program(v, r) ? 0 : v->limit)) {
        fault(v, at, STACK_UNDERFLOW);
        return false;
    }
    raise_to(v, &r->need, missing);
    return true;
}

/* Lets the stack get as high as `height`. False if it cannot. */
static bool hold(verifier *v, routine *r, size_t at, int32_t height) {
    if (height > v->limit) {
        fault(v, at, STACK_OVERFLOW);
        return false;
    }
    raise_to(v, &r->most, height);
    return true;
}

/* When no end of the rounds is in sight: looks for calls that make their own subroutine take more, or grow, by way of itself.
 * The call that asks for most is the one that takes more. */
static void judge_recursion(verifier *v, const routine *r, const routine *callee, size_t at, int32_t height) {
    size_t from = (size_t)(r - v->routines), to = (size_t)(callee - v->routines);
    bool more = !callee->endless && callee->need - height > r->need && !(v->recursion[at] & TAKES_MORE);
    bool grows = height + callee->most > r->most && !(v->recursion[at] & GROWS);
    if ((!more && !grows) || !leads_to(v, to, from)) return;
    if (more) v->takes_more = at;
    if (grows) v->recursion[at] |= GROWS;
    v->changed = true;
}

static void gather(verifier *v, size_t from, size_t to) {
    if (v->edge_count == v->edge_capacity) {
        v->edge_capacity = v->edge_capacity * 2 + 16;
        v->edges = realloc(v->edges, v->edge_capacity * sizeof *v->edges);
        if (!v->edges) abort();
    }
    v->edges[v->edge_count++] = (edge){from, to};
}

static void raise_endless(verifier *v, routine *r) {
    v->changed = v->changed || !r->endless;
    r->endless = true;
}

static void follow_call(verifier *v, routine *r, size_t at, int32_t height) {
    int64_t to = stack_target(v->code, at);
    if (!good_target(v, to)) return;
    routine *callee = &v->routines[v->routine_at[to]];
    if (v->gathers) gather(v, (size_t)(r - v->routines), (size_t)(callee - v->routines));
    if (v->judges) judge_recursion(v, r, callee, at, height);
    if (v->recursion[at] & TAKES_MORE) {
        raise_endless(v, r);
        fault(v, at, STACK_UNDERFLOW);
        return;
    }
    if (callee->endless) raise_endless(v, r);
    else if (!BUG(stack_accepts_callee_underflow) && !take(v, r, at, height, callee->need)) return;
    if (!(v->recursion[at] & GROWS) && !hold(v, r, at, height + callee->most)) return;
    if (v->reports && !callee->reached) callee->reached = v->changed = true;
    if (callee->returns) go(v, at, at + instructions[CALL].bytes, height + callee->net);
}

/* Of two returns that differ, the one at the greater offset is at fault; the depth found first stays. */
static void follow_return(verifier *v, routine *r, size_t at, int32_t height) {
    if (is_program(v, r)) {
        if (!BUG(stack_accepts_return)) fault(v, at, RETURN_WITHOUT_CALL);
        return;
    }
    if (v->first_return == v->length) v->first_return = at;
    if (!r->returns) {
        r->returns = v->changed = true;
        r->net = height;
    }
    if (height != r->net) fault(v, at > v->first_return ? at : v->first_return, STACK_MISMATCH);
}

static void follow_instruction(verifier *v, routine *r, size_t at) {
    uint8_t opcode = v->code[at];
    int32_t height = v->height[at];
    size_t next = at + instructions[opcode].bytes;
    if (!take(v, r, at, height, instructions[opcode].pops)) return;
    height += instructions[opcode].pushes - instructions[opcode].pops;
    if (!hold(v, r, at, height)) return;
    if (has_target(opcode) && !good_target(v, stack_target(v->code, at))) fault(v, at, BAD_JUMP);
    if (opcode == CALL) {
        follow_call(v, r, at, height);
    } else if (opcode == RET) {
        follow_return(v, r, at, height);
    } else if (opcode != HALT) {
        int64_t to = has_target(opcode) ? stack_target(v->code, at) : -1;
        if (good_target(v, to)) go(v, at, (size_t)to, height);
        if (opcode != JUMP) go(v, at, next, height);
    }
}

/* Follows all paths of a routine. */
static void follow(verifier *v, routine *r) {
    v->path_length = 0;
    v->first_return = v->length;
    go(v, r->at, r->at, 0);
    for (size_t i = 0; i < v->path_length; i++) follow_instruction(v, r, v->path[i]);
    while (v->path_length) v->height[v->path[--v->path_length]] = UNSEEN;
}

/* Follows all subroutines until nothing new is found. False if that does not come to an end. */
static bool settle(verifier *v) {
    for (size_t i = 0; i < v->count; i++) {
        routine *r = &v->routines[i];
        r->returns = r->endless = false;
        r->net = r->need = r->most = 0;
    }
    /* A return is found at the latest after a round for each; so is what a chain of calls takes, unless it is a ring. */
    for (size_t round = 0; round < 2 * v->count + 2; round++) {
        v->changed = false;
        for (size_t i = 1; i < v->count; i++) follow(v, &v->routines[i]);
        if (!v->changed) return true;
    }
    return false;
}

/* Marks the calls on which the rounds went on without end. In a ring of calls that takes more or grows with every round, each
 * round shows a call that does. Of those that take more one is enough: the rest of its ring may stand. */
static bool mark_recursion(verifier *v) {
    v->edge_count = 0;
    v->gathers = true;
    for (size_t i = 1; i < v->count; i++) follow(v, &v->routines[i]);
    v->gathers = false;
    v->judges = true;
    v->changed = false;
    v->takes_more = v->length;
    for (size_t i = 1; i < v->count && v->takes_more == v->length; i++) follow(v, &v->routines[i]);
    v->judges = false;
    if (v->takes_more != v->length) v->recursion[v->takes_more] |= TAKES_MORE;
    return v->changed;
}

static void find_effects(verifier *v) {
    v->limit = INT32_MAX / 4;
    while (!settle(v) && mark_recursion(v)) continue;
    v->limit = STACK_SIZE;
    settle(v);
}

/* Notes the bad jumps of all code and makes a routine of each target of a call, in the order of the code. */
static void scan(verifier *v) {
    for (size_t at = 0; at < v->length; at += instructions[v->code[at]].bytes) {
        if (!has_target(v->code[at])) continue;
        int64_t to = stack_target(v->code, at);
        if (good_target(v, to)) v->routine_at[to] = v->code[at] == CALL || v->routine_at[to];
        else if (!BUG(stack_accepts_unreachable_jump)) note(v, at, BAD_JUMP);
    }
    v->count = 1;
    for (size_t at = 0; at < v->length; at++) {
        if (v->routine_at[at] == 0) continue;
        v->routine_at[at] = v->count;
        v->routines[v->count++].at = at;
    }
}

/* Follows the program, and the subroutines that it is found to reach, and notes the faults. */
static void report(verifier *v) {
    v->reports = true;
    v->routines[0].reached = true;
    for (v->changed = true; v->changed;) {
        v->changed = false;
        for (size_t i = 0; i < v->count; i++) {
            if (v->routines[i].reached) follow(v, &v->routines[i]);
        }
    }
}

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) abort();
    return memory;
}

bool stack_verify(bs_run *run, const bool *starts) {
    verifier v = {.code = run->program, .starts = starts, .length = run->length, .fault = SOUND};
    size_t places = run->length + 1;
    v.routines = zeroed(places, sizeof *v.routines);
    v.routine_at = zeroed(places, sizeof *v.routine_at);
    v.recursion = zeroed(places, sizeof *v.recursion);
    v.height = zeroed(places, sizeof *v.height);
    v.path = zeroed(places, sizeof *v.path);
    for (size_t i = 0; i < places; i++) v.height[i] = UNSEEN;
    scan(&v);
    find_effects(&v);
    report(&v);
    free(v.routines);
    free(v.routine_at);
    free(v.recursion);
    free(v.height);
    free(v.path);
    free(v.edges);
    if (v.fault == SOUND) return true;
    bs_reject(run, "verify", reasons[v.fault], v.fault_at);
    return false;
}
