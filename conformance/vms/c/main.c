/* An engine of three machines in C, written from their manuals, with bugs that can be switched on. */

#include <stdio.h>
#include <string.h>

#define BYTESTONE_IMPLEMENTATION
#include "vm.h"

enum bug planted = BUG_NONE;

static const struct {
    const char *name, *machine, *instructions, *about;
} bugs[] = {
#define BUG_ROW(name, machine, instructions, about) {#name, machine, instructions, about},
    BUGS(BUG_ROW)
};

enum { BUG_COUNT = sizeof bugs / sizeof *bugs };

static int list_bugs(void) {
    for (int i = 0; i < BUG_COUNT; i++) {
        printf("%s\t%s\t%s\t%s\n", bugs[i].name, bugs[i].machine, bugs[i].instructions, bugs[i].about);
    }
    return 0;
}

static bool plant(const char *name) {
    for (int i = 0; i < BUG_COUNT; i++) {
        if (strcmp(bugs[i].name, name) == 0) planted = (enum bug)(i + 1);
    }
    return planted != BUG_NONE;
}

static void run(bs_run *request) {
    switch (request->machine[0]) {
    case 'c': calculator_run(request); break;
    case 's': stack_run(request); break;
    default: register_run(request);
    }
}

int main(int argc, char **argv) {
    static const bs_engine engine = {
        .name = "bytestone-c",
        .version = "1.0.0",
        .machines = "calculator@1,stack@1,register@1",
        .phases = "decode,verify,run",
        .observes = "pc,depth,stack,cells,output",
        .traces = "hash,window",
        .run = run,
    };
    if (argc == 1) return bs_serve(&engine);
    if (argc == 2 && strcmp(argv[1], "--list-bugs") == 0) return list_bugs();
    if (argc == 3 && strcmp(argv[1], "--bug") == 0 && plant(argv[2])) return bs_serve(&engine);
    fprintf(stderr, "usage: %s [--list-bugs | --bug NAME]\n", argv[0]);
    return 2;
}
