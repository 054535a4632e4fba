/* nan.c - [run] nan = skip | rollback: what a training does about a batch whose loss or gradients are not finite. (stop: records/watch.c.)
 *
 * The step of such a batch is not done in either case; that is decided on the device (HK_GUARD). With `rollback` the network goes back to a
 * state that was kept every nan_every good steps, with its optimizer state, and the learning rate is lowered when wanted; the training goes on
 * behind the batch. Both end with an error when it does not get better. What decides is the step's number alone, and a checkpoint holds the kept state too
 * where it is not the checkpoint's own: a run taken up again does what it would have done. It writes no file. */
#include "trainer.h"
#include "file/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP = 2, ROLLBACK = 3, TOLD = 10 }; /* as in schema.c; warnings in full, then one in a hundred */

struct hk__nan {
    hk__job *j;
    int rollback;
    int64_t limit, every, updates; /* updates: optimizer steps behind the kept state */
    double factor;
    int n_param, n_state, n_plane;
    void **kept; /* [n_plane][n_param] values, then optimizer states, then averages where there are some; NULL where there is none */
};

static size_t number_bytes(const hk__job *j) { return hk_network_dtype(j->net) == HK_F64 ? 8 : 4; }
static void **kept(const hk__nan *n, int plane, int i) { return &n->kept[plane * n->n_param + i]; }

/* Whether plane k of n has something of parameter p. */
static int in_plane(const hk_param_info *p, int k, int n_state) { return k == 0 || k > n_state || p->learnable; }

static int n_plane(const hk__job *j) { return 1 + hk_network_n_opt_state(j->net) + (hk__conf_real(j->conf, "train", "ema") > 0); }

void hk__nan_hold(hk__job *j) {
    const int n_state = hk_network_n_opt_state(j->net);
    int64_t numbers = 0;
    if (hk__conf_int(j->conf, "run", "nan") != ROLLBACK) return;
    for (int k = 0; k < n_plane(j); k++)
        for (int i = 0; i < hk_network_n_param(j->net); i++) {
            const hk_param_info *p = hk_network_param(j->net, i);
            if (in_plane(p, k, n_state)) numbers += p->elems;
        }
    hk_network_hold(j->net, numbers * (int64_t)number_bytes(j));
}

uint32_t hk__nan_flags(const hk__job *j) { return hk__conf_int(j->conf, "run", "nan") >= SKIP ? (uint32_t)HK_GUARD : 0; }

static hk_status no_memory(hk__job *j) { return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "nan", "out of memory for the state to go back to"); }

hk_status hk__nan_new(hk__job *j) {
    const int64_t policy = hk__conf_int(j->conf, "run", "nan");
    const double factor = hk__conf_real(j->conf, "run", "nan_lr");
    if (policy != ROLLBACK && factor != 1)
        return hk__conf_fail_key(j->conf, HK_ECONFIG, "run", "nan_lr", "expected 1 without [run] nan = rollback, got %g", factor);
    if (policy < SKIP) return HK_OK;
    hk__nan_hold(j);
    hk__nan *n = j->nan = calloc(1, sizeof *n);
    if (!n) return no_memory(j);
    n->j = j, n->rollback = policy == ROLLBACK, n->factor = factor;
    n->limit = hk__conf_int(j->conf, "run", "nan_limit"), n->every = hk__conf_int(j->conf, "run", "nan_every");
    n->n_param = hk_network_n_param(j->net), n->n_state = hk_network_n_opt_state(j->net);
    if (!n->rollback) return HK_OK;
    n->n_plane = n_plane(j);
    if (!(n->kept = calloc((size_t)(n->n_plane * n->n_param) + 1, sizeof *n->kept))) return no_memory(j);
    for (int k = 0; k < n->n_plane; k++)
        for (int i = 0; i < n->n_param; i++) {
            const hk_param_info *p = hk_network_param(j->net, i);
            if (!in_plane(p, k, n->n_state)) continue;
            if (!(*kept(n, k, i) = malloc((size_t)p->elems * number_bytes(j)))) return no_memory(j);
        }
    return HK_OK;
}

void hk__nan_free(hk__nan *n) {
    if (!n) return;
    for (int i = 0; n->kept && i < n->n_plane * n->n_param; i++) free(n->kept[i]);
    free(n->kept), free(n);
}

/* Between the network and what is kept of it. */
static hk_status move(const hk__nan *n, int plane, int i, int back) {
    hk_network *net = n->j->net;
    void *v = *kept(n, plane, i);
    const int state = plane - 1, average = plane > n->n_state;
    if (hk_network_dtype(net) == HK_F64) {
        if (!plane) return back ? hk_network_write_param64(net, i, v) : hk_network_read_param64(net, i, v);
        if (average) return back ? hk_network_write_ema64(net, i, v) : hk_network_read_ema64(net, i, v);
        return back ? hk_network_write_opt_state64(net, state, i, v) : hk_network_read_opt_state64(net, state, i, v);
    }
    if (!plane) return back ? hk_network_write_param(net, i, v) : hk_network_read_param(net, i, v);
    if (average) return back ? hk_network_write_ema(net, i, v) : hk_network_read_ema(net, i, v);
    return back ? hk_network_write_opt_state(net, state, i, v) : hk_network_read_opt_state(net, state, i, v);
}

static hk_status move_all(const hk__nan *n, int back) {
    for (int k = 0; k < n->n_plane; k++)
        for (int i = 0; i < n->n_param; i++) {
            if (!*kept(n, k, i)) continue;
            hk_status st = move(n, k, i, back);
            if (st) return hk__job_fail_ctx(n->j, st, "run", "nan");
        }
    return HK_OK;
}

static hk_status keep(hk__nan *n, hk__progress_state *d) {
    hk_status st = move_all(n, 0);
    n->updates = hk_network_step(n->j->net) - hk_network_skipped(n->j->net);
    d->nan.good = d->step, d->nan.row = 0;
    return st;
}

/* The random draws go on from where they are, so that no batch gets those of another. */
static hk_status go_back(hk__nan *n, hk__progress_state *d) {
    hk_status st = move_all(n, 1);
    hk_network_set_skipped(n->j->net, hk_network_step(n->j->net) - n->updates);
    d->nan.cuts++;
    return st;
}

double hk__nan_lr(const hk__nan *n, const hk__progress_state *d, double lr) {
    for (int64_t k = 0; n && n->factor != 1 && k < d->nan.cuts; k++) lr *= n->factor;
    return lr;
}

hk_status hk__nan_begin(hk__nan *n, hk__progress_state *d) { return n && n->rollback && d->nan.good < 0 ? keep(n, d) : HK_OK; }

hk_status hk__nan_step(hk__nan *n, hk__progress_state *d, double loss, int *bad) {
    *bad = !n ? 0 : hk_executor_skipped(n->j->train) ? 2 : !isfinite(loss); /* 1: of several batches to one step, which will not be done */
    if (!n || *bad == 1) return HK_OK;
    if (!*bad) {
        if (!n->rollback) d->nan.row = 0;
        return n->rollback && d->step % n->every == 0 ? keep(n, d) : HK_OK;
    }
    d->nan.bad++, d->nan.row++;
    if (d->nan.row > n->limit)
        return hk__conf_fail_key(n->j->conf, HK_ESTATE, "run", "nan_limit",
            "training step %lld: the loss or a gradient is not finite, for the %lldth time %s; lower the learning rate (now %g), or look for the layer with [run] nan = stop",
            (long long)d->step, (long long)d->nan.row, n->rollback ? "since the state that was gone back to" : "in a row", hk__nan_lr(n, d, n->j->lr));
    hk_status st = n->rollback ? go_back(n, d) : HK_OK;
    if (st || (d->nan.bad > TOLD && d->nan.bad % 100)) return st;
    fprintf(stderr, "hillock: warning: training step %lld: the loss or a gradient is not finite (loss %g); ", (long long)d->step, loss);
    if (n->rollback) fprintf(stderr, "back to the network as it was behind step %lld, and on with the next batch (%lld so far)\n", (long long)d->nan.good, (long long)d->nan.bad);
    else fprintf(stderr, "the optimizer's step was left out (%lld so far)\n", (long long)d->nan.bad);
    return HK_OK;
}

/* ---- in checkpoints ---- */

int hk__nan_planes(const hk__nan *n, const hk__progress_state *d) { return n && n->rollback && d->nan.good != d->step ? n->n_plane : 0; }
int64_t hk__nan_updates(const hk__nan *n) { return n->updates; }

static int name_of(const hk__nan *n, int plane, int i, char **name) {
    const char *param = hk_network_param(n->j->net, i)->name;
    if (!plane || plane > n->n_state) return asprintf(name, HK__ROLLBACK "%s%s", plane ? "ema." : "param.", param);
    return asprintf(name, HK__ROLLBACK "optim.%s.%s", hk_network_opt_state_name(n->j->net, plane - 1), param);
}

int hk__nan_has(const hk__nan *n, int plane, int i) { return *kept(n, plane, i) != NULL; }

hk_status hk__nan_entry(const hk__nan *n, int plane, int i, char **name, hk_tensor *x) {
    const hk_param_info *p = hk_network_param(n->j->net, i);
    const size_t bytes = (size_t)p->elems * number_bytes(n->j);
    *x = (hk_tensor){ .dtype = hk_network_dtype(n->j->net), .rank = p->rank, .data = malloc(bytes ? bytes : 1) };
    memcpy(x->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
    if (name_of(n, plane, i, name) < 0) *name = NULL;
    x->name = *name;
    if (!x->name || !x->data) return HK_ENOMEM;
    memcpy(x->data, *kept(n, plane, i), bytes);
    return HK_OK;
}

/* Behind the rest of the checkpoint: what it goes back to is the network as it is, unless the file holds another state. */
hk_status hk__nan_load(hk__nan *n, const hk_file *f, const char *path, int64_t updates, hk__progress_state *d) {
    if (!n || !n->rollback) return HK_OK;
    if (d->nan.good < 0 || d->nan.good == d->step) { /* of a run with another policy; or they are the same */
        const int64_t row = d->nan.row;
        hk_status st = keep(n, d);
        d->nan.row = row;
        return st;
    }
    for (int k = 0; k < n->n_plane; k++)
        for (int i = 0; i < n->n_param; i++) {
            const hk_param_info *p = hk_network_param(n->j->net, i);
            char *name = NULL;
            if (!*kept(n, k, i)) continue;
            if (name_of(n, k, i, &name) < 0) return no_memory(n->j);
            const hk_tensor *t = hk_file_find(f, name);
            const int fits = t && t->dtype == hk_network_dtype(n->j->net) && t->rank == p->rank && !memcmp(t->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
            hk_status st = HK_OK;
            if (fits) memcpy(*kept(n, k, i), t->data, (size_t)p->elems * number_bytes(n->j));
            else st = hk__conf_fail(n->j->conf, HK_ECHECKPOINT, "%s: expected '%s' in the shape and dtype of %s, got %s", path, name, p->name, t ? "another one" : "none");
            free(name);
            if (st) return st;
        }
    n->updates = updates;
    return HK_OK;
}
