/* random.c - bernoulli and dropout_mask, by Philox4x32-10 as hillock/random.h defines it, many counters at a time.
 * Positions count in the border's order (C,H,W), so rows stored channels-last are read and written through a transposition. */
#include "random_rows.h"
#include "hillock/random.h"
#pragma GCC optimize("O3")

enum { QUADS = 32, CHUNK = 4 * QUADS };

typedef struct random_plan {
    cpu_plan base;
    int64_t E, C, P;
    int permute;  /* p needs to be copied into border order */
    size_t parts; /* where their table lies in scratch; 0: step by step */
    cpu_src p;
    int channel;      /* dropout_mask: one draw per channel */
    float drop, keep; /* dropout_mask: the largest u that drops, and the value that stays */
    void (*draw)(int64_t n, const float *p, const uint32_t *c, uint32_t k0, uint32_t k1, uint8_t *y);
} random_plan;

/* y[i] = p[i] > 0 and u[i] <= p[i] for n <= CHUNK positions from 4 * c[3] on. Salmon et al. 2011, table 2 and figure 3. */
CPU_BODY draw_body(int64_t n, const float *p, const uint32_t *c, uint32_t k0, uint32_t k1, uint8_t *y) {
    uint32_t r[4][QUADS];
    float u[CHUNK];
    for (int q = 0; q < QUADS; q++) {
        uint32_t a = c[0], b = c[1], d = c[2], e = c[3] + (uint32_t)q, x0 = k0, x1 = k1;
        _Pragma("GCC unroll 10") for (int round = 0; round < 10; round++) {
            uint64_t l = (uint64_t)UINT32_C(0xd2511f53) * a, h = (uint64_t)UINT32_C(0xcd9e8d57) * d;
            uint32_t na = (uint32_t)(h >> 32) ^ b ^ x0, nd = (uint32_t)(l >> 32) ^ e ^ x1;
            a = na, b = (uint32_t)h, d = nd, e = (uint32_t)l;
            x0 += UINT32_C(0x9e3779b9), x1 += UINT32_C(0xbb67ae85);
        }
        r[0][q] = a, r[1][q] = b, r[2][q] = d, r[3][q] = e;
    }
    for (int q = 0; q < QUADS; q++)
        for (int i = 0; i < 4; i++) u[4 * q + i] = (float)(int32_t)(r[i][q] >> 8) * 0x1p-24f;
    for (int64_t i = 0; i < n; i++) y[i] = (u[i] <= p[i]) & (p[i] > 0.0f);
}
CPU_CLONES(draw, (int64_t n, const float *p, const uint32_t *c, uint32_t k0, uint32_t k1, uint8_t *y), (n, p, c, k0, k1, y));

static int64_t random_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b); }

/* Part by part, all steps of a part from one table. Probabilities that are the same at all steps are looked at once: where they need no draw, there is none. */
static void random_by_parts(const random_plan *P, const hk_bind *b, int64_t i, philox4x32_key_t key, float *row, cpu_random_part *part) {
    const cpu_plan *p = &P->base;
    int64_t E = P->E, n = cpu_count(cpu_out(p, 0), b);
    for (int64_t e = 0; e < E; e += CPU_RANDOM_PART) {
        int64_t m = cpu_min(CPU_RANDOM_PART, E - e);
        uint32_t c[4] = { (uint32_t)b->step->step, 0, (uint32_t)(b->sample0 + i), (uint32_t)(e / 4) };
        for (int64_t t = 0; t < cpu_steps(cpu_out(p, 0), b); t++) {
            c[1] = (uint32_t)(b->t0 + t);
            if (!t || (p->d[0].flags & HK_T))
                cpu_random_probabilities(part, m, cpu_src_get(&P->p, b->ptr[0], b, t, i * E + e, m, row), !(p->d[0].flags & HK_T));
            if (!t) cpu_random_counters(part, c, key.v[0], key.v[1]);
            cpu_random_draw(part, m, c, key.v[0], key.v[1], (uint8_t *)b->ptr[1] + (t * n + i) * E + e);
        }
    }
}

static hk_status random_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const random_plan *P = (const random_plan *)p;
    int64_t E = P->E, n = cpu_count(cpu_out(p, 0), b);
    float *row = scratch, *border = row + E;
    uint8_t *bits = (uint8_t *)(border + E);
    philox4x32_key_t key = hk_random_key(b->step->seed, p->stream);
    for (int64_t i = lo; i < hi; i++) {
        const float *prob = NULL;
        if (P->parts) {
            random_by_parts(P, b, i, key, row, (cpu_random_part *)(void *)((char *)scratch + P->parts));
            continue;
        }
        for (int64_t t = 0; t < cpu_steps(cpu_out(p, 0), b); t++) {
            if (!prob || (p->d[0].flags & HK_T)) {
                prob = cpu_src_get(&P->p, b->ptr[0], b, t, i * E, E, row);
                if (P->permute) {
                    for (int64_t q = 0; q < P->P; q++)
                        for (int64_t c = 0; c < P->C; c++) border[c * P->P + q] = prob[q * P->C + c];
                    prob = border;
                }
            }
            uint8_t *y = (uint8_t *)b->ptr[1] + (t * n + i) * E, *to = P->permute ? bits : y;
            uint32_t c[4] = { (uint32_t)b->step->step, (uint32_t)(b->t0 + t), (uint32_t)(b->sample0 + i), 0 };
            for (int64_t e = 0; e < E; e += CHUNK) c[3] = (uint32_t)(e / 4), P->draw(cpu_min(CHUNK, E - e), prob + e, c, key.v[0], key.v[1], to + e);
            if (P->permute)
                for (int64_t q = 0; q < P->P; q++)
                    for (int64_t k = 0; k < P->C; k++) y[q * P->C + k] = bits[k * P->P + q];
        }
    }
    return HK_OK;
}

/* ---- dropout_mask: s0 where it is not negative, else 0 with probability p, else 1 / (1 - p) ---------------------------------------- */

CPU_BODY mask_body(int64_t n, const float *restrict s0, const uint8_t *restrict dropped, float keep, float *y) {
    _Pragma("GCC ivdep") for (int64_t k = 0; k < n; k++) y[k] = s0[k] >= 0.0f ? s0[k] : dropped[k] ? 0.0f : keep;
}
CPU_CLONES(mask, (int64_t n, const float *restrict s0, const uint8_t *restrict dropped, float keep, float *y), (n, s0, dropped, keep, y));

static hk_status dropout_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const random_plan *P = (const random_plan *)p;
    int64_t E = P->E, draws = P->channel ? P->C : E;
    float *drop = scratch;
    uint8_t *bits = (uint8_t *)(drop + CHUNK), *stored = bits + E + CHUNK; /* in border order, in storage order */
    philox4x32_key_t key = hk_random_key(b->step->seed, p->stream);
    for (int k = 0; k < CHUNK; k++) drop[k] = P->drop;
    for (int64_t i = lo; i < hi; i++) {
        const float *s0 = (const float *)b->ptr[1] + i * E;
        float *y = (float *)b->ptr[2] + i * E;
        int64_t kept = 0;
        while (kept < E && s0[kept] >= 0.0f) kept++;
        if (kept == E) {
            if (y != s0) memcpy(y, s0, (size_t)E * 4);
            continue;
        }
        uint32_t c[4] = { (uint32_t)b->step->step, 0, (uint32_t)(b->sample0 + i), 0 };
        for (int64_t e = 0; e < draws; e += CHUNK) c[3] = (uint32_t)(e / 4), P->draw(cpu_min(CHUNK, draws - e), drop, c, key.v[0], key.v[1], bits + e);
        if (P->channel) {
            if (P->C == 1) memset(stored, bits[0], (size_t)E);
            else
                for (int64_t q = 0; q < P->P; q++) memcpy(stored + q * P->C, bits, (size_t)P->C);
        } else if (P->permute) {
            for (int64_t q = 0; q < P->P; q++)
                for (int64_t k = 0; k < P->C; k++) stored[q * P->C + k] = bits[k * P->P + q];
        }
        mask[p->isa](E, s0, P->channel || P->permute ? stored : bits, P->keep, y);
    }
    return HK_OK;
}

static hk_status dropout_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_desc *y = &o->out[0], *s0 = &o->in[1];
    if (y->flags != HK_HELD || s0->flags != HK_HELD || hk_desc_elems(s0) != hk_desc_elems(y) || s0->dtype != HK_F32)
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: dropout_mask: the mask must be held for each sample", o->path);
    hk_status s = cpu_plan_new(dev, o, sizeof(random_plan), out);
    if (s != HK_OK) return s;
    random_plan *P = (random_plan *)*out;
    double p = cpu_attr(o, "p")->f;
    P->E = hk_desc_elems(y), P->C = y->rank ? y->shape[0] : 1, P->P = P->E / cpu_max(P->C, 1);
    P->permute = cpu_channels_last(y) && P->C > 1 && P->P > 1;
    P->channel = cpu_attr(o, "channel")->i != 0;
    P->keep = (float)(1.0 / (1.0 - p));
    double below = p * 0x1p24; /* u = k / 2^24 < p: k is at most the integer below */
    int64_t k = (int64_t)below;
    k -= (double)k == below;
    P->drop = k ? (float)k * 0x1p-24f : 0x1p-25f; /* a probability of 0 would never drop */
    P->draw = draw[P->base.isa];
    P->base.units = random_units, P->base.run = dropout_run;
    P->base.grain = cpu_max(1, 4096 / (P->E + 16));
    P->base.scratch = CHUNK * sizeof(float) + 2 * (size_t)P->E + CHUNK;
    return HK_OK;
}

static hk_status random_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(random_plan), out);
    if (s != HK_OK) return s;
    random_plan *P = (random_plan *)*out;
    const hk_desc *y = &o->out[0];
    P->E = hk_desc_elems(y), P->C = y->rank ? y->shape[0] : 1, P->P = P->E / cpu_max(P->C, 1);
    P->permute = cpu_channels_last(y) && P->C > 1 && P->P > 1;
    P->draw = draw[P->base.isa];
    if (!cpu_src_init(&P->p, &o->in[0], y)) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: bernoulli: p does not fit", o->path);
    P->base.units = random_units, P->base.run = random_run;
    P->base.grain = cpu_max(1, 4096 / (P->E * cpu_max(o->T, 1) + 16));
    P->base.scratch = (size_t)P->E * 9 + CHUNK;
    if (P->base.isa == HK_ISA_AVX512 && !P->permute) {
        P->parts = (size_t)cpu_up((int64_t)P->base.scratch, 64);
        P->base.scratch = P->parts + sizeof(cpu_random_part);
        P->base.impl = "tables, avx512";
    }
    return HK_OK;
}

const cpu_op cpu_ops_random[] = { { "bernoulli", random_new }, { "dropout_mask", dropout_new }, { NULL, NULL } };
