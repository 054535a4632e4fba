/* lint.c - runs the checks, each in a child with a limit of time, and collects what they say. */
#include "command/command.h"
#include "kit/lint.h"
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void hk__lint_say(hk__lint *l, hk__level level, const char *fmt, ...) {
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        if (*p == '\n') *p = ' ';
    fprintf(l->out, "%d%s\n", (int)level, text);
    fflush(l->out);
}

static void keep_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    hk__lint *l = arg;
    if (strcmp(plugin ? plugin : "", l->id) || l->n_type == HK__LINT_TYPES) return;
    hk__lint_type *t = &l->type[l->n_type++];
    snprintf(t->iface, sizeof t->iface, "%s", iface), snprintf(t->id, sizeof t->id, "%s", id);
    t->vtable = vtable;
}
typedef struct plugin_id {
    char file[4096], id[96];
} plugin_id;
static void find_id(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    plugin_id *p = arg;
    (void)version;
    if (!refused && file && !strcmp(file, p->file)) snprintf(p->id, sizeof p->id, "%s", id);
}

bool hk__lint_load(hk__lint *l, uint32_t max_isa) {
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    plugin_id own = { "", "" };
    cc.log_level = 0, cc.max_isa = max_isa, cc.plugin_path = l->file;
    if (l->ctx) hk_context_free(l->ctx), l->ctx = NULL;
    hk_status st = hk_context_new(&cc, &l->ctx);
    if (!st) st = hk_plugin_load(l->ctx, l->file); /* found by the path already; if it was refused, this says why */
    if (st) {
        hk__lint_say(l, HK__LINT_FAIL, "it does not load: %s", l->ctx ? hk_error(l->ctx) : hk_status_text(st));
        return false;
    }
    char *real = realpath(l->file, NULL);
    snprintf(own.file, sizeof own.file, "%s", real ? real : l->file);
    free(real);
    hk_plugin_each(l->ctx, find_id, &own);
    l->n_type = 0;
    snprintf(l->id, sizeof l->id, "%s", own.id);
    hk_type_each(l->ctx, NULL, keep_type, l);
    return true;
}

typedef struct check {
    const char *name, *doc;
    void (*run)(hk__lint *);
    int seconds;
} check;
static const check checks[] = {
    { "elf", "exports, libraries, constructors", hk__lint_elf, 10 },
    { "entry", "loads, twice, quickly", hk__lint_entry, 10 },
    { "tables", "documentation, defaults and ranges of fields", hk__lint_tables, 20 },
    { "data", "data sets and schedulers with their defaults", hk__lint_data, 60 },
    { "texts", "texts compile as C11 and C++17", hk__lint_texts, 120 },
    { "kernels", "kernels have the text's bits, in fenced memory, at each instruction set level", hk__lint_kernels, 60 },
    { "adjoints", "backward functions are the derivatives", hk__lint_adjoints, 60 },
    { "sizes", "networks with T = 0, N = 0, 1 and odd numbers", hk__lint_sizes, 60 },
    { "bits", "the same bits for any threads, blocks and instruction set level", hk__lint_bits, 120 },
    { "gradients", "gradients of networks against differences, on ref", hk__lint_gradients, 120 },
    { "resume", "state taken out and put back goes on with the same bits", hk__lint_resume, 60 },
    { "memory", "the k-th allocation fails, for every k", hk__lint_memory, 120 },
};
enum { N_CHECK = sizeof checks / sizeof checks[0] };

typedef struct findings {
    int n[3];
    json_t *list;
    const char *check;
    bool json;
} findings;

static void finding(findings *f, int level, const char *text) {
    static const char *const names[] = { "fail", "warn", "note" };
    f->n[level]++;
    if (f->json) json_array_append_new(f->list, json_pack("{s:s, s:s, s:s}", "check", f->check, "level", names[level], "text", text));
    else printf("%s  %-9s %s\n", names[level], f->check, text);
}

/* Lines of the child until it ends or its time is over; the last one is "=N": what it compared. */
static int listen_to(findings *f, int fd, pid_t pid, int seconds) {
    char line[4096];
    size_t n = 0;
    int compared = -1, status = 0, timed_out = 0;
    double until = hk__now() + seconds;
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        double left = until - hk__now();
        if (left <= 0 || poll(&p, 1, (int)(left * 1e3) + 1) == 0) {
            timed_out = 1;
            break;
        }
        ssize_t got = read(fd, line + n, sizeof line - 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got, line[n] = 0;
        for (char *end; (end = strchr(line, '\n'));) {
            *end = 0;
            if (line[0] == '=') compared = atoi(line + 1);
            else if (line[0] >= '0' && line[0] <= '2') finding(f, line[0] - '0', line + 1);
            n -= (size_t)(end + 1 - line);
            memmove(line, end + 1, n + 1);
        }
        if (n == sizeof line - 1) n = 0;
    }
    if (timed_out) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (timed_out) snprintf(line, sizeof line, "did not end within %d s: a call of the plugin hangs, or is very slow", seconds);
    else if (WIFSIGNALED(status)) snprintf(line, sizeof line, "crashed: %s", strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) || compared < 0)
        snprintf(line, sizeof line, "ended the process with exit code %d: plugins must not call exit or abort", WEXITSTATUS(status));
    else return compared;
    finding(f, HK__LINT_FAIL, line);
    return 0;
}

static int run_check(findings *f, const check *c, hk__lint *l) {
    int ends[2];
    f->check = c->name;
    fflush(stdout);
    if (pipe(ends)) {
        finding(f, HK__LINT_FAIL, strerror(errno));
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        l->out = fdopen(ends[1], "w");
        setenv("OMP_WAIT_POLICY", "passive", 1);
        c->run(l);
        fprintf(l->out, "=%d\n", l->n_compared);
        fflush(l->out);
        _exit(0);
    }
    close(ends[1]);
    int compared = pid < 0 ? 0 : listen_to(f, ends[0], pid, c->seconds);
    if (pid < 0) finding(f, HK__LINT_FAIL, strerror(errno));
    close(ends[0]);
    return compared;
}

static void remove_dir(const char *dir) {
    char cmd[300];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    if (system(cmd)) perror("hillock: lint: the folder for compiled texts");
}

static void more_help(FILE *f) {
    fprintf(f, "\nchecks:\n");
    for (int i = 0; i < N_CHECK; i++) fprintf(f, "  %-10s %s\n", checks[i].name, checks[i].doc);
    fprintf(f, "\nexit code 4 when a check fails; with --strict also for warnings\n");
}

static int run(const hk__options *o) {
    static hk__lint l;
    char dir[] = "/tmp/hk_lint_XXXXXX", path[8192];
    if (o->n_arg != 1 || access(o->arg[0], R_OK)) {
        if (o->n_arg == 1) fprintf(stderr, "hillock: lint: %s: %s\n", o->arg[0], strerror(errno));
        else fprintf(stderr, "hillock: lint: expected one PLUGIN.so, got %d arguments; see hillock lint --help\n", o->n_arg);
        return 2;
    }
    snprintf(path, sizeof path, "%s%s", strchr(o->arg[0], '/') ? "" : "./", o->arg[0]); /* a bare name would be searched for */
    if (!mkdtemp(dir)) {
        perror("hillock: lint: a folder in /tmp");
        return 1;
    }
    findings f = { .json = o->json, .list = o->json ? json_array() : NULL };
    int compared = 0, n_run = 0;
    for (int i = 0; i < N_CHECK; i++) {
        l = (hk__lint){ .file = path, .with = o->with, .shape = o->shape, .dir = dir };
        compared += run_check(&f, &checks[i], &l);
        n_run++;
        if (f.n[HK__LINT_FAIL] && i < 2) break; /* nothing else can be looked at */
    }
    remove_dir(dir);
    if (o->json) {
        json_t *all = json_pack(
            "{s:s, s:i, s:i, s:i, s:i, s:o}", "plugin", o->arg[0], "compared", compared, "fail", f.n[0], "warn", f.n[1], "note", f.n[2], "findings", f.list);
        if (all) json_dumpf(all, stdout, JSON_INDENT(2)), putchar('\n');
        json_decref(all);
    } else {
        printf("%s: %d of %d checks run, %d things compared: %d fail, %d warn, %d note\n", o->arg[0], n_run, N_CHECK, compared, f.n[0], f.n[1], f.n[2]);
    }
    return f.n[HK__LINT_FAIL] || (o->strict && f.n[HK__LINT_WARN]) ? 4 : 0;
}

static const hk__option options[] = {
    HK__JSON,
    HK__OPT_TEXT("with", "TEXT", with, "constructor text of a network to run, for types whose fields have no defaults"),
    HK__OPT_TEXT("shape", "D,D,...", shape, "shape of one sample for it, as 4,28,28"),
    HK__OPT_FLAG("strict", strict, "warnings count as failures"),
    HK__HELP,
};
const hk__command hk__lint_command = {
    .name = "lint",
    .usage = "lint PLUGIN.so [options]",
    .doc = "check everything about a plugin that can be checked without knowing what it is for",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .more_help = more_help,
    .run = run,
};
