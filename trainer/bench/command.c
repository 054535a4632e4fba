/* command.c - `hillock bench NAME`: finds the workload and its ini (bench/NAME.ini), and runs it.
 *
 * Lines have the format of the peers' benchmark (bench/peers/peer_bench.py), so that they can be put side by side. A new workload is an ini, and
 * a line here when it is no network; what kinds there are is in the files beside this one. */
#include "bench/bench.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct workload {
    const char *name;
    const hk__schema *schema;
    hk_status (*run)(hk__bench *);
} workload;
static const workload workloads[] = {
    { "csnn", &hk__train_schema, hk__bench_network },
    { "seq-plain", &hk__train_schema, hk__bench_network },
    { "seq-feedback", &hk__train_schema, hk__bench_network },
    { "seq-synapse", &hk__train_schema, hk__bench_network },
    { "lif-fc", &hk__train_schema, hk__bench_network },
    { "snn-conv", &hk__train_schema, hk__bench_network },
    { "neuron", &hk__bench_schema, hk__bench_neuron },
    { "gemm", &hk__bench_schema, hk__bench_products },
    { "conv", &hk__bench_schema, hk__bench_products },
    { "spikes", &hk__bench_schema, hk__bench_spikes },
    { "stream", &hk__train_schema, hk__bench_stream },
};
enum { N_WORKLOAD = sizeof workloads / sizeof *workloads };
static const char *const stream_nets[] = { "csnn", "lif-fc", "snn-conv" };

double hk__bench_median(double *t, int64_t n) {
    for (int64_t gap = n / 2; gap > 0; gap /= 2) /* Shell's sort */
        for (int64_t i = gap; i < n; i++) {
            double x = t[i];
            int64_t k = i;
            for (; k >= gap && t[k - gap] > x; k -= gap) t[k] = t[k - gap];
            t[k] = x;
        }
    return n % 2 ? t[n / 2] : 0.5 * (t[n / 2 - 1] + t[n / 2]);
}

void hk__bench_line(
    const hk__bench *b, const char *what, const char *phase, int64_t batch, int threads, double *t, int64_t n, const char *more, const char *more_json) {
    double m = hk__bench_median(t, n), B = (double)batch;
    const char *space = what[0] ? " " : "";
    if (b->o->json)
        printf("{\"name\": \"%s%s%s\", \"phase\": \"%s\", \"batch\": %lld, \"threads\": %d, \"iters\": %lld, \"img_per_s\": %.1f, \"it_per_s\": %.3f, "
               "\"median_ms\": %.4f, "
               "\"min_ms\": %.4f%s}\n",
            b->name, space, what, phase, (long long)batch, threads, (long long)n, B / m, 1 / m, m * 1e3, t[0] * 1e3, more_json);
    else
        printf("%s%s%s %s B=%lld threads=%d compile=False: %.1f img/s  %.3f it/s  (%.1f ms, min %.1f)%s\n", b->name, space, what, phase, (long long)batch,
            threads, B / m, 1 / m, m * 1e3, t[0] * 1e3, more);
    fflush(stdout);
}

static int is_file(const char *name) { return strchr(name, '/') || (strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".ini")); }

/* The ini of a workload: a file's name as it is, else NAME.ini in $HILLOCK_BENCH_DIR, or beside the command. */
static char *find_ini(const char *name) {
    char *path = NULL, file[NAME_MAX + 1];
    const char *env = getenv("HILLOCK_BENCH_DIR");
    if (is_file(name)) return strdup(name);
    if ((size_t)snprintf(file, sizeof file, "%s.ini", name) >= sizeof file) return NULL;
    if (env && env[0] && asprintf(&path, "%s/%s", env, file) >= 0) {
        if (!access(path, R_OK)) return path;
        free(path);
    }
    char *dir = hk__share_find("bench", "share/hillock/bench", file);
    if (!dir || asprintf(&path, "%s/%s", dir, file) < 0) path = NULL;
    free(dir);
    return path;
}

static int unknown(const char *name) {
    const char *names[N_WORKLOAD];
    for (int i = 0; i < N_WORKLOAD; i++) names[i] = workloads[i].name;
    const char *near = hk__conf_suggest(name, names, N_WORKLOAD);
    if (near && !strcmp(near, name)) near = NULL; /* its file is not there */
    fprintf(stderr, "hillock: bench: no %s.ini in the bench folder%s%s%s; there are " HK__BENCH_NAMES "; HILLOCK_BENCH_DIR can name another folder\n", name,
        near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return 2;
}

/* One workload on one ini. title: in its lines. */
static int run_one(const hk__options *o, const workload *w, const char *ini, const char *title) {
    int code;
    char *path = find_ini(ini);
    if (!path) return unknown(ini);
    hk__bench b = { .o = o, .name = title, .iters = o->iters ? o->iters : 5, .conf = hk__options_conf(o, w->schema, path, &code) };
    free(path);
    if (!b.conf) return code;
    hk_status st = o->print_config ? hk__conf_print(b.conf, stdout) : w->run(&b);
    code = st ? hk__report(b.conf, st) : 0;
    hk__conf_free(b.conf);
    return code;
}

static int run_stream(const hk__options *o, const workload *w) {
    int n = o->n_arg > 1 ? o->n_arg - 1 : (int)(sizeof stream_nets / sizeof *stream_nets), code = 0;
    for (int i = 0; i < n && !code; i++) {
        const char *net = o->n_arg > 1 ? o->arg[i + 1] : stream_nets[i];
        char title[128];
        snprintf(title, sizeof title, "stream %.100s", net);
        code = run_one(o, w, net, title);
    }
    return code;
}

static int run(const hk__options *o) {
    const workload *w = &workloads[0]; /* of an ini that is not listed: a network */
    for (int i = 0; i < N_WORKLOAD && o->n_arg; i++)
        if (!strcmp(o->arg[0], workloads[i].name)) w = &workloads[i];
    if (o->n_arg && w->run == hk__bench_stream) return run_stream(o, w);
    if (o->n_arg != 1) {
        fprintf(stderr, "hillock: bench: expected one workload or FILE.ini, got %d; see hillock bench --help\n", o->n_arg);
        return 2;
    }
    return run_one(o, w, o->arg[0], o->arg[0]);
}

static const hk__option options[] = {
    HK__SET,
    HK__THREADS,
    HK__OPT_KEY("batch", "B", batch, "train", "batch", "samples of a step: [train] batch"),
    HK__OPT_KEY("channels", "C", channels, "model", "channels", "what ${channels} in [layers] stands for: [model] channels"),
    HK__OPT_KEY("T", "T", T, "model", "T", "time steps: [model] T"),
    HK__OPT_FLAG("rates", rates, "print the firing rate of each spiking layer on the batch"),
    HK__PROFILE,
    HK__OPS,
    HK__OPT_FLAG("memory", memory, "print what the training plan was to take and what the process took"),
    HK__PLANS,
    HK__OPT_INT("iters", "N", iters, 1, 1000000, "steps that are timed, after one that is not (default 5)"),
    HK__JSON,
    HK__PRINT_CONFIG,
    HK__HELP,
};
const hk__command hk__bench_command = {
    .name = "bench",
    .usage = "bench NAME|FILE.ini [options]",
    .doc = "time networks, single operations, streaming; names: " HK__BENCH_NAMES,
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .takes = HK__TAKES_INI,
    .run = run,
};
