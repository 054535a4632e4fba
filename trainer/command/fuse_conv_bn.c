/* fuse_conv_bn.c - weights of a network without its batch normalisations: where a Conv1d, 2d or 3d stands right before a BatchNorm of as many axes in a
 * sequence, the running statistics become part of the convolution's weight and bias,
 *     w' = w s, b' = (b - mean) s + beta, s = gamma / sqrt(var + eps)     (per output channel)
 * and the file has no entries of the normalisation. Inference does the same by itself (core/pass/fold_norm.c); this is for another network that has
 * convolutions with a bias alone. In double; written as f32. */
#include "hillock/hillock.h"
#include "file/file.h"
#include "core.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fusing {
    hk_context *ctx;
    hk_network *net;
    hk_tensor *t;
    int n;
    char *skip;    /* [n_param] entries of normalisations that are gone */
    double **own;  /* [n_param] new values */
    double **bias; /* [n_param], of a convolution's weight: the bias that it gets */
    int pairs;
    void (*each)(void *arg, const char *conv, const char *norm);
    void *arg;
} fusing;

/* "Conv2d" of "Conv2d(1, 2, 3)". */
static void id_of(const hk_module *m, char id[64]) {
    char text[64];
    hk_module_to_text(m, text, sizeof text);
    snprintf(id, 64, "%.*s", (int)strcspn(text, "("), text);
}

static int param_of(const fusing *f, const hk_module *m, const char *name) {
    char full[512];
    snprintf(full, sizeof full, "%s%s%s", hk_path(m), hk_path(m)[0] ? "." : "", name);
    return hk_network_find_param(f->net, full);
}

/* Values of a parameter; NULL: there is none, or after an error. */
static double *values(const fusing *f, const hk_module *m, const char *name, hk_status *st) {
    const int i = param_of(f, m, name);
    if (i < 0 || *st) return NULL;
    double *v = malloc((size_t)hk_network_param(f->net, i)->elems * sizeof *v);
    *st = v ? hk_network_read_param64(f->net, i, v) : hk__fail(f->ctx, HK_ENOMEM, "out of memory for folded weights");
    return v;
}

static hk_status fuse(fusing *f, const hk_module *conv, const hk_module *norm) {
    static const char *const entries[] = { "weight", "bias", "running_mean", "running_var", "num_batches_tracked" };
    const int wi = param_of(f, conv, "weight");
    hk_status st = HK_OK;
    if (wi < 0 || param_of(f, norm, "running_mean") < 0) return HK_OK; /* it has the batch's statistics, which no weight holds */
    const hk_param_info *p = hk_network_param(f->net, wi);
    const int64_t C = p->shape[0], each = p->elems / C;
    double *w = values(f, conv, "weight", &st), *b = values(f, conv, "bias", &st), *gamma = values(f, norm, "weight", &st),
           *beta = values(f, norm, "bias", &st);
    double *mean = values(f, norm, "running_mean", &st), *var = values(f, norm, "running_var", &st), *bias = malloc((size_t)C * sizeof *bias);
    if (!st && !bias) st = hk__fail(f->ctx, HK_ENOMEM, "out of memory for folded weights");
    for (int64_t c = 0; c < C && !st; c++) {
        const double s = (gamma ? gamma[c] : 1) / sqrt(var[c] + hk_get_real(norm, "eps"));
        for (int64_t k = 0; k < each; k++) w[c * each + k] *= s;
        bias[c] = ((b ? b[c] : 0) - mean[c]) * s + (beta ? beta[c] : 0);
    }
    free(b), free(gamma), free(beta), free(mean), free(var);
    if (st || f->own[wi]) {
        free(w), free(bias);
        return st;
    }
    f->own[wi] = w, f->bias[wi] = bias;
    if (param_of(f, conv, "bias") >= 0) f->skip[param_of(f, conv, "bias")] = 1; /* the new one stands behind the weight */
    for (int i = 0; i < 5; i++)
        if (param_of(f, norm, entries[i]) >= 0) f->skip[param_of(f, norm, entries[i])] = 1;
    f->pairs++;
    if (f->each) f->each(f->arg, hk_path(conv), hk_path(norm));
    return HK_OK;
}

static hk_status walk(fusing *f, const hk_module *m) {
    static const char *const sequences[] = { "Sequential", "StepMode", "SeqToANN", "TLast" };
    char id[64], next[64];
    int sequence = 0;
    hk_status st = HK_OK;
    id_of(m, id);
    for (int i = 0; i < 4; i++) sequence |= !strcmp(id, sequences[i]);
    for (int i = 0; i < hk_n_child(m) && !st; i++) {
        st = walk(f, hk_child(m, i));
        if (st || !sequence || i + 1 == hk_n_child(m)) continue;
        id_of(hk_child(m, i), id), id_of(hk_child(m, i + 1), next);
        if (strlen(id) == 6 && !strncmp(id, "Conv", 4) && strlen(next) == 11 && !strncmp(next, "BatchNorm", 9) && !strcmp(id + 4, next + 9))
            st = fuse(f, hk_child(m, i), hk_child(m, i + 1));
    }
    return st;
}

/* An entry of the file; v: values to be written as f32. */
static hk_status put(fusing *f, char *name, int rank, const int64_t *shape, int64_t elems, const double *v) {
    hk_tensor *t = &f->t[f->n];
    float *data = malloc((size_t)elems * sizeof *data);
    if (!name || !data) {
        free(name), free(data);
        return hk__fail(f->ctx, HK_ENOMEM, "out of memory for folded weights");
    }
    *t = (hk_tensor){ .name = name, .dtype = HK_F32, .rank = rank, .data = data };
    if (rank) memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
    for (int64_t i = 0; i < elems; i++) data[i] = (float)v[i];
    f->n++;
    return HK_OK;
}

static hk_status entries(fusing *f) {
    hk_status st = HK_OK;
    for (int i = 0; i < hk_network_n_param(f->net) && !st; i++) {
        const hk_param_info *p = hk_network_param(f->net, i);
        if (f->skip[i]) continue;
        double *v = f->own[i] ? NULL : malloc((size_t)p->elems * sizeof *v);
        if (!f->own[i]) st = v ? hk_network_read_param64(f->net, i, v) : hk__fail(f->ctx, HK_ENOMEM, "out of memory for folded weights");
        if (!st) st = put(f, strdup(p->name), p->rank, p->shape, p->elems, f->own[i] ? f->own[i] : v);
        free(v);
        if (st || !f->bias[i]) continue;
        char name[512];
        snprintf(name, sizeof name, "%.*sbias", (int)(strlen(p->name) - strlen("weight")), p->name);
        st = put(f, strdup(name), 1, p->shape, p->shape[0], f->bias[i]);
    }
    return st;
}

hk_status hk_fuse_conv_bn(
    hk_context *ctx, const hk_module *root, hk_network *net, const char *path, void (*each)(void *arg, const char *conv, const char *norm), void *arg) {
    static const char *const meta[] = { "format", "pt" };
    const size_t n = (size_t)hk_network_n_param(net) + 1;
    fusing f = { .ctx = ctx,
        .net = net,
        .each = each,
        .arg = arg,
        .t = calloc(2 * n, sizeof *f.t),
        .skip = calloc(n, 1),
        .own = calloc(n, sizeof *f.own),
        .bias = calloc(n, sizeof *f.bias) };
    hk_status st = f.t && f.skip && f.own && f.bias ? walk(&f, root) : hk__fail(ctx, HK_ENOMEM, "out of memory for folded weights");
    if (!st && !f.pairs)
        st = hk__fail(ctx, HK_EINVAL,
            "there is no convolution with a batch normalisation right behind it in a sequence (Conv2d, BatchNorm2d with running statistics): nothing to fuse");
    if (!st) st = entries(&f);
    if (!st) st = hk__file_write_sealed(ctx, path, NULL, f.n, f.t, 1, meta);
    for (int i = 0; i < f.n; i++) free((void *)(uintptr_t)f.t[i].name), free(f.t[i].data);
    for (size_t i = 0; f.own && f.bias && i < n; i++) free(f.own[i]), free(f.bias[i]);
    free(f.t), free(f.skip), free(f.own), free(f.bias);
    return st;
}
