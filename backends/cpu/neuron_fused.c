/* neuron_fused.c - what a fused_neuron does around the neuron, on tiles that are in cache: the batch normalisation of its input and that one's
 * sums, the max pooling of its spikes and the gradient's way back to the first largest.
 *
 * The numbers are those of batchnorm and maxpool2d, bit for bit; the sums are added up in another order (block by block, t descending),
 * which depends on the row's shape alone. */
#include "neuron.h"
#include "window.h"
#pragma GCC optimize("O3")

enum { LANES = 256, UNIT_MAX = 64 * CPU_NEURON_TILE };

/* The longest run from position j on that stays within the lanes. */
#define EACH_RUN(j, m)                                                                                                                                         \
    for (int64_t at = 0, lane = (j) % P->fused.lanes, len; len = cpu_min(P->fused.lanes - lane, (m) - at), at < (m); at += len, lane = 0)

CPU_BODY norm_body(int64_t n, const float *restrict x, const float *restrict mean, const float *restrict scale, const float *restrict shift, float *restrict y) {
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean[i]) * scale[i] + shift[i];
}
CPU_CLONES(norm, (int64_t n, const float *x, const float *mean, const float *scale, const float *shift, float *y), (n, x, mean, scale, shift, y));

void neuron_fused_norm(const neuron_plan *P, const neuron_work *w, int64_t j, int64_t m, const float *x) {
    EACH_RUN(j, m) norm[P->base.isa](len, x + at, w->k[0] + lane, w->k[1] + lane, w->k[2] + lane, w->xn + at);
}

CPU_BODY sums_body(int64_t n, const float *restrict g, const float *restrict x, const float *restrict mean, float *restrict acc0, float *restrict acc1) {
    for (int64_t i = 0; i < n; i++) acc0[i] += g[i], acc1[i] += g[i] * (x[i] - mean[i]);
}
CPU_CLONES(sums, (int64_t n, const float *g, const float *x, const float *mean, float *acc0, float *acc1), (n, g, x, mean, acc0, acc1));

void neuron_fused_add_sums(const neuron_plan *P, const neuron_work *w, int64_t j, int64_t m, const float *g, const float *x) {
    EACH_RUN(j, m) sums[P->base.isa](len, g + at, x + at, w->k[0] + lane, w->acc[0] + lane, w->acc[1] + lane);
}

void neuron_fused_end_sums(const neuron_plan *P, const neuron_work *w, const hk_bind *b, int64_t group) {
    int64_t C = P->fused.C;
    const float *rstd = b->ptr[P->fused.norm + 1];
    float *out = (float *)b->ptr[P->base.n_in + P->fused.sums] + group * 2 * C;
    for (int q = 0; q < 2; q++) {
        for (int64_t k = C; k < P->fused.lanes; k++) w->acc[q][k % C] += w->acc[q][k];
        for (int64_t c = 0; c < C; c++) out[q * C + c] = q ? w->acc[q][c] * rstd[c] : w->acc[q][c];
        memset(w->acc[q], 0, (size_t)P->fused.lanes * 4);
    }
}

typedef uint8_t v64 __attribute__((vector_size(64)));
typedef uint8_t v16 __attribute__((vector_size(16)));
/* A vector of channels of one window, of kh rows that lie `line` apart: the largest, and the place of the first one. */
#define POOL_WINDOW(V)                                                                                                                                         \
    for (; c + (int64_t)sizeof(V) <= C; c += (int64_t)sizeof(V)) {                                                                                             \
        V most, at = { 0 }, v;                                                                                                                                 \
        memcpy(&most, x + c, sizeof most);                                                                                                                     \
        for (int64_t n = 0, i = 0; i < kh; i++)                                                                                                                \
            for (int64_t k = 0; k < kw; k++, n++) {                                                                                                            \
                memcpy(&v, x + i * line + k * C + c, sizeof v);                                                                                                \
                const V more = (V)(v > most);                                                                                                                  \
                at = (at & ~more) | (((V){ 0 } + (uint8_t)n) & more), most = (most & ~more) | (v & more);                                                        \
            }                                                                                                                                                  \
        memcpy(y + c, &most, sizeof most);                                                                                                                     \
        if (where) memcpy(where + c, &at, sizeof at);                                                                                                          \
    }
/* One row of windows: kh rows of W places with C channels each. where: place of the first largest in the window, or NULL. */
CPU_BODY pool_row_body(int64_t C, int64_t W, int64_t kh, int64_t kw, const uint8_t *restrict x, uint8_t *restrict y, uint8_t *restrict where) {
    int64_t line = W * C;
    for (int64_t ow = 0; ow < W / kw; ow++, x += kw * C, y += C, where += where ? C : 0) {
        int64_t c = 0;
        POOL_WINDOW(v64)
        POOL_WINDOW(v16)
        for (; c < C; c++) {
            uint8_t at = 0;
            y[c] = x[c];
            for (int64_t n = 1; n < kh * kw; n++) {
                uint8_t v = x[n / kw * line + n % kw * C + c];
                if (v > y[c]) y[c] = v, at = (uint8_t)n;
            }
            if (where) where[c] = at;
        }
    }
}
CPU_CLONES(pool_row, (int64_t C, int64_t W, int64_t kh, int64_t kw, const uint8_t *x, uint8_t *y, uint8_t *where), (C, W, kh, kw, x, y, where));

void neuron_fused_pool_part(const neuron_plan *P, const neuron_work *w, const hk_bind *b, int64_t t, int64_t j, int64_t part) {
    const neuron_fused *f = &P->fused;
    int64_t row = f->C * (f->W / f->kw), to = (t * b->n * (P->E / P->unit) + j / P->unit) * row + j % P->unit / f->kw;
    uint8_t *y = cpu_out_ptr(&P->base, b, 0), *pooled = cpu_out_ptr(&P->base, b, f->pool), *where = cpu_out_ptr(&P->base, b, f->pool + 1);
    for (int64_t i = 0; y && i < f->kh; i++) memcpy(y + t * b->n * P->E + j + i * f->W * f->C, w->spikes + i * part, (size_t)part);
    if (pooled || where) pool_row[P->base.isa](f->C, part / f->C, f->kh, f->kw, w->spikes, pooled ? pooled + to : w->spikes + P->outer, where ? where + to : NULL);
}

void neuron_fused_pool(const neuron_plan *P, const neuron_work *w, const hk_bind *b, int64_t t, int64_t jb, int64_t je) {
    const neuron_fused *f = &P->fused;
    int64_t row = f->C * (f->W / f->kw), all = b->n * (P->E / P->unit) * row;
    uint8_t *y = cpu_out_ptr(&P->base, b, 0), *pooled = cpu_out_ptr(&P->base, b, f->pool), *where = cpu_out_ptr(&P->base, b, f->pool + 1);
    if (y) memcpy(y + t * b->n * P->E + jb, w->spikes, (size_t)(je - jb));
    for (int64_t j = jb; (pooled || where) && j < je; j += P->unit) {
        int64_t to = t * all + j / P->unit * row;
        pool_row[P->base.isa](f->C, f->W, f->kh, f->kw, w->spikes + (j - jb), pooled ? pooled + to : w->spikes + P->outer, where ? where + to : NULL);
    }
}

/* Places [x0, x0 + n) of a row: each takes of its window, which begins at x0 / kw, what belongs to it; at0: the window's place of its first column. */
#define UNPOOL(N)                                                                                                                                              \
    for (int k = 0; k < N; k++) y[c + k] = w[c + k] == at ? g[c + k] : 0.0f;
CPU_BODY unpool_row_body(int64_t n, int64_t C, int64_t kw, int64_t x0, int64_t at0, const float *restrict gs, const uint8_t *restrict where, float *restrict y) {
    int64_t column = x0 % kw;
    for (int64_t i = 0; i < n; i++, y += C) {
        const float *restrict g = gs;
        const uint8_t *restrict w = where;
        uint8_t at = (uint8_t)(at0 + column);
        int64_t c = 0;
        for (; c + 64 <= C; c += 64) UNPOOL(64)
        for (; c + 16 <= C; c += 16) UNPOOL(16)
        for (; c < C; c++) UNPOOL(1)
        if (++column == kw) column = 0, gs += C, where += C;
    }
}
CPU_CLONES(unpool_row, (int64_t n, int64_t C, int64_t kw, int64_t x0, int64_t at0, const float *g, const uint8_t *where, float *y), (n, C, kw, x0, at0, g, where, y));

/* A part of one place's channels. */
static void unpool_part(int64_t n, uint8_t at, const float *g, const uint8_t *where, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] = where[i] == at ? g[i] : 0.0f;
}

void neuron_fused_unpool(const neuron_plan *P, const neuron_work *w, const hk_bind *b, int64_t t, int64_t j, int64_t m) {
    const neuron_fused *f = &P->fused;
    int64_t C = f->C, OW = f->W / f->kw, all = b->n * (P->E / P->unit) * OW * C;
    const float *g = (const float *)b->ptr[f->pool] + t * all;
    const uint8_t *where = (const uint8_t *)b->ptr[f->pool + 1] + t * all;
    int64_t c = j % C, place = j / C, x = place % f->W, y = place / f->W; /* y counts the rows of all samples: samples have whole windows */
    for (int64_t at = 0, len; at < m; at += len, c = 0) {
        int64_t from = (y / f->kh * OW + x / f->kw) * C + c, whole = c ? 0 : cpu_min(f->W - x, (m - at) / C);
        len = whole ? whole * C : cpu_min(C - c, m - at);
        if (whole) unpool_row[P->base.isa](whole, C, f->kw, x, y % f->kh * f->kw, g + from, where + from, w->gy + at);
        else unpool_part(len, (uint8_t)(y % f->kh * f->kw + x % f->kw), g + from, where + from, w->gy + at);
        x += whole ? whole : c + len == C;
        if (x == f->W) x = 0, y++;
    }
}

void neuron_fused_work(const neuron_plan *P, int backward, const hk_bind *b, float *(*take)(uintptr_t *, int64_t), uintptr_t *at, neuron_work *w) {
    const neuron_fused *f = &P->fused;
    if (f->norm) {
        w->xn = take(at, CPU_NEURON_TILE * cpu_max(f->part && !backward ? f->kh : 1, 1));
        for (int i = 0; i < 3; i++) w->k[i] = take(at, f->lanes);
        for (int i = 0; backward && i < 2; i++) w->acc[i] = take(at, f->lanes);
    }
    if (f->pool && !backward) w->spikes = (uint8_t *)take(at, (P->outer + P->unit) / 4 + 16); /* behind them what one window row gives, when nobody reads it */
    if (f->pool && backward) w->gy = take(at, CPU_NEURON_TILE);
    if (!b || !f->norm) return;
    const float *mean = b->ptr[f->norm], *rstd = b->ptr[f->norm + 1], *scale = cpu_has_in(&P->base, f->norm + 2) ? b->ptr[f->norm + 2] : NULL;
    const float *shift = cpu_has_in(&P->base, f->norm + 3) ? b->ptr[f->norm + 3] : NULL;
    for (int64_t c = 0; c < f->C; c++) w->k[0][c] = mean[c], w->k[1][c] = scale ? rstd[c] * scale[c] : rstd[c], w->k[2][c] = shift ? shift[c] : 0.0f;
    for (int i = 0; i < 3; i++)
        for (int64_t k = f->C; k < f->lanes; k++) w->k[i][k] = w->k[i][k - f->C];
    for (int i = 0; backward && i < 2; i++) memset(w->acc[i], 0, (size_t)f->lanes * 4);
}

hk_status neuron_fused_init(neuron_plan *P, hk_device *dev, const hk_opdesc *o, int backward) {
    neuron_fused *f = &P->fused;
    const hk_desc *x = &o->in[0];
    int at = 1 + P->ns + P->np + (backward ? 1 + 2 * P->ns : 0), window = cpu_attr(o, "kernel_h")->i > 0;
    f->C = x->rank >= 1 ? x->shape[0] : 1;
    f->lanes = f->C * ((LANES + f->C - 1) / cpu_max(f->C, 1));
    if (cpu_has_in(&P->base, at)) f->norm = at;
    if (f->norm && (x->rank < 1 || o->in[at].rank != 1 || o->in[at].shape[0] != f->C || !cpu_has_in(&P->base, at + 1)))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: statistics are not one number per channel", o->path, o->op);
    if (backward && cpu_has_out(&P->base, 1 + P->ns + P->np)) f->sums = 1 + P->ns + P->np;
    P->base.impl = window && f->norm ? "norm, rows, pool" : window ? "rows, pool" : "norm, rows";
    if (!window) return HK_OK;
    cpu_window h = cpu_window_of(o, 0), w = cpu_window_of(o, 1);
    int plain = x->rank == 3 && P->bytes && h.kernel == h.stride && w.kernel == w.stride && h.dil == 1 && w.dil == 1 && !(h.pad | h.pad_end | w.pad | w.pad_end);
    if (!plain || x->shape[1] % h.kernel || x->shape[2] % w.kernel || h.kernel * w.kernel > 256 || h.kernel * x->shape[2] * f->C > UNIT_MAX)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: windows of another kind", o->path, o->op);
    f->kh = h.kernel, f->kw = w.kernel, f->W = x->shape[2];
    P->unit = f->kh * f->W * f->C;
    if (!(x->flags & HK_T)) f->part = CPU_NEURON_TILE / (f->kw * f->C) * (f->kw * f->C);
    P->base.grain = cpu_max(1, 16384 / (P->unit * cpu_max(o->T, 1)));
    if (!backward) f->pool = 1 + 2 * P->ns;
    else if (cpu_has_in(&P->base, at + 4)) f->pool = at + 4;
    return HK_OK;
}
