/* neuron.c - operations neuron and fused_neuron: all steps of a block of neurons, through the neuron type's row kernels. neuron_bwd.c has the
 * adjoints, neuron_fused.c what a fused_neuron does besides.
 *
 * Blocks of up to 8192 neurons with t inside: long runs feed the prefetcher; tiles of 512 inside keep the rows between kernels in L1. */
#include "neuron.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC optimize("O3")

CPU_BODY add_row_body(int64_t n, const float *x, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}
CPU_CLONES(add_row, (int64_t n, const float *x, float *y), (n, x, y));

/* y begins at a multiple of 64 bytes; what is left over below a vector is stored as usual. */
#if defined(__x86_64__)
#define STREAM(level, attr, vw, store, load)                                                                                                                   \
    attr static void stream_##level(int64_t n, const float *x, float *y) {                                                                                     \
        int64_t i = 0;                                                                                                                                         \
        for (; i + vw <= n; i += vw) store(y + i, load(x + i));                                                                                                \
        for (; i < n; i++) y[i] = x[i];                                                                                                                        \
    }
STREAM(baseline, , 4, _mm_stream_ps, _mm_loadu_ps)
STREAM(avx2, CPU_AVX2, 8, _mm256_stream_ps, _mm256_loadu_ps)
STREAM(avx512, CPU_AVX512, 16, _mm512_stream_ps, _mm512_loadu_ps)
static void (*const stream[3])(int64_t, const float *, float *) = { stream_baseline, stream_avx2, stream_avx512 };
void neuron_stream_end(void) { _mm_sfence(); }
#else
static void (*const stream[3])(int64_t, const float *, float *) = { NULL, NULL, NULL };
void neuron_stream_end(void) {}
#endif

static float *take_row(uintptr_t *at, int64_t n) {
    float *row = (float *)*at;
    *at += (uintptr_t)cpu_up(n * 4, 64);
    return row;
}

size_t neuron_work_init(const neuron_plan *P, int backward, int64_t T, const hk_bind *b, void *scratch, neuron_work *w) {
    uintptr_t at = (uintptr_t)scratch;
    int64_t tile = CPU_NEURON_TILE;
#define ROW(n) take_row(&at, n)
    w->p_at = w->xn_at = -1;
    w->x = ROW(tile), w->y = ROW(tile), w->spike = (uint8_t *)ROW(tile / 4);
    for (int k = 0; k < P->nf; k++) w->z[k] = ROW(tile), w->f[k] = ROW(tile);
    for (int k = 0; k < P->ns; k++) w->in[k] = ROW(tile), w->state[k] = ROW(P->outer);
    for (int k = 0; k < P->np; k++) w->p[k] = P->p_row >> k & 1u ? ROW(tile) : NULL;
    neuron_fused_work(P, backward, b, take_row, &at, w);
    if (!backward) return at - (uintptr_t)scratch;
    w->gx = ROW(tile), w->zero = ROW(tile);
    for (int k = 0; k < P->nf; k++) w->d[k] = ROW(tile);
    for (int k = 0; k < P->np; k++) w->gp[k] = cpu_has_out(&P->base, 1 + P->ns + k) ? ROW(P->outer) : NULL;
    w->saved = ROW((T > 1 ? T - 1 : 0) * P->ns * P->outer);
    if (scratch) memset(w->zero, 0, (size_t)tile * 4);
#undef ROW
    return at - (uintptr_t)scratch;
}

void neuron_args_init(const neuron_plan *P, const hk_bind *b, neuron_work *w, int64_t t, int64_t j, int64_t m, hk_neuron_args *a) {
    a->n = m;
    a->p_row = P->p_row, a->strict = P->strict, a->detach = P->detach;
    if (P->x.d.dtype != HK_F32 && P->x.map == CPU_SAME && P->x.d.flags & HK_N) { /* spikes */
        cpu_from_u8[P->base.isa](m, (const uint8_t *)b->ptr[0] + cpu_row(&P->x.d, b, t, 0) * P->E + j, w->x);
        a->x[0] = w->raw = w->x;
    } else {
        a->x[0] = w->raw = cpu_src_get(&P->x, b->ptr[0], b, t, j, m, w->x);
    }
    if (P->fused.norm) {
        if (w->xn_at != j) neuron_fused_norm(P, w, j, m, a->x[0]);
        if (!(P->x.d.flags & HK_T)) w->xn_at = j;
        a->x[0] = w->xn;
    }
    for (int k = 0; k < P->np; k++) {
        const void *p = b->ptr[1 + P->ns + k];
        if (!(P->p_row >> k & 1u)) a->p[k] = (const float *)p + (P->p[k].d.flags & HK_T ? t : 0);
        else if (w->p_at != j || P->p_steps) a->p[k] = cpu_src_fill(&P->p[k], p, b, t, j, m, w->p[k]);
        else a->p[k] = w->p[k];
    }
    w->p_at = j;
}

void neuron_forward_step(const neuron_plan *P, const neuron_work *w, hk_neuron_args *a) {
    if (!P->shape) {
        P->k->step(a);
        return;
    }
    for (int k = 0; k < P->nf; k++) a->z[k] = w->z[k], a->f[k] = w->f[k];
    P->k->pre(a);
    for (int k = 0; k < P->nf; k++) P->shape(a->n, w->z[k], P->sp, w->f[k]);
    P->k->post(a);
}

/* Where state k after step t of neuron j goes: the sequence, else the last state, else scratch. */
static inline float *state_at(const neuron_plan *P, const hk_bind *b, const neuron_work *w, int k, int64_t t, int64_t jb, int64_t j) {
    float *seq = cpu_out_ptr(&P->base, b, 1 + P->ns + k), *s1 = cpu_out_ptr(&P->base, b, 1 + k);
    return seq ? seq + t * w->seq_all + j : s1 ? s1 + j : w->state[k] + (j - jb);
}

/* Windows of an x that is the same at all steps: a part of them goes through all steps while it is in L1, and x is normalised once. Meanwhile the next part's x is asked for. */
static void forward_windows(const neuron_plan *P, const hk_bind *b, neuron_work *w, int64_t jb, int64_t je) {
    const neuron_fused *f = &P->fused;
    int64_t line = f->W * f->C;
    float *xn = w->xn;
    hk_neuron_args a = { 0 };
    for (int64_t unit = jb; unit < je; unit += P->unit)
        for (int64_t at = 0, m; at < line; at += m) {
            m = cpu_min(f->part, line - at);
            for (int64_t t = 0; t < b->T; t++) {
                for (int64_t r = 0; r < f->kh; r++) {
                    int64_t j = unit + r * line + at;
                    if (P->x.d.dtype == HK_F32 && P->x.map == CPU_SAME)
                        for (int64_t q = t * m / b->T / 16 * 16; q < (t + 1) * m / b->T; q += 16) __builtin_prefetch((const float *)b->ptr[0] + j + m + q);
                    if (xn) w->xn = xn + r * CPU_NEURON_TILE, w->xn_at = t ? j : -1;
                    neuron_args_init(P, b, w, t, j, m, &a);
                    for (int k = 0; k < P->ns; k++) {
                        a.s[k] = t ? state_at(P, b, w, k, t - 1, jb, j) : cpu_src_get(&P->s0[k], b->ptr[1 + k], b, 0, j, m, w->in[k]);
                        a.s1[k] = state_at(P, b, w, k, t, jb, j);
                    }
                    a.spike = w->spikes + r * m;
                    neuron_forward_step(P, w, &a);
                }
                neuron_fused_pool_part(P, w, b, t, unit + at, m);
            }
        }
    w->xn = xn;
}

void neuron_forward_block(const neuron_plan *P, const hk_bind *b, neuron_work *w, int64_t jb, int64_t je) {
    void *y = cpu_out_ptr(&P->base, b, 0);
    hk_neuron_args a = { 0 };
    if (P->fused.part) forward_windows(P, b, w, jb, je);
    for (int64_t t = 0; !P->fused.part && t < b->T; t++) {
        for (int64_t j = jb; j < je; j += CPU_NEURON_TILE) {
            int64_t m = cpu_min(CPU_NEURON_TILE, je - j);
            neuron_args_init(P, b, w, t, j, m, &a);
            for (int k = 0; k < P->ns; k++) {
                a.s[k] = t ? state_at(P, b, w, k, t - 1, jb, j) : cpu_src_get(&P->s0[k], b->ptr[1 + k], b, 0, j, m, w->in[k]);
                a.s1[k] = state_at(P, b, w, k, t, jb, j);
            }
            if (P->fused.pool) a.spike = w->spikes + (j - jb);
            else if (P->bytes) a.spike = y ? (uint8_t *)y + t * w->y_all + j : w->spike;
            else a.y = y ? (float *)y + t * w->y_all + j : w->y;
            neuron_forward_step(P, w, &a);
        }
        if (P->fused.pool) neuron_fused_pool(P, w, b, t, jb, je);
    }
    for (int k = 0; k < P->ns; k++) {
        float *seq = cpu_out_ptr(&P->base, b, 1 + P->ns + k), *s1 = cpu_out_ptr(&P->base, b, 1 + k);
        if (seq && s1) memcpy(s1 + jb, seq + (b->T - 1) * w->seq_all + jb, (size_t)(je - jb) * 4);
    }
}

static hk_status neuron_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const neuron_plan *P = (const neuron_plan *)p;
    int64_t end = cpu_min(hi * P->unit, b->n * P->E);
    neuron_work w;
    neuron_work_init(P, 0, b->T, b, scratch, &w);
    w.y_all = w.seq_all = b->n * P->E;
    for (int64_t j = lo * P->unit; j < end; j += P->outer) neuron_forward_block(P, b, &w, j, cpu_min(j + P->outer, end));
    return HK_OK;
}

static int64_t neuron_units(const cpu_plan *p, const hk_bind *b) {
    const neuron_plan *P = (const neuron_plan *)p;
    return (b->n * P->E + P->unit - 1) / P->unit;
}

/* ---- plans --------------------------------------------------------------------------------------------------------------------- */

static hk_status choose_kernels(hk_device *dev, const hk_opdesc *o, neuron_plan *P, const hk_neuron *n) {
    const hk_neuron_type *type = n->type;
    P->type = type;
    const hk_neuron_kernel *last = type->kernels + type->n_kernel - 1;
    for (P->k = type->kernels; P->k < last && P->k->isa > P->base.isa;) P->k++;
    P->add = add_row[P->base.isa], P->stream = stream[P->base.isa];
    P->bytes = (type->flags & HK_NEURON_SPIKES) && n->spiking;
    P->strict = (type->flags & HK_NEURON_STRICT) != 0, P->detach = n->detach_reset;
    if (!P->nf) return HK_OK;
    const hk_surrogate_type *st = n->surrogate.type;
    const hk_surrogate_kernel *k = st->kernels, *end = k + st->n_kernel - 1;
    while (k < end && k->isa > P->base.isa) k++;
    if (!n->spiking && !k->primitive) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: its surrogate has no primitive: spiking = false is not possible", o->path);
    P->grad = k->grad;
    P->shape = n->spiking ? k->forward : k->primitive;
    if (P->shape) P->bytes = 0;
    for (int i = 0; i < HK_MAX_P; i++) P->sp[i] = (float)n->surrogate.p[i];
    hk_desc row = o->in[0];
    row.flags |= HK_N;
    if (n->spiking) cpu_noise_init(&P->noise, o, &n->surrogate, &row);
    return HK_OK;
}

hk_status neuron_plan_new(hk_device *dev, const hk_opdesc *o, int backward, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(neuron_plan), out);
    if (s != HK_OK) return s;
    neuron_plan *P = (neuron_plan *)*out;
    const hk_neuron *n = cpu_attr(o, "neuron")->p;
    if (!n) return cpu_fail(dev, HK_EINVAL, "%s: %s: no neuron", o->path, o->op);
    P->ns = (int)n->type->n_state, P->nf = (int)n->type->n_fire, P->np = (int)n->type->n_param;
    int fused = !strncmp(o->op, "fused", 5);
    int firing = !strcmp(o->op, "neuron_z"), n_in = 1 + P->ns + P->np + (backward ? 1 + 2 * P->ns : 0) + fused * (backward ? 6 : 4),
        n_out = firing ? P->nf : 1 + P->ns + (backward ? P->np : P->ns) + fused * (backward ? 1 : 2);
    if (P->base.n_in != n_in || P->base.n_out != n_out)
        return cpu_fail(dev, HK_EINVAL, "%s: %s takes %d operands and gives %d; got %u and %u", o->path, o->op, n_in, n_out, o->n_in, o->n_out);
    s = choose_kernels(dev, o, P, n);
    if (s != HK_OK) return s;
    hk_desc ref = o->in[0];
    ref.flags = HK_SEQ;
    P->E = hk_desc_elems(&ref);
    int fit = cpu_src_init(&P->x, &o->in[0], &ref);
    for (int k = 0; k < P->ns; k++) fit &= cpu_src_init(&P->s0[k], &o->in[1 + k], &ref);
    for (int k = 0; k < P->np; k++) {
        const hk_desc *d = &o->in[1 + P->ns + k];
        fit &= cpu_src_init(&P->p[k], d, &ref) && !(d->flags & HK_N) && d->dtype == HK_F32;
        if (P->p[k].map != CPU_ONE) P->p_row |= 1u << k;
    }
    P->p_still = !P->p_row;
    for (int k = 0; k < P->np; k++)
        if (o->in[1 + P->ns + k].flags & HK_T) P->p_still = 0, P->p_steps |= P->p_row >> k & 1u;
    if (!fit) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: an operand does not fit the input's shape", o->path, o->op);
    P->base.impl = P->k->isa == HK_ISA_AVX512 ? "row kernels, avx512" : P->k->isa == HK_ISA_AVX2 ? "row kernels, avx2" : "row kernels, baseline";
    P->unit = CPU_NEURON_UNIT;
    P->base.units = neuron_units;
    P->base.grain = cpu_max(1, 256 / cpu_max(o->T, 1));
    return fused ? neuron_fused_init(P, dev, o, backward) : HK_OK;
}

hk_status neuron_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = neuron_plan_new(dev, o, 0, out);
    if (s != HK_OK) return s;
    neuron_plan *P = (neuron_plan *)*out;
    neuron_work w;
    P->outer = P->p_row && !P->p_steps ? CPU_NEURON_TILE : 16 * CPU_NEURON_TILE;
    if (P->fused.pool) P->outer = cpu_max(1, P->outer / P->unit) * P->unit; /* whole windows */
    P->base.run = neuron_run;
    P->base.scratch = neuron_work_init(P, 0, o->T, NULL, NULL, &w);
    return HK_OK;
}

const cpu_op cpu_ops_neuron[] = { { "neuron", neuron_new }, { "neuron_bwd", neuron_bwd_new }, { "neuron_z", neuron_z_new },
    { "fused_neuron", neuron_new },
    { "fused_neuron_bwd", neuron_bwd_new }, { NULL, NULL } };
