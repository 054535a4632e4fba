/* checkpoint.c - writes a training's state as safetensors: entries of the state_dict under their names, optimizer state under
 * hk.optim.<state>.<parameter>, averages under hk.ema.<parameter>,
 * what hooks keep under hk.hooks.<name>, what is no tensor in __metadata__ under hk.*; sealed by a hash over every byte (core/file/seal.c).
 *
 * Nothing of the machine goes in (host, threads, instruction set, times, paths, versions): equal runs give equal bytes.
 * Those are in run.json. Numbers that must come back exactly are written as C's hexadecimal floats. restore.c reads it. */
#include "extend/extend.h"
#include "trainer.h"
#include "file/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    hk_tensor *t;
    char **own; /* names made here */
    int n;
} table;

static hk_status entry(hk__job *j, table *t, int i, int state) {
    const hk_param_info *p = hk_network_param(j->net, i);
    hk_tensor *x = &t->t[t->n];
    t->n++;
    if (state < 0) return hk__weights_entry(j, i, x);
    *x = (hk_tensor){ .dtype = hk_network_dtype(j->net), .rank = p->rank };
    memcpy(x->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
    if (asprintf(&t->own[t->n - 1], HK__OPTIM "%s.%s", hk_network_opt_state_name(j->net, state), p->name) < 0) t->own[t->n - 1] = NULL;
    x->name = t->own[t->n - 1];
    x->data = malloc((size_t)p->elems * sizeof(double));
    if (!x->name || !x->data) return HK_ENOMEM;
    return x->dtype == HK_F64 ? hk_network_read_opt_state64(j->net, state, i, x->data) : hk_network_read_opt_state(j->net, state, i, x->data);
}

char *hk__model_text(const hk__job *j) {
    int n = hk_module_to_text(j->root, NULL, 0);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) hk_module_to_text(j->root, text, (size_t)n + 1);
    return text;
}

/* What hooks keep. */
static hk_status kept(table *t, const hk__kept *k) {
    hk_tensor *x = &t->t[t->n];
    *x = (hk_tensor){ .dtype = HK_F64, .rank = 1, .shape = { k->n } };
    t->n++;
    if (asprintf(&t->own[t->n - 1], HK__HOOKS "%s", k->name) < 0) t->own[t->n - 1] = NULL;
    x->name = t->own[t->n - 1];
    x->data = malloc((size_t)k->n * sizeof(double));
    if (!x->name || !x->data) return HK_ENOMEM;
    memcpy(x->data, k->values, (size_t)k->n * sizeof(double));
    return HK_OK;
}

enum { MAX_META = 40 };
typedef struct meta {
    const char *pair[2 * MAX_META];
    char text[MAX_META][32];
    int n;
} meta;
static void put_text(meta *m, const char *key, const char *v) { m->pair[2 * m->n] = key, m->pair[2 * m->n + 1] = v, m->n++; }
static void put_int(meta *m, const char *key, int64_t v) {
    snprintf(m->text[m->n], sizeof m->text[0], "%lld", (long long)v);
    put_text(m, key, m->text[m->n]);
}
static void put_real(meta *m, const char *key, double v) {
    snprintf(m->text[m->n], sizeof m->text[0], "%a", v);
    put_text(m, key, m->text[m->n]);
}

static void fill(meta *m, hk__job *j, const hk__progress_state *d) {
    m->n = 0;
    put_text(m, "hk.format", HK__FORMAT);
    put_int(m, "hk.epoch", d->epoch), put_int(m, "hk.batch", d->batch), put_int(m, "hk.step", d->step);
    put_int(m, "hk.optim.step", hk_network_step(j->net));
    if (hk_network_skipped(j->net)) put_int(m, "hk.optim.skipped", hk_network_skipped(j->net));
    if (j->nan) put_int(m, "hk.nan.bad", d->nan.bad), put_int(m, "hk.nan.row", d->nan.row), put_int(m, "hk.nan.cuts", d->nan.cuts);
    if (j->nan && d->nan.good >= 0) put_int(m, "hk.nan.good", d->nan.good), put_int(m, "hk.nan.updates", hk__nan_updates(j->nan));
    put_real(m, "hk.best", d->best);
    put_real(m, "hk.train.loss", d->train.loss), put_real(m, "hk.train.correct", d->train.correct), put_int(m, "hk.train.samples", d->train.n);
    if (isfinite(d->train.correct5)) put_real(m, "hk.train.correct5", d->train.correct5);
    put_real(m, "hk.log.loss", d->log.loss), put_real(m, "hk.log.correct", d->log.correct), put_int(m, "hk.log.samples", d->log.n);
}

hk_status hk__checkpoint_write(hk__job *j, const char *path, const char *keep_as, const hk__progress_state *done) {
    int n_param = hk_network_n_param(j->net), n_state = hk_network_n_opt_state(j->net);
    size_t cap = 2 * (size_t)n_param * (size_t)(n_state + 2) + (size_t)j->trainer->n_kept + 1;
    table t = { calloc(cap, sizeof(hk_tensor)), calloc(cap, sizeof(char *)), 0 };
    char *model = hk__model_text(j), *settings = hk__settings_text(j->conf), *tune = hk__tune_text(j, 0);
    meta m;
    hk_status st = t.t && t.own && model && settings && tune ? HK_OK : HK_ENOMEM;
    for (int i = 0; i < n_param && !st; i++) st = entry(j, &t, i, -1);
    for (int k = 0; k < n_state && !st; k++)
        for (int i = 0; i < n_param && !st; i++)
            if (hk_network_param(j->net, i)->learnable) st = entry(j, &t, i, k);
    for (int i = 0; i < n_param && !st && hk__conf_real(j->conf, "train", "ema") > 0; i++) st = hk__ema_entry(j, i, &t.own[t.n], &t.t[t.n]), t.n++;
    for (int k = 0; k < hk__nan_planes(j->nan, done) && !st; k++)
        for (int i = 0; i < n_param && !st; i++)
            if (hk__nan_has(j->nan, k, i)) st = hk__nan_entry(j->nan, k, i, &t.own[t.n], &t.t[t.n]), t.n++;
    for (int i = 0; i < j->trainer->n_kept && !st; i++) st = kept(&t, &j->trainer->kept[i]);
    if (!st) {
        fill(&m, j, done);
        put_text(&m, "hk.settings", settings), put_text(&m, "hk.model", model);
        if (tune[0]) put_text(&m, "hk.tune", tune);
        st = hk__file_write_sealed(j->ctx, path, keep_as, t.n, t.t, m.n, m.pair);
    }
    for (int i = 0; i < t.n; i++) free(t.t[i].data), free(t.own[i]);
    free(t.t), free(t.own), free(model), free(settings), free(tune);
    if (st == HK_ENOMEM) return hk__conf_fail_key(j->conf, st, "run", "out", "%s: out of memory", path);
    return st ? hk__job_fail_ctx(j, st, "run", "out") : HK_OK;
}
