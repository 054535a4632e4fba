/* command.c - `hillock sweep CONFIG.ini --set train.lr=0.1,0.01 --set run.seed=0,1,2 --out DIR`: the product of the lists, one run after the other, each in a
 * folder of its own, then a table and a figure.
 *
 * A run is a child process that is `hillock train --resume auto`: it begins with an empty memory, and one that fails takes no other with it. A run whose run.json
 * says "done" under the same configuration is not repeated; one that was interrupted goes on. Ctrl-C ends the child with a checkpoint, and the sweep. */
#include "sweep/sweep.h"
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;
static void on_signal(int sig) { stopped = sig; }

typedef struct sweep {
    const hk__options *o;
    hk__axes axes;
    char *argv[2 * HK__MAX_SET + 16];
    int argc;
} sweep;

static int put(sweep *s, const char *text) {
    char *copy = strdup(text);
    if (!copy) return -1;
    s->argv[s->argc++] = copy, s->argv[s->argc] = NULL;
    return 0;
}

/* The command line of a run, as of `hillock train`. */
static int command_of(sweep *s, int run, const char *name) {
    char *text = NULL;
    while (s->argc) free(s->argv[--s->argc]);
    int bad = put(s, "train") || put(s, s->o->arg[0]);
    for (int i = 0; i < s->axes.n_fixed && !bad; i++) bad = put(s, "--set") || put(s, s->axes.fixed[i]);
    for (int i = 0; i < s->axes.n && !bad; i++) {
        const hk__axis *x = &s->axes.axis[i];
        bad = asprintf(&text, "%s=%s", x->key, x->value[hk__axes_value(&s->axes, run, i)]) < 0 || put(s, "--set") || put(s, text);
        free(text), text = NULL;
    }
    if (!bad && s->o->threads) bad = put(s, "--threads") || put(s, s->o->threads);
    if (!bad && s->o->quiet) bad = put(s, "--quiet");
    bad = bad || asprintf(&text, "%s/%s", s->o->out, name) < 0 || put(s, "--resume") || put(s, "auto") || put(s, "--out") || put(s, text);
    free(text);
    return bad;
}

/* The resolved configuration, as the run's folder keeps it. NULL: the message is printed. */
static char *config_of(sweep *s, int *code) {
    hk__options o;
    char *text = NULL;
    size_t size;
    if ((*code = hk__options_parse(s->argc, s->argv, &hk__train_command, &o))) return NULL;
    hk__conf *c = hk__options_conf(&o, &hk__train_schema, o.arg[0], code);
    if (!c) return NULL;
    FILE *f = open_memstream(&text, &size);
    if (f) hk__conf_print(c, f), fclose(f);
    hk__conf_free(c);
    *code = text ? 0 : 1;
    return text;
}

static int same_file(const char *path, const char *text) {
    FILE *f = fopen(path, "re");
    size_t i = 0, n = strlen(text);
    int c = EOF;
    while (f && (c = getc(f)) != EOF && i < n && (char)c == text[i]) i++;
    if (f) fclose(f);
    return f && i == n && c == EOF;
}

static int is_done(const char *out, const char *name, const char *config) {
    char *info = NULL, *ini = NULL;
    int done = 0;
    if (asprintf(&info, "%s/%s/run.json", out, name) >= 0 && asprintf(&ini, "%s/%s/config.ini", out, name) >= 0) {
        json_t *o = json_load_file(info, 0, NULL);
        const char *state = json_string_value(json_object_get(o, "state"));
        done = state && !strcmp(state, "done") && same_file(ini, config);
        json_decref(o);
    }
    free(info), free(ini);
    return done;
}

/* Exit code of the run. */
static int train(sweep *s) {
    int status;
    fflush(NULL);
    const pid_t parent = getpid(), child = fork();
    if (child < 0) return fprintf(stderr, "hillock: sweep: no process: %s\n", strerror(errno)), 1;
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(75);
        const int code = hk__command_run(&hk__train_command, s->argc, s->argv);
        exit(code);
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return 1;
        if (stopped != SIGINT) kill(child, SIGTERM); /* Ctrl-C reaches it by itself */
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    fprintf(stderr, "hillock: sweep: the run was ended by signal %d\n", WTERMSIG(status));
    return 1;
}

static int run_all(sweep *s, hk__swept *got) {
    const int n = hk__axes_runs(&s->axes);
    int failed = 0, code = 0;
    for (int i = 0; i < n && code != 75; i++) {
        char *name = hk__axes_name(&s->axes, i), *config = NULL;
        if (!name || command_of(s, i, name)) return free(name), fprintf(stderr, "hillock: sweep: out of memory\n"), 1;
        if (!(config = config_of(s, &code))) return free(name), code; /* wrong in the first one is wrong in all */
        const int done = is_done(s->o->out, name, config);
        if (!s->o->quiet) printf("%s[%d/%d] %s%s\n", i ? "\n" : "", i + 1, n, name, done ? ": done before" : "");
        code = done ? 0 : train(s);
        if (code == 75 || stopped) code = 75;
        else if (code) failed = code;
        hk__swept_read(&got[i], s->o->out, name);
        free(name), free(config);
    }
    return code == 75 ? 75 : failed;
}

static int sweep_run(sweep *s) {
    struct sigaction old[2], sa = { .sa_handler = on_signal };
    char why[512];
    const int n = hk__axes_runs(&s->axes);
    hk__swept *got = calloc((size_t)n, sizeof *got);
    if (!got) return 1;
    stopped = 0;
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, &old[0]), sigaction(SIGTERM, &sa, &old[1]);
    int code = run_all(s, got);
    sigaction(SIGINT, &old[0], NULL), sigaction(SIGTERM, &old[1], NULL);
    if (code == 75) fprintf(stderr, "hillock: the sweep was stopped; the same command goes on with it\n");
    if (code != 2) {
        hk_status st = hk__sweep_table(&s->axes, got, s->o->out, s->o->quiet, why, sizeof why);
        if (st) fprintf(stderr, "hillock: sweep: %s\n", why);
        if (st && !code) code = hk_status_exit_code(st);
    }
    for (int i = 0; i < n; i++) hk__swept_free(&got[i]);
    free(got);
    return code;
}

static int run(const hk__options *o) {
    int code = 0;
    char why[512];
    if (o->n_arg != 1 || !o->out) {
        fprintf(stderr, "hillock: sweep: expected one CONFIG.ini and --out DIR; see hillock sweep --help\n");
        return 2;
    }
    sweep s = { .o = o };
    if (hk__axes_read(&s.axes, o->n_set, (char *const *)(uintptr_t)o->set, why, sizeof why)) fprintf(stderr, "hillock: sweep: %s\n", why), code = 2;
    else code = sweep_run(&s);
    while (s.argc) free(s.argv[--s.argc]);
    hk__axes_free(&s.axes);
    return code;
}

static const hk__option options[] = {
    HK__OPT_SET("SECTION.KEY=VALUE,...",
        "values to go through; commas in brackets or quotes part nothing, and a value wholly in \"\" is one; several lists: all combinations"),
    HK__OPT_TEXT("out", "DIR", out, "folder of the sweep: a run's folder for each combination, sweep.csv, sweep.md, sweep.svg"),
    HK__THREADS,
    HK__QUIET,
    HK__HELP,
};
const hk__command hk__sweep_command = {
    .name = "sweep",
    .usage = "sweep CONFIG.ini --set SECTION.KEY=VALUE,VALUE,... --out DIR",
    .doc = "train with each combination of the values, each in a folder of its own, and compare them; the same command goes on with what is not done",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .run = run,
};
