/* Keeps what ubpf says of an error. It calls a function with a variable number of arguments for that, which stable
   Rust cannot define. */

#include <stdarg.h>
#include <stdio.h>

static char said[4096];
static size_t length;

int bytestone_say(FILE *stream, const char *format, ...) {
    va_list arguments;
    (void)stream;
    va_start(arguments, format);
    int written = vsnprintf(said + length, sizeof said - length, format, arguments);
    va_end(arguments);
    if (written > 0) {
        length += (size_t)written;
        if (length >= sizeof said) length = sizeof said - 1;
    }
    return written;
}

/* All that was said since the last time. */
const char *bytestone_said(void) {
    said[length] = 0;
    length = 0;
    return said;
}
