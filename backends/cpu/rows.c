/* rows.c - dealing units out to threads, and reading operands along another row's order. */
#include "cpu.h"
#pragma GCC optimize("O3")

typedef struct job {
    const cpu_plan *p;
    const hk_bind *b;
    int64_t units, slots;
    hk_status status;
} job;

static void job_slots(void *arg, int64_t lo, int64_t hi) {
    job *j = arg;
    size_t scratch = (size_t)cpu_up((int64_t)j->p->scratch, 64);
    for (int64_t s = lo; s < hi; s++) {
        int64_t from = j->units * s / j->slots, to = j->units * (s + 1) / j->slots;
        hk_status status = from < to ? j->p->run(j->p, j->b, from, to, (char *)j->b->scratch + (size_t)s * scratch) : HK_OK;
        if (status != HK_OK) __atomic_store_n(&j->status, status, __ATOMIC_RELAXED);
    }
}

hk_status cpu_run(const cpu_plan *p, hk_stream *st, const hk_bind *b) {
    int64_t units = p->units(p, b);
    int64_t slots = st && p->scope == HK_SCOPE_TEAM ? cpu_min(p->dev->threads, units / cpu_max(p->grain, 1)) : 1;
    if (slots <= 1) return units ? p->run(p, b, 0, units, b->scratch) : HK_OK;
    job j = { p, b, units, slots, HK_OK };
    hk_parallel_for(st, slots, 1, job_slots, &j);
    return j.status;
}

CPU_BODY from_u8_body(int64_t n, const uint8_t *x, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] = (float)x[i];
}
CPU_AVX2 static void from_u8_avx2(int64_t n, const uint8_t *x, float *y) { from_u8_body(n, x, y); }
CPU_AVX512 static void from_u8_avx512(int64_t n, const uint8_t *x, float *y) { from_u8_body(n, x, y); }
static void from_u8_baseline(int64_t n, const uint8_t *x, float *y) { from_u8_body(n, x, y); }
void (*const cpu_from_u8[3])(int64_t n, const uint8_t *x, float *y) = { from_u8_baseline, from_u8_avx2, from_u8_avx512 };

int cpu_src_init(cpu_src *s, const hk_desc *d, const hk_desc *ref) {
    int last = cpu_channels_last(ref);
    s->d = *d;
    s->row = hk_desc_elems(d), s->E = hk_desc_elems(ref);
    s->C = ref->rank ? ref->shape[0] : 1;
    s->P = s->C ? s->E / s->C : 0;
    if (!d->rank) return s->map = CPU_ONE, 1;
    if (s->row == s->E) {
        s->map = last && !cpu_channels_last(d) && d->rank >= 2 && s->P > 1 && s->C > 1 ? CPU_PERM : CPU_SAME;
        return last || !cpu_channels_last(d);
    }
    if (s->row == 1) return s->map = CPU_ONE, 1;
    s->map = last ? CPU_CHAN : CPU_CHAN_ROW;
    return d->rank == 1 && s->row == s->C;
}

static inline float at(const void *base, int u8, int64_t k) { return u8 ? (float)((const uint8_t *)base)[k] : ((const float *)base)[k]; }

/* dst[k] = row[(c + k) % C] */
static void fill_cyclic(const void *row, int u8, int64_t c, int64_t C, int64_t len, float *dst) {
    int64_t done = cpu_min(C, len);
    for (int64_t k = 0; k < done; k++) {
        dst[k] = at(row, u8, c);
        if (++c == C) c = 0;
    }
    while (done < len) {
        int64_t more = cpu_min(done, len - done);
        memcpy(dst + done, dst, (size_t)more * sizeof *dst);
        done += more;
    }
}

const float *cpu_src_fill(const cpu_src *s, const void *base, const hk_bind *b, int64_t t, int64_t j, int64_t m, float *tmp) {
    int u8 = s->d.dtype != HK_F32, varies = (s->d.flags & (HK_N | HK_G)) != 0;
    size_t size = u8 ? 1 : 4;
    if (!varies && (s->map == CPU_CHAN || s->map == CPU_ONE)) {
        const char *row = (const char *)base + (size_t)(cpu_row(&s->d, b, t, 0) * s->row) * size;
        fill_cyclic(row, u8, s->map == CPU_ONE ? 0 : j % s->C, s->map == CPU_ONE ? 1 : s->C, m, tmp);
        return tmp;
    }
    int64_t i = j / s->E, e = j % s->E;
    float *dst = tmp;
    for (int64_t len; m > 0; m -= len, dst += len, i++, e = 0) {
        len = cpu_min(s->E - e, m);
        const char *row = (const char *)base + (size_t)(cpu_row(&s->d, b, t, varies ? i : 0) * s->row) * size;
        switch (s->map) {
        case CPU_SAME:
            for (int64_t k = 0; k < len; k++) dst[k] = at(row, u8, e + k);
            break;
        case CPU_PERM:
            for (int64_t k = 0, c = e % s->C, q = e / s->C; k < len; k++) {
                dst[k] = at(row, u8, c * s->P + q);
                if (++c == s->C) c = 0, q++;
            }
            break;
        case CPU_CHAN: fill_cyclic(row, u8, e % s->C, s->C, len, dst); break;
        case CPU_CHAN_ROW:
            for (int64_t k = 0; k < len; k++) dst[k] = at(row, u8, (e + k) / s->P);
            break;
        case CPU_ONE: fill_cyclic(row, u8, 0, 1, len, dst); break;
        }
    }
    return tmp;
}
