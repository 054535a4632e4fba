/* weights.c - a network's parameters and buffers as entries of a safetensors file, under PyTorch's state_dict names, both ways.
 * Loading is strict, as load_state_dict(strict=True): what is missing, left over or of another shape is listed. Counters of BatchNorm
 * (num_batches_tracked) and the reset mechanism of snnTorch's neurons (reset_mechanism_val) are I64 scalars in files; a counter may be
 * missing, as in PyTorch. It knows nothing of optimizers and progress. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

static int ends_in(const char *name, const char *end) {
    size_t n = strlen(name), e = strlen(end);
    return n >= e && !strcmp(name + n - e, end);
}
static int is_counter(const char *name) { return ends_in(name, "num_batches_tracked"); }
static int is_integer(const char *name) { return is_counter(name) || ends_in(name, "reset_mechanism_val"); }

hk_status hk__weights_entry(hk__job *j, int i, hk_tensor *x) {
    const hk_param_info *p = hk_network_param(j->net, i);
    const int integer = is_integer(p->name) && p->elems == 1;
    *x = (hk_tensor){ .name = p->name, .dtype = integer ? HK_F64 : hk_network_dtype(j->net), .rank = p->rank };
    memcpy(x->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
    if (!(x->data = malloc((size_t)p->elems * sizeof(double)))) return HK_ENOMEM;
    hk_status st = x->dtype == HK_F64 ? hk_network_read_param64(j->net, i, x->data) : hk_network_read_param(j->net, i, x->data);
    if (st || !integer) return st;
    x->dtype = HK_I64, x->rank = 0;
    *(int64_t *)x->data = (int64_t) * (double *)x->data;
    return HK_OK;
}

hk_status hk__ema_entry(hk__job *j, int i, char **name, hk_tensor *x) {
    const hk_param_info *p = hk_network_param(j->net, i);
    *x = (hk_tensor){ .dtype = hk_network_dtype(j->net), .rank = p->rank };
    memcpy(x->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
    if (asprintf(name, HK__EMA "%s", p->name) < 0) *name = NULL;
    x->name = *name;
    x->data = malloc((size_t)p->elems * sizeof(double));
    if (!x->name || !x->data) return HK_ENOMEM;
    return x->dtype == HK_F64 ? hk_network_read_ema64(j->net, i, x->data) : hk_network_read_ema(j->net, i, x->data);
}

/* ---- loading ---- */

typedef struct list { /* names for a message: the first ones, and how many there are */
    char text[400];
    int n;
} list;

static void put(list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(list *l, const char *fmt, ...) {
    size_t at = strlen(l->text);
    va_list ap;
    l->n++;
    if (at > sizeof l->text - 120) return;
    if (at) at += (size_t)snprintf(l->text + at, sizeof l->text - at, ", ");
    va_start(ap, fmt);
    vsnprintf(l->text + at, sizeof l->text - at < 116 ? sizeof l->text - at : 116, fmt, ap);
    va_end(ap);
}

static void shape_text(int rank, const int64_t *shape, char buf[64]) {
    size_t at = (size_t)snprintf(buf, 64, "[");
    for (int i = 0; i < rank && at < 50; i++) at += (size_t)snprintf(buf + at, 64 - at, "%s%lld", i ? ", " : "", (long long)shape[i]);
    snprintf(buf + at, 64 - at, "]");
}

static int fits(const hk_param_info *p, const hk_tensor *t) {
    if (is_integer(p->name)) {
        int64_t n = 1;
        for (int i = 0; i < t->rank; i++) n *= t->shape[i];
        return n == 1 && p->elems == 1;
    }
    return (t->dtype == HK_F32 || t->dtype == HK_F64) && t->rank == p->rank && !memcmp(t->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
}

static void compare(hk__job *j, const hk_file *f, list *missing, list *extra, list *shape) {
    for (int i = 0; i < hk_network_n_param(j->net); i++) {
        const hk_param_info *p = hk_network_param(j->net, i);
        const hk_tensor *t = hk_file_find(f, p->name);
        char want[64], got[64];
        if (!t && !is_counter(p->name)) put(missing, "%s", p->name);
        if (!t || fits(p, t)) continue;
        shape_text(p->rank, p->shape, want), shape_text(t->rank, t->shape, got);
        put(shape, "%s: expected %s, got %s%s", p->name, want, got, t->dtype == HK_F32 || t->dtype == HK_F64 ? "" : " of integers");
    }
    for (int i = 0; i < hk_file_n(f); i++) {
        const char *name = hk_file_at(f, i)->name;
        if (strncmp(name, "hk.", 3) && !is_counter(name) && hk_network_find_param(j->net, name) < 0) put(extra, "%s", name);
    }
}

static hk_status load_one(hk__job *j, int i, const hk_tensor *t) {
    if (t->dtype == HK_F32) return hk_network_write_param(j->net, i, t->data);
    if (t->dtype == HK_F64) return hk_network_write_param64(j->net, i, t->data);
    double v = t->dtype == HK_I64 ? (double)*(const int64_t *)t->data : (double)*(const uint8_t *)t->data;
    return hk_network_write_param64(j->net, i, &v);
}

hk_status hk__weights_load(hk__job *j, const hk_file *f, const char *path) {
    list missing = { "", 0 }, extra = { "", 0 }, shape = { "", 0 };
    compare(j, f, &missing, &extra, &shape);
    if (missing.n || extra.n || shape.n) {
        char text[1400] = "";
        const struct {
            const list *l;
            const char *what;
        } part[] = { { &missing, "missing in the file" }, { &extra, "not in the network" }, { &shape, "of another shape" } };
        for (int i = 0; i < 3; i++) {
            size_t at = strlen(text);
            if (part[i].l->n) snprintf(text + at, sizeof text - at, "%s%d %s: %s", at ? "; " : "", part[i].l->n, part[i].what, part[i].l->text);
        }
        return hk__conf_fail(j->conf, HK_ECHECKPOINT, "%s does not fit the network of %s: %s", path, hk__conf_name(j->conf), text);
    }
    for (int i = 0; i < hk_network_n_param(j->net); i++) {
        const hk_tensor *t = hk_file_find(f, hk_network_param(j->net, i)->name);
        hk_status st = t ? load_one(j, i, t) : HK_OK;
        if (st) return hk__conf_fail(j->conf, st, "%s: %s", path, hk_error(j->ctx));
    }
    return HK_OK;
}

hk_status hk__ema_load(hk__job *j, const hk_file *f, const char *path, int must) {
    if (!(hk__conf_real(j->conf, "train", "ema") > 0)) return HK_OK;
    for (int i = 0; i < hk_network_n_param(j->net); i++) {
        const hk_param_info *p = hk_network_param(j->net, i);
        char *name = NULL;
        if (asprintf(&name, HK__EMA "%s", p->name) < 0) return hk__conf_fail(j->conf, HK_ENOMEM, "%s: out of memory", path);
        const hk_tensor *t = hk_file_find(f, name);
        const int right = t && (t->dtype == HK_F32 || t->dtype == HK_F64) && t->rank == p->rank && !memcmp(t->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
        hk_status st = HK_OK;
        if (right) st = t->dtype == HK_F64 ? hk_network_write_ema64(j->net, i, t->data) : hk_network_write_ema(j->net, i, t->data);
        else if (t || must)
            st = hk__conf_fail(j->conf, HK_ECHECKPOINT, "%s: expected the average '%s' as F32 or F64 in the shape of %s, got %s", path, name, p->name,
                t ? "another shape or dtype" : "none");
        free(name);
        if (st) return st == HK_ECHECKPOINT ? st : hk__conf_fail(j->conf, st, "%s: %s", path, hk_error(j->ctx));
    }
    return HK_OK;
}
