/* compile.c - `hillock plugin build`: one C file becomes a plugin, by the system's compiler with the options that a plugin needs. What was there under
 * the output's name is replaced only by a plugin that loads. */
#include "command/command.h"
#include "kit/kit.h"
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { MAX_ARG = 64 };

/* Runs the command; its output goes where ours goes. The exit status, or -1: it could not be started, errno says why. */
static int run(char **argv) {
    pid_t pid;
    int status = 0, error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (error) {
        errno = error;
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Splits text at blanks into argv; the pieces point into text. */
static int split(char *text, char **argv, int n) {
    for (char *word = strtok(text, " \t"); word && n < MAX_ARG - 16; word = strtok(NULL, " \t")) argv[n++] = word;
    return n;
}

hk_status hk__plugin_compile(hk_context *ctx, const char *source, const char *out, char why[HK__WHY]) {
    char *include = hk__share_find("include", "include", "hillock/plugin.h"), tmp[4096], option[4200];
    const char *cc_env = getenv("CC"), *flags_env = getenv("CFLAGS");
    char *cc = strdup(cc_env && cc_env[0] ? cc_env : "cc"), *flags = strdup(flags_env ? flags_env : "-O2 -Wall -Wextra"), *argv[MAX_ARG + 1];
    hk_status st = HK_ENOMEM;
    int fd = -1, code;
    snprintf(why, HK__WHY, "out of memory");
    if (!cc || !flags) goto end;
    if (!include) {
        snprintf(why, HK__WHY, "no headers beside the command: expected PREFIX/include/hillock/plugin.h");
        st = HK_ENOTFOUND;
        goto end;
    }
    st = HK_EIO;
    if (access(source, R_OK) || snprintf(tmp, sizeof tmp, "%s.XXXXXX.so", out) >= (int)sizeof tmp || (fd = mkstemps(tmp, 3)) < 0) {
        snprintf(why, HK__WHY, "%s: %s", access(source, R_OK) ? source : out, strerror(errno));
        goto end;
    }
    close(fd);
    snprintf(option, sizeof option, "-I%s", include);
    int n = split(cc, argv, 0);
    argv[n++] = "-std=gnu11";
    n = split(flags, argv, n);
    char *const rest[] = { "-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-z,defs", option, (char *)(uintptr_t)source, "-o", tmp, "-lm" };
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) argv[n++] = rest[i];
    argv[n] = NULL;
    code = run(argv);
    if (code < 0) snprintf(why, HK__WHY, "the compiler '%s' cannot be started: %s; CC names another", argv[0], strerror(errno)), st = HK_ENOTFOUND;
    else if (code) snprintf(why, HK__WHY, "%s does not compile: '%s' ended with %d", source, argv[0], code), st = HK_EPLUGIN;
    else if (chmod(tmp, 0755)) snprintf(why, HK__WHY, "%s: %s", tmp, strerror(errno));
    else if ((st = hk_plugin_load(ctx, tmp))) snprintf(why, HK__WHY, "%s compiles, but is refused as a plugin: %s", source, hk_error(ctx));
    else if (rename(tmp, out)) snprintf(why, HK__WHY, "%s: %s", out, strerror(errno)), st = HK_EIO;
    if (st) unlink(tmp);
end:
    free(cc), free(flags), free(include);
    return st;
}
