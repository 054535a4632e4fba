/* pool.c - maxpool2d, avgpool2d, adaptive_avgpool2d and their adjoints: windows over images stored channels-last, all channels of a
 * place at a time. A unit is an image. Adjoints add up in the row-major order of the places. */
#include "window.h"
#pragma GCC optimize("O3")

enum { CH = 64 /* channels at a time in the adjoints */ };

typedef struct pool_span {
    int64_t at, n, padded; /* first position inside the input, how many inside, how many in the padded input */
} pool_span;

typedef struct pool_plan {
    cpu_plan base;
    void (*fn)(const struct pool_plan *, const void *a, const void *b, void *out);
    int64_t C, H, W, OH, OW, dil_h, dil_w;
    int include_pad;
    float divisor;
    pool_span *h, *w;
} pool_plan;

static inline float pool_divisor(const pool_plan *P, const pool_span *h, const pool_span *w) {
    if (P->divisor != 0.0f) return P->divisor;
    return (float)(P->include_pad ? h->padded * w->padded : h->n * w->n);
}

#define EACH_PLACE                                                                                                                                             \
    const int64_t C = P->C, W = P->W, OW = P->OW, dh = P->dil_h * W * C, dw = P->dil_w * C;                                                                    \
    for (int64_t oh = 0; oh < P->OH; oh++)                                                                                                                     \
        for (int64_t ow = 0; ow < OW; ow++)
#define PLACE                                                                                                                                                  \
    const pool_span *h = &P->h[oh], *w = &P->w[ow];                                                                                                            \
    const int64_t hn = h->n, wn = w->n, in = (h->at * W + w->at) * C, out = (oh * OW + ow) * C
#define EACH_TAP                                                                                                                                               \
    for (int64_t i = 0; i < hn; i++)                                                                                                                           \
        for (int64_t j = 0; j < wn; j++)
#define POOL_ARGS (const pool_plan *P, const void *a, const void *b, void *o)
#define POOL_CLONES(name) CPU_CLONES(name, POOL_ARGS, (P, a, b, o))

#define MAXPOOL(name, type, lowest)                                                                                                                            \
    CPU_BODY name##_body POOL_ARGS {                                                                                                                           \
        (void)b;                                                                                                                                               \
        EACH_PLACE {                                                                                                                                           \
            PLACE;                                                                                                                                             \
            const type *x = (const type *)a + in;                                                                                                              \
            type *restrict y = (type *)o + out;                                                                                                                \
            if (hn == 2 && wn == 2) {                                                                                                                          \
                for (int64_t c = 0; c < C; c++) {                                                                                                              \
                    type p = x[c], q = x[dw + c], r = x[dh + c], s = x[dh + dw + c];                                                                           \
                    p = q > p ? q : p, r = s > r ? s : r;                                                                                                      \
                    y[c] = r > p ? r : p;                                                                                                                      \
                }                                                                                                                                              \
                continue;                                                                                                                                      \
            }                                                                                                                                                  \
            if (!hn || !wn)                                                                                                                                    \
                for (int64_t c = 0; c < C; c++) y[c] = lowest;                                                                                                 \
            EACH_TAP {                                                                                                                                         \
                const type *v = x + i * dh + j * dw;                                                                                                           \
                if (!i && !j) memcpy(y, v, (size_t)C * sizeof *y);                                                                                             \
                else                                                                                                                                           \
                    for (int64_t c = 0; c < C; c++) y[c] = v[c] > y[c] ? v[c] : y[c];                                                                          \
            }                                                                                                                                                  \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    POOL_CLONES(name)
MAXPOOL(maxpool_f32, float, -__builtin_inff());
MAXPOOL(maxpool_u8, uint8_t, 0);

/* g to the first largest of hn * wn taps, for m channels */
#define MAXPOOL_BWD(name, type)                                                                                                                                \
    CPU_BODY name##_some(int64_t m, const type *restrict x, const float *restrict g, float *restrict y, int64_t hn, int64_t wn, int64_t dh, int64_t dw) {      \
        type best[CH];                                                                                                                                         \
        int32_t tap[CH], k = 0;                                                                                                                                \
        for (int64_t c = 0; c < m; c++) best[c] = x[c], tap[c] = 0;                                                                                            \
        EACH_TAP {                                                                                                                                             \
            const type *v = x + i * dh + j * dw;                                                                                                               \
            for (int64_t c = 0; c < m; c++) tap[c] = v[c] > best[c] ? k : tap[c], best[c] = v[c] > best[c] ? v[c] : best[c];                                   \
            k++;                                                                                                                                               \
        }                                                                                                                                                      \
        k = 0;                                                                                                                                                 \
        EACH_TAP {                                                                                                                                             \
            float *to = y + i * dh + j * dw;                                                                                                                   \
            for (int64_t c = 0; c < m; c++) to[c] += tap[c] == k ? g[c] : 0.0f;                                                                                \
            k++;                                                                                                                                               \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    CPU_BODY name##_body POOL_ARGS {                                                                                                                           \
        memset(o, 0, (size_t)(P->H * P->W * P->C) * 4);                                                                                                        \
        EACH_PLACE {                                                                                                                                           \
            PLACE;                                                                                                                                             \
            const type *x = (const type *)b + in;                                                                                                              \
            const float *g = (const float *)a + out;                                                                                                           \
            float *y = (float *)o + in;                                                                                                                        \
            if (!hn || !wn) continue;                                                                                                                          \
            int64_t c = 0;                                                                                                                                     \
            for (; c + CH <= C; c += CH) name##_some(CH, x + c, g + c, y + c, hn, wn, dh, dw);                                                                 \
            if (c < C) name##_some(C - c, x + c, g + c, y + c, hn, wn, dh, dw);                                                                                \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    POOL_CLONES(name)
MAXPOOL_BWD(maxpool_bwd_f32, float);
MAXPOOL_BWD(maxpool_bwd_u8, uint8_t);

#define AVGPOOL(name, type)                                                                                                                                    \
    CPU_BODY name##_body POOL_ARGS {                                                                                                                           \
        (void)b;                                                                                                                                               \
        EACH_PLACE {                                                                                                                                           \
            PLACE;                                                                                                                                             \
            const type *x = (const type *)a + in;                                                                                                              \
            float *restrict y = (float *)o + out, d = pool_divisor(P, h, w);                                                                                   \
            memset(y, 0, (size_t)C * 4);                                                                                                                       \
            EACH_TAP {                                                                                                                                         \
                const type *v = x + i * dh + j * dw;                                                                                                           \
                for (int64_t c = 0; c < C; c++) y[c] += (float)v[c];                                                                                           \
            }                                                                                                                                                  \
            for (int64_t c = 0; hn && wn && c < C; c++) y[c] /= d;                                                                                             \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    POOL_CLONES(name)
AVGPOOL(avgpool_f32, float);
AVGPOOL(avgpool_u8, uint8_t);

CPU_BODY avgpool_bwd_body POOL_ARGS {
    (void)b;
    memset(o, 0, (size_t)(P->H * P->W * P->C) * 4);
    EACH_PLACE {
        PLACE;
        const float *g = (const float *)a + out;
        float d = pool_divisor(P, h, w), part[CH];
        for (int64_t c0 = 0; c0 < C; c0 += CH) {
            int64_t m = cpu_min(CH, C - c0);
            for (int64_t c = 0; c < m; c++) part[c] = g[c0 + c] / d;
            EACH_TAP {
                float *to = (float *)o + in + i * dh + j * dw + c0;
                for (int64_t c = 0; c < m; c++) to[c] += part[c];
            }
        }
    }
}
POOL_CLONES(avgpool_bwd);

/* ---- plans --------------------------------------------------------------------------------------------------------------------- */

static int64_t pool_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

static hk_status pool_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const pool_plan *P = (const pool_plan *)p;
    size_t row[3];
    for (int k = 0; k <= p->n_in; k++) row[k] = (size_t)hk_desc_elems(&p->d[k]) * cpu_size(p->d[k].dtype);
    for (int64_t r = lo; r < hi; r++)
        P->fn(P, (const char *)b->ptr[0] + (size_t)r * row[0], p->n_in > 1 ? (const char *)b->ptr[1] + (size_t)r * row[1] : NULL,
            (char *)b->ptr[p->n_in] + (size_t)r * row[p->n_in]);
    return HK_OK;
}

/* Outputs 0 ... out - 1 of a window, or (w NULL) of an even division. */
static void pool_spans(const cpu_window *w, int64_t size, int64_t out, pool_span *s) {
    for (int64_t q = 0; q < out; q++) {
        if (!w) {
            s[q].at = q * size / out, s[q].n = ((q + 1) * size + out - 1) / out - s[q].at, s[q].padded = s[q].n;
            continue;
        }
        s[q] = (pool_span){ 0, 0, 0 };
        for (int64_t k = 0; k < w->kernel; k++) {
            int64_t at = q * w->stride - w->pad + k * w->dil;
            if (at < size + w->pad_end) s[q].padded++;
            if (at < 0 || at >= size) continue;
            if (!s[q].n++) s[q].at = at;
        }
    }
}

static hk_status pool_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    int max = !strncmp(o->op, "max", 3), adaptive = !strncmp(o->op, "adaptive", 8), bwd = strstr(o->op, "_bwd") != NULL;
    const hk_desc *x = bwd ? &o->out[0] : &o->in[0], *y = bwd ? &o->in[0] : &o->out[0];
    if (x->rank != 3 || y->rank != 3 || !(x->flags & HK_N) || x->flags != y->flags || x->shape[0] != y->shape[0] || (max && bwd && o->in[1].flags != x->flags))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes rows [C,H,W] that vary with n", o->path, o->op);
    int64_t OH = y->shape[1], OW = y->shape[2];
    hk_status s = cpu_plan_new(dev, o, sizeof(pool_plan) + (size_t)(OH + OW) * sizeof(pool_span), out);
    if (s != HK_OK) return s;
    pool_plan *P = (pool_plan *)*out;
    cpu_window win[2] = { cpu_window_of(o, 0), cpu_window_of(o, 1) };
    P->C = x->shape[0], P->H = x->shape[1], P->W = x->shape[2], P->OH = OH, P->OW = OW;
    P->dil_h = adaptive ? 1 : win[0].dil, P->dil_w = adaptive ? 1 : win[1].dil;
    P->include_pad = cpu_attr(o, "include_pad")->i != 0;
    const hk_attr *d = cpu_attr(o, "divisor");
    P->divisor = adaptive ? 0.0f : d->f != 0 ? (float)d->f : (float)d->i;
    P->h = (pool_span *)(P + 1), P->w = P->h + OH;
    pool_spans(adaptive ? NULL : &win[0], P->H, OH, P->h), pool_spans(adaptive ? NULL : &win[1], P->W, OW, P->w);
    int u8 = o->in[max && bwd].dtype != HK_F32;
    uint32_t isa = P->base.isa;
    if (max) P->fn = bwd ? (u8 ? maxpool_bwd_u8 : maxpool_bwd_f32)[isa] : (u8 ? maxpool_u8 : maxpool_f32)[isa];
    else P->fn = bwd ? avgpool_bwd[isa] : (u8 ? avgpool_u8 : avgpool_f32)[isa];
    P->base.n_in = max && bwd ? 2 : 1;
    if (P->base.n_in != (int)o->n_in) return cpu_fail(dev, HK_EINVAL, "%s: %s takes %d operands, got %u", o->path, o->op, P->base.n_in, o->n_in);
    P->base.units = pool_units, P->base.run = pool_run;
    P->base.grain = cpu_max(1, 16384 / (P->C * P->H * P->W + 16));
    return HK_OK;
}

const cpu_op cpu_ops_pool[] = { { "maxpool2d", pool_new }, { "maxpool2d_bwd", pool_new }, { "avgpool2d", pool_new }, { "avgpool2d_bwd", pool_new },
    { "adaptive_avgpool2d", pool_new }, { "adaptive_avgpool2d_bwd", pool_new }, { NULL, NULL } };
