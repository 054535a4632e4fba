/* cmd_bench.c - `hillock bench NAME`: times training and inference on one fixed batch, with train's own network, executors and step.
 *
 * Settings are in bench/NAME.ini; lines have the format of the peers' benchmark (bench/peers/peer_bench.py), so they can be put side
 * by side, and so is what is timed: the batch is in place already; a training step is forward, loss, backward and optimizer; an inference
 * gives the mean of the output over T, without loss and accuracy. The first one is not timed. */
#include "trainer.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ini of a workload: a file's name as it is, else NAME.ini in $HILLOCK_BENCH_DIR, the source tree of a build, the installed share. */
static char *find_ini(const char *name) {
    char *path = NULL, exe[PATH_MAX] = "";
    if (strchr(name, '/') || (strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".ini"))) return strdup(name);
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash) *slash = 0;
    const char *dirs[8], *env = getenv("HILLOCK_BENCH_DIR");
    char rel[3][PATH_MAX + 64];
    int k = 0;
    if (env && env[0]) dirs[k++] = env;
    static const char *const up[] = { "/../../bench", "/../share/hillock/bench", "/bench" };
    for (int i = 0; i < 3 && slash; i++) snprintf(rel[i], sizeof rel[i], "%s%s", exe, up[i]), dirs[k++] = rel[i];
    for (int i = 0; i < k; i++) {
        if (asprintf(&path, "%s/%s.ini", dirs[i], name) < 0) return NULL;
        if (access(path, R_OK) == 0) return path;
        free(path);
    }
    return NULL;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static hk_status time_phase(hk__job *j, hk_executor *ex, const hk__loader *l, const hk__options *o, const char *phase, double *t) {
    double loss = 0;
    hk_status st = hk__job_put(j, ex, l->x, ex == j->train ? l->y : NULL, l->count);
    if (st) return st;
    st = hk_executor_run(ex);
    if (!st && o->profile) st = hk_executor_profile(ex, 1, 0);
    for (int64_t i = 0; i < o->iters && !st; i++) {
        double t0 = hk__now();
        st = hk_executor_run(ex);
        t[i] = hk__now() - t0;
    }
    if (!st && ex == j->train) st = hk_executor_read(ex, "loss", HK_F64, &loss, 1);
    if (st) return hk__job_fail_ctx(j, st, "model", "type");
    qsort(t, (size_t)o->iters, sizeof *t, by_value);
    double m = o->iters % 2 ? t[o->iters / 2] : 0.5 * (t[o->iters / 2 - 1] + t[o->iters / 2]);
    long long B = (long long)l->count;
    if (o->json)
        printf("{\"name\": \"%s\", \"phase\": \"%s\", \"batch\": %lld, \"threads\": %d, \"iters\": %lld, \"img_per_s\": %.1f, \"it_per_s\": %.3f, "
               "\"median_ms\": %.4f, \"min_ms\": %.4f, "
               "\"loss\": %.9g}\n",
            o->arg[0], phase, B, j->threads, (long long)o->iters, (double)B / m, 1 / m, m * 1e3, t[0] * 1e3, loss);
    else
        printf("%s %s B=%lld threads=%d compile=False: %.1f img/s  %.3f it/s  (%.1f ms, min %.1f)\n", o->arg[0], phase, B, j->threads, (double)B / m, 1 / m,
            m * 1e3, t[0] * 1e3);
    fflush(stdout);
    return HK_OK;
}

/* The output's mean over T, and nothing else. */
static hk_status infer_executor(hk__job *j, hk_executor **ex) {
    const hk_output rate = { .name = "rate" };
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = HK_FORGET | HK_NO_LOSS, .n_output = 1, .outputs = &rate };
    hk_status st = hk_executor_new(j->net, &ec, ex);
    return st ? hk__job_fail_ctx(j, st, "model", "type") : HK_OK;
}

static hk_status bench(hk__conf *conf, const hk__options *o) {
    hk__job *j = NULL;
    hk_executor *infer = NULL;
    hk__loader *l = NULL;
    double *t = malloc((size_t)o->iters * sizeof *t);
    hk_status st = t ? hk__job_new(conf, &j) : hk__conf_fail_key(conf, HK_ENOMEM, "train", NULL, "out of memory");
    if (!st) st = hk__job_open_data(j, HK__TRAIN_SPLIT);
    if (!st) st = hk__job_network(j);
    if (!st && j->data_type->size(j->ds_train) < j->batch)
        st = hk__conf_fail_key(conf, HK_ECONFIG, "train", "batch", "expected at most %lld, the number of samples", (long long)j->data_type->size(j->ds_train));
    if (!st && (st = hk__loader_new(j->data_type, j->ds_train, j->batch, j->batch, 0, 1, 0, &l)))
        hk__conf_fail_key(conf, st, "train", "batch", "%s", hk_status_text(st));
    if (!st) {
        hk__loader_start(l, 0);
        if ((st = hk__loader_next(l))) hk__job_fail_ctx(j, st, "data", "name");
    }
    if (!st) hk_executor_set_lr(j->train, j->lr);
    long long before = o->memory && !st ? hk__memory_before() : -1;
    if (!st) st = time_phase(j, j->train, l, o, "train", t);
    if (!st && o->memory) hk__memory_print(j, j->train, before, o->arg[0], o->json);
    if (!st) st = infer_executor(j, &infer);
    if (!st) st = time_phase(j, infer, l, o, "infer", t);
    if (!st && o->profile) st = hk__profile_print(j, j->train, "training", o->json);
    if (!st && o->profile) st = hk__profile_print(j, infer, "inference", o->json);
    if (!st && o->plan && puts("training plan") >= 0) st = hk_executor_print(j->train, stdout);
    if (!st && o->plan && puts("\ninference plan") >= 0) st = hk_executor_print(infer, stdout);
    if (!st && o->rates) st = hk__rates_print(j, l, o->arg[0], o->json);
    hk_executor_free(infer), hk__loader_free(l), hk__job_free(j), free(t);
    return st;
}

int hk__cmd_bench(int argc, char **argv) {
    hk__options o;
    int code = hk__options_parse(argc, argv, HK__CMD_BENCH, &o);
    if (code) return code;
    if (o.help) {
        hk__options_help(HK__CMD_BENCH, stdout);
        return 0;
    }
    if (o.n_arg != 1) {
        fprintf(stderr, "hillock: bench: expected one workload or FILE.ini, got %d; see hillock bench --help\n", o.n_arg);
        return 2;
    }
    char *path = find_ini(o.arg[0]);
    if (!path) {
        static const char *const names[] = { "csnn", "seq-plain", "seq-feedback", "seq-synapse" };
        const char *near = hk__conf_suggest(o.arg[0], names, 4);
        fprintf(stderr, "hillock: bench: no %s.ini in the bench folder%s%s%s; HILLOCK_BENCH_DIR can name another folder\n", o.arg[0],
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return 2;
    }
    hk__conf *conf = hk__options_conf(&o, path, &code);
    free(path);
    if (!conf) return code;
    hk_status st = o.print_config ? hk__conf_print(conf, stdout) : bench(conf, &o);
    code = st ? hk__report(conf, st) : 0;
    hk__conf_free(conf);
    return code;
}
