/* command_run.h - runs a `hillock` command inside the test and keeps its exit code and what it printed; included by one test file. */
#ifndef TESTS_COMMAND_RUN_H
#define TESTS_COMMAND_RUN_H

#include "hillock/hillock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct ran {
    int code;
    char out[16384], err[16384]; /* the beginning of both */
} ran;

static int ran_redirect(int fd, int *file) {
    int old = dup(fd);
    *file = memfd_create("printed", 0);
    if (old < 0 || *file < 0 || dup2(*file, fd) < 0) fail_msg("cannot redirect");
    return old;
}

static void ran_restore(int fd, int old, int file, char *text, size_t size) {
    dup2(old, fd), close(old);
    ssize_t n = pread(file, text, size - 1, 0);
    text[n > 0 ? n : 0] = 0;
    close(file);
}

/* args: NULL at the end, without the program's name. */
static inline void run_command(ran *r, const char *const *args) {
    char *argv[64] = { (char *)(uintptr_t) "hillock" };
    int argc = 1, file[2];
    for (; args[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)args[argc - 1];
    fflush(stdout), fflush(stderr);
    int out = ran_redirect(1, &file[0]), err = ran_redirect(2, &file[1]);
    r->code = hk_main(argc, argv);
    fflush(stdout), fflush(stderr);
    ran_restore(1, out, file[0], r->out, sizeof r->out);
    ran_restore(2, err, file[1], r->err, sizeof r->err);
}

/* One clear error: `code`, one line on standard error that begins with "hillock: " and `at`, holds each of `words` (NULL at the end), and
 * nothing on standard output. `what` names the case. */
static inline void check_refused(const ran *r, const char *what, int code, const char *at, const char *const *words) {
    const char *line = r->err, *nl = strchr(line, '\n');
    if (r->code != code || strncmp(line, "hillock: ", 9) || strncmp(line + 9, at, strlen(at)) || !nl || nl[1] || r->out[0])
        fail_msg("%s:\n  expected exit code %d and one line 'hillock: %s...'\n  got exit code %d, '%s'%s", what, code, at, r->code, line,
            r->out[0] ? " and standard output" : "");
    for (int i = 0; words[i]; i++)
        if (!strstr(line, words[i])) fail_msg("%s:\n  expected '%s' in\n  %s", what, words[i], line);
}

/* Puts a file of this text in place of the one there. */
static inline void write_text(const char *path, const void *text, size_t n) {
    unlink(path); /* a file cut to nothing and written anew is waited for by some file systems */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

#endif
