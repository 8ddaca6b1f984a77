/* Build: cc -std=c11 -O2 -o engine engine.c (bytestone.h lies beside it); run: ./engine */

#define BYTESTONE_IMPLEMENTATION
#include "bytestone.h"

static void run(bs_run *request) {
    /* TODO: your VM here. As an example, a machine with an operand stack and a bank of cells:
     *
     *     int32_t stack[256], local[26] = {0};
     *     bs_bank banks[] = {{"local", BS_I32, local, 26}};
     *     bs_state now = {.stack_kind = BS_I32, .stack = stack, .banks = banks, .bank_count = 1};
     *     if (!bs_set_input(request, &now)) return;
     *     while (bs_step(request, &now)) {
     *         switch (request->program[now.pc]) {
     *         case 0x00: bs_halt(request, &now); return;
     *         case 0x09: bs_print(request, stack[--now.height]); now.pc++; break;
     *         ...
     *         }
     *     }
     *
     * bs_trap and bs_reject report other ends; bytestone.h says how. */
    bs_unsupported(request, "not yet");
}

int main(void) {
    static const bs_engine engine = {
        .name = "@NAME@",
        .version = "0.1.0",
        .machines = "@MACHINE@",
        .phases = "run",                            /* TODO: decode,verify,run if it rejects bad programs itself */
        .observes = "pc,depth,stack,cells,output",  /* TODO: what your VM can show */
        .traces = "hash,window",
        .run = run,
    };
    return bs_serve(&engine);
}
