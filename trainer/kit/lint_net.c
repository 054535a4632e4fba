/* lint_net.c - small networks that have one of the plugin's types in them, and one way to run them and to get everything out. */
#include "core.h"
#include "kit/lint.h"
#include "plugin/registry.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double hk__lint_number(int which, int64_t i) {
    uint64_t r = (uint64_t)i * 2 + (uint64_t)which + 12345;
    r ^= r >> 33, r *= UINT64_C(0xff51afd7ed558ccd), r ^= r >> 33, r *= UINT64_C(0xc4ceb9fe1a85ec53), r ^= r >> 33;
    return (which ? -1.0 : -0.25) + (which ? 2.0 : 1.75) * (double)(r >> 40) * 0x1p-24;
}

/* ---- which networks ---- */

static hk__lint_net *next(hk__lint_net *list, int *n, const char *what, const char *root, const char *loss, const char *optimizer, const char *backend) {
    hk__lint_net *e = &list[(*n)++];
    memset(e, 0, sizeof *e);
    snprintf(e->what, sizeof e->what, "%s", what), snprintf(e->root, sizeof e->root, "%s", root), snprintf(e->loss, sizeof e->loss, "%s", loss);
    snprintf(e->optimizer, sizeof e->optimizer, "%s", optimizer), snprintf(e->backend, sizeof e->backend, "%s", backend);
    return e;
}

/* Networks of more numbers would take minutes to compare. */
enum { MOST_PARAMS = 50000, MOST_INPUTS = 4096 };
static bool too_large(hk__lint *l, const hk__lint_net *e, const hk__lint_live *v, bool tell) {
    int64_t params = 0, inputs = 1;
    for (int i = 0; i < hk_network_n_param(v->net); i++) params += hk_network_param(v->net, i)->elems;
    for (int i = 0; i < e->rank; i++) inputs *= e->shape[i];
    if (params <= MOST_PARAMS && inputs <= MOST_INPUTS) return false;
    if (tell)
        hk__lint_say(l, HK__LINT_NOTE,
            "%s was not run: it has %lld parameters and takes %lld numbers, more than %d or %d: --with and --shape give a smaller one", e->what,
            (long long)params, (long long)inputs, MOST_PARAMS, MOST_INPUTS);
    return true;
}

/* The first shape of one sample that the network can be built on. */
static bool find_shape(hk__lint *l, hk__lint_net *e, bool tell) {
    static const int64_t shapes[][4] = { { 1, 12 }, { 3, 4, 6, 6 }, { 3, 3, 8, 8 }, { 3, 2, 16, 16 }, { 2, 4, 9 }, { 3, 1, 28, 28 } };
    char first[1024] = "";
    if (e->rank) return true;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        hk__lint_live live;
        e->rank = (int)shapes[i][0];
        memcpy(e->shape, shapes[i] + 1, (size_t)e->rank * sizeof *e->shape);
        hk_status st = hk__lint_open(l, e, &(hk__lint_setup){ .T = 3, .N = 2, .spiking = 1, .steps = 1 }, &live);
        bool large = live.net && too_large(l, e, &live, tell);
        hk__lint_close(&live);
        if (large) return false;
        if (!st) return true;
        if (!first[0]) snprintf(first, sizeof first, "%s", hk_error(l->ctx));
    }
    if (tell) hk__lint_say(l, HK__LINT_NOTE, "%s was not run: %s; --with and --shape give a network that can be built", e->what, first);
    e->rank = 0;
    return false;
}

static bool parse_shape(hk__lint *l, hk__lint_net *e) {
    if (!l->shape) return true;
    for (const char *s = l->shape; *s && e->rank < HK_MAX_RANK;) {
        char *end;
        long long v = strtoll(s, &end, 10);
        if (end == s || v < 1 || (*end && *end != ',')) {
            hk__lint_say(l, HK__LINT_FAIL, "--shape: expected numbers with commas between, as 4,28,28, got '%s'", l->shape);
            return false;
        }
        e->shape[e->rank++] = v, s = *end ? end + 1 : end;
    }
    return true;
}

static bool all_have_defaults(const hk__lint_type *t) {
    hk__type_info info;
    if (!hk__type_info_of(t->iface, t->vtable, &info)) return true;
    for (int i = 0; i < info.n_fields; i++)
        if (!info.fields[i].def) return false;
    return true;
}

int hk__lint_nets(hk__lint *l, hk__lint_net *list, bool tell) {
    int n = 0, kept = 0;
    char root[512];
    const char *linear = "Linear(12, 4)", *sgd = "SGD(lr=0.05, momentum=0.9)";
    if (l->with && !parse_shape(l, next(list, &n, "--with", l->with, "", sgd, "cpu"))) return 0;
    HK__LINT_EACH(l, t, "") {
        const hk_module_type *m = strcmp(t->iface, "hk.module/1") ? NULL : t->vtable;
        char what[160];
        if (n == HK__LINT_NETS) break;
        snprintf(what, sizeof what, "'%.90s'", t->id), snprintf(root, sizeof root, "%s()", t->id);
        if (strcmp(t->iface, "hk.neuron/1") && strcmp(t->iface, "hk.surrogate/1") && strcmp(t->iface, "hk.optimizer/1") && strcmp(t->iface, "hk.backend/1") &&
            !m)
            continue;
        if (!all_have_defaults(t)) {
            if (tell && !(l->with && strstr(l->with, t->id)))
                hk__lint_say(l, HK__LINT_NOTE, "%s was not run: some of its fields have no default: --with '%s(...)' gives a network with it", what, t->id);
            continue;
        }
        if (!strcmp(t->iface, "hk.neuron/1")) next(list, &n, what, root, "", sgd, "cpu");
        else if (!strcmp(t->iface, "hk.surrogate/1")) {
            snprintf(root, sizeof root, "IF(surrogate=%s())", t->id);
            next(list, &n, what, root, "", sgd, "cpu");
        } else if (!strcmp(t->iface, "hk.optimizer/1")) next(list, &n, what, linear, "MSE()", root, "cpu");
        else if (!strcmp(t->iface, "hk.backend/1")) next(list, &n, what, "Linear(12, 4)", "MSE()", sgd, t->id);
        else if (m->role == HK_LOSS) next(list, &n, what, linear, root, sgd, "cpu");
        else {
            if (m->min_child) {
                char *at = root + snprintf(root, sizeof root, "%s(", t->id);
                for (uint32_t i = 0; i < m->min_child && at - root < 400; i++) at += sprintf(at, "%sIF(surrogate=ATan())", i ? ", " : "");
                sprintf(at, ")");
            }
            next(list, &n, what, root, "", sgd, "cpu");
        }
    }
    for (int i = 0; i < n; i++)
        if (find_shape(l, &list[i], tell)) list[kept++] = list[i];
    return kept;
}

/* ---- running one ---- */

static hk_status make(hk__lint *l, const char *iface, const char *text, hk_module **m) {
    return text[0] ? hk_module_new_from_text(l->ctx, iface, text, m) : HK_OK;
}

hk_status hk__lint_open(hk__lint *l, const hk__lint_net *e, const hk__lint_setup *s, hk__lint_live *v) {
    memset(v, 0, sizeof *v);
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    const hk_output up[] = { { "y", 1, 0 } };
    hk_status st = make(l, "hk.module/1", e->root, &v->root);
    if (!st) st = make(l, "hk.module/1", e->loss, &v->loss);
    if (!st) st = make(l, "hk.optimizer/1", e->optimizer, &v->optimizer);
    nc.loss = v->loss, nc.optimizer = v->optimizer, nc.backend = s->backend ? s->backend : e->backend, nc.seed = 7, nc.threads = s->threads ? s->threads : 1;
    nc.nb = s->nb, nc.spiking = s->spiking;
    if (!st) st = hk_network_new(l->ctx, v->root, &nc, &v->net);
    if (!st)
        st =
            hk_executor_new(v->net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, e->loss[0] ? 0 : 1, up }, &v->ex);
    return st ? st : hk_executor_shape(v->ex, s->T, s->N, 1, e->rank, e->shape);
}

void hk__lint_close(hk__lint_live *v) {
    hk_executor_free(v->ex), hk_network_free(v->net), hk_module_free(v->root), hk_module_free(v->loss), hk_module_free(v->optimizer);
    memset(v, 0, sizeof *v);
}

static hk_status add(hk__lint_result *r, hk_status (*read)(void *, double *, int64_t), void *arg, int64_t n) {
    double *grown = realloc(r->v, (size_t)(r->n + n + 1) * sizeof *grown);
    if (!grown) return HK_ENOMEM;
    r->v = grown;
    hk_status st = read(arg, r->v + r->n, n);
    if (!st) r->n += (int)n;
    return st;
}
typedef struct reader {
    hk__lint_live *live;
    const char *name;
    int i;
} reader;
static hk_status read_value(void *arg, double *v, int64_t n) { return hk_executor_read(((reader *)arg)->live->ex, ((reader *)arg)->name, HK_F64, v, n); }
static hk_status read_param(void *arg, double *v, int64_t n) { return (void)n, hk_network_read_param64(((reader *)arg)->live->net, ((reader *)arg)->i, v); }

static int64_t numbers(hk__lint_live *v, const char *name) {
    int rank = 0;
    int64_t dims[HK_MAX_RANK + 2], n = 1;
    if (hk_executor_dims(v->ex, name, &rank, dims)) return -1;
    for (int i = 0; i < rank; i++) n *= dims[i];
    return n;
}

static hk_status step(hk__lint_live *v, const hk__lint_net *e, const hk__lint_setup *s, int64_t k, hk__lint_result *r) {
    int64_t row = 1, n, ny = numbers(v, "y"), biggest;
    for (int i = 0; i < e->rank; i++) row *= e->shape[i];
    n = s->T * s->N * row, biggest = n > ny ? n : ny;
    double *x = malloc((size_t)(biggest > s->N ? biggest : s->N) * sizeof *x + 8);
    int64_t *target = malloc((size_t)s->N * sizeof *target + 8);
    hk_status st = x && target ? HK_OK : HK_ENOMEM;
    for (int64_t i = 0; i < n && !st; i++) x[i] = hk__lint_number(0, i + k * n);
    if (!st) st = hk_executor_write(v->ex, "x", HK_F64, x, n);
    for (int64_t i = 0; i < s->N && !st; i++) target[i] = i % 4;
    if (!st && e->loss[0]) st = hk_executor_write(v->ex, "target", HK_I64, target, s->N);
    for (int64_t i = 0; i < ny && !st && !e->loss[0]; i++) x[i] = hk__lint_number(1, i);
    if (!st && !e->loss[0]) st = hk_executor_write(v->ex, "grad_out:y", HK_F64, x, ny);
    if (!st) st = hk_executor_run(v->ex);
    if (!st) st = hk_executor_backward(v->ex);
    reader in = { v, e->loss[0] ? "loss" : "y", 0 };
    if (!st) st = add(r, read_value, &in, e->loss[0] ? 1 : ny);
    in.name = "grad:x";
    if (!st && numbers(v, in.name) == n && add(r, read_value, &in, n) == HK_ENOMEM) st = HK_ENOMEM; /* where no gradient arrives there is none */
    for (int i = 0; i < hk_network_n_param(v->net) && !st; i++) {
        char name[300];
        const hk_param_info *p = hk_network_param(v->net, i);
        snprintf(name, sizeof name, "grad:%s", p->name);
        in.name = name;
        if (p->learnable && numbers(v, name) == p->elems) st = add(r, read_value, &in, p->elems);
    }
    if (!st) st = hk_executor_step(v->ex);
    for (int i = 0; i < hk_network_n_param(v->net) && !st; i++) {
        in.i = i;
        st = add(r, read_param, &in, hk_network_param(v->net, i)->elems);
    }
    free(x), free(target);
    return st;
}

/* Everything that a checkpoint keeps, out of one network and into another. */
static hk_status move_state(hk_network *from, hk_network *to) {
    hk_status st = HK_OK;
    for (int i = 0; i < hk_network_n_param(from) && !st; i++) {
        const hk_param_info *p = hk_network_param(from, i);
        double *v = malloc((size_t)p->elems * sizeof *v + 8);
        if (!v) return HK_ENOMEM;
        st = hk_network_read_param64(from, i, v);
        if (!st) st = hk_network_write_param64(to, i, v);
        for (int k = 0; k < hk_network_n_opt_state(from) && !st && p->learnable; k++) {
            st = hk_network_read_opt_state64(from, k, i, v);
            if (!st) st = hk_network_write_opt_state64(to, k, i, v);
        }
        free(v);
    }
    hk_network_set_step(to, hk_network_step(from));
    return st;
}

hk_status hk__lint_run(hk__lint *l, const hk__lint_net *e, const hk__lint_setup *s, hk__lint_result *r) {
    hk__lint_live live, other;
    memset(r, 0, sizeof *r);
    hk_status st = hk__lint_open(l, e, s, &live);
    for (int k = 0; k < s->steps && !st; k++) {
        if (k && s->resume) {
            st = hk__lint_open(l, e, s, &other);
            if (!st) st = move_state(live.net, other.net);
            hk__lint_close(&live);
            live = other;
        }
        if (!st) st = step(&live, e, s, k, r);
    }
    hk__lint_close(&live);
    return st;
}
