/* main.c - hillock-golden: runs every reference file of a folder and prints totals. Exit code: 0 none failed, 1 some failed, 2 usage. */
#include "runner.h"
#include <stdlib.h>
#include <string.h>

static const struct kind {
    const char *name;
    void (*run)(gr_case *);
} kinds[] = {
    { "surrogate", gr_surrogate },
    { "surrogate_snn", gr_surrogate_snn },
    { "neuron", gr_neuron },
    { "neuron_snn", gr_neuron_snn },
    { "container", gr_container },
    { "layer", gr_layer },
    { "loss", gr_loss },
    { "loss_snn", gr_loss_snn },
    { "encoder", gr_encoder },
    { "optimizer", gr_optimizer },
    { "scheduler", gr_scheduler },
    { "frames", gr_frames },
    { "network", gr_network },
    { "keys", NULL },
};
enum { N_KINDS = sizeof kinds / sizeof *kinds, MAX_IDS = 256 };

static struct totals { int passed, failed, skipped, compared; } totals[N_KINDS];

static struct {
    char id[64];
    int n;
} missing[MAX_IDS];
static int n_missing;

static void note_missing(const gr_case *c) {
    for (int i = 0; i < c->n_missing; i++) {
        int k = 0;
        while (k < n_missing && strcmp(missing[k].id, c->missing[i])) k++;
        if (k == MAX_IDS) return;
        if (k == n_missing) strcpy(missing[n_missing++].id, c->missing[i]);
        missing[k].n++;
    }
}

static void usage(FILE *f) {
    fprintf(f,
        "usage: hillock-golden DIR [--set backend.name=NAME] [--set backend.options=TEXT] [--set run.max_isa=baseline|avx2|avx512] [--set run.nb=N] [--set run.threads=N] [--set run.memory=balanced|fast|small] [--set run.chunk=N] [--only PREFIX] "
        "[--verbose]\n");
}

static bool set_option(gr_options *o, const char *s) {
    static const char *const isa[] = { "baseline", "avx2", "avx512" };
    const char *v;
    char *end;
    if (gr_prefix(s, "backend.name=", &v)) o->backend = v;
    else if (gr_prefix(s, "backend.options=", &v)) o->options = v;
    else if (gr_prefix(s, "run.max_isa=", &v)) {
        for (uint32_t i = 0; i < 3; i++)
            if (!strcmp(v, isa[i])) {
                o->max_isa = i;
                return true;
            }
        return false;
    } else if (gr_prefix(s, "run.nb=", &v)) {
        o->nb = strtoll(v, &end, 10);
        return end != v && !*end;
    } else if (gr_prefix(s, "run.chunk=", &v)) {
        o->chunk = strtoll(v, &end, 10);
        return end != v && !*end && o->chunk >= 0;
    } else if (gr_prefix(s, "run.memory=", &v)) {
        static const char *const mode[] = { "balanced", "fast", "small" };
        for (uint32_t i = 0; i < 3; i++)
            if (!strcmp(v, mode[i])) {
                o->memory = i;
                return true;
            }
        return false;
    } else if (gr_prefix(s, "run.threads=", &v)) {
        o->threads = (int)strtol(v, &end, 10);
        return end != v && !*end;
    } else return false;
    return true;
}

static bool parse(int argc, char **argv, gr_options *o) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--set") && i + 1 < argc && set_option(o, argv[i + 1])) i++;
        else if (!strcmp(argv[i], "--only") && i + 1 < argc) o->only = argv[++i];
        else if (!strcmp(argv[i], "--verbose")) o->verbose = 1;
        else if (argv[i][0] != '-' && !o->dir) o->dir = argv[i];
        else {
            fprintf(stderr, "hillock-golden: unexpected '%s'\n", argv[i]);
            return false;
        }
    }
    return o->dir != NULL;
}

/* The keys of whole models: JSON, and a model of that name. */
static void run_keys(gr_case *c) {
    char name[96];
    snprintf(name, sizeof name, "%s", c->file + strlen("keys."));
    if (strchr(name, '.')) *strchr(name, '.') = 0;
    if (gr_need(c, "hk.module/1", name)) gr_fail(c, "the runner does not know how to compare the keys of '%s'", name);
}

static void run_file(gr_case *c, const struct kind *k) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", c->opt->dir, c->file);
    if (!k->run) {
        run_keys(c);
        return;
    }
    if (!gr_ok(c, hk_file_read(c->ctx, path, &c->data), path)) return;
    const char *spec = hk_file_meta(c->data, "spec"), *rtol = hk_file_meta(c->data, "rtol"), *atol = hk_file_meta(c->data, "atol"),
               *kind = hk_file_meta(c->data, "kind");
    c->source = hk_file_meta(c->data, "source");
    c->spec = spec ? json_loads(spec, JSON_REJECT_DUPLICATES, NULL) : NULL;
    c->done = calloc((size_t)hk_file_n(c->data) + 1, sizeof *c->done);
    if (!c->spec || !rtol || !atol || !c->done || !c->source || !kind || strcmp(kind, k->name)) {
        gr_fail(c, "its metadata is not that of a golden file of kind %s", k->name);
        return;
    }
    c->rtol = atof(rtol), c->atol = atof(atol);
    k->run(c);
    if (!c->failed && !c->n_missing) gr_check_complete(c);
}

static void run_case(hk_context *ctx, const gr_options *o, const char *file, const char *kind) {
    gr_case c = { .ctx = ctx, .opt = o, .file = file, .kind = kind };
    int k = 0;
    while (k < N_KINDS && strcmp(kinds[k].name, kind)) k++;
    if (k == N_KINDS) {
        gr_fail(&c, "unknown kind '%s'", kind);
        totals[0].failed++;
        return;
    }
    run_file(&c, &kinds[k]);
    bool skip = !c.failed && c.n_missing;
    if (skip) note_missing(&c);
    totals[k].skipped += skip, totals[k].failed += c.failed, totals[k].passed += !skip && !c.failed;
    totals[k].compared += c.compared;
    if (o->verbose) printf("%s %s (%d tensors)\n", c.failed ? "fail" : skip ? "skip" : "pass", file, c.compared);
    hk_file_free(c.data);
    json_decref(c.spec);
    free(c.done);
}

static int run_all(hk_context *ctx, const gr_options *o) {
    char path[4096], line[1024], file[256], kind[64];
    snprintf(path, sizeof path, "%s/index.tsv", o->dir);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "hillock-golden: cannot open %s\n", path);
        return 2;
    }
    for (int at = 0; fgets(line, sizeof line, f); at++) {
        if (at == 0) continue; /* titles */
        if (sscanf(line, "%255[^\t]\t%63[^\t]\t", file, kind) != 2) {
            fprintf(stderr, "hillock-golden: %s:%d: expected file and kind\n", path, at + 1);
            fclose(f);
            return 2;
        }
        if (!o->only || gr_prefix(file, o->only, NULL)) run_case(ctx, o, file, kind);
        fflush(stdout);
    }
    fclose(f);
    return 0;
}

int main(int argc, char **argv) {
    gr_options o = { .backend = "cpu", .max_isa = HK_ISA_AVX512 };
    hk_context_config cfg = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context *ctx = NULL;
    if (!parse(argc, argv, &o)) {
        usage(stderr);
        return 2;
    }
    cfg.max_isa = o.max_isa;
    if (hk_context_new(&cfg, &ctx)) {
        fprintf(stderr, "hillock-golden: %s\n", ctx ? hk_error(ctx) : "out of memory");
        hk_context_free(ctx);
        return 2;
    }
    int code = run_all(ctx, &o);
    struct totals all = { 0 };
    if (n_missing) printf("missing types (cases skipped for each):\n");
    for (int i = 0; i < n_missing; i++) printf("  %-40s %d\n", missing[i].id, missing[i].n);
    for (int k = 0; k < N_KINDS; k++) {
        const struct totals *t = &totals[k];
        if (t->passed + t->failed + t->skipped)
            printf("%-14s %3d passed, %3d failed, %3d skipped, %5d tensors compared\n", kinds[k].name, t->passed, t->failed, t->skipped, t->compared);
        all.passed += t->passed, all.failed += t->failed, all.skipped += t->skipped, all.compared += t->compared;
    }
    hk_context_free(ctx);
    if (code) return code;
    printf("%d tensors compared\n%d passed, %d failed, %d skipped\n", all.compared, all.passed, all.failed, all.skipped);
    return all.failed || all.passed + all.skipped == 0;
}
