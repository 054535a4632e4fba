/* noise.c - the part of a derivative that is drawn: where nothing fires (z <= 0), scale (u - 1/2), u of [0, 1) by step, sample and border position. */
#include "noise.h"
#include "hillock/random.h"

void cpu_noise_init(cpu_noise *s, const hk_opdesc *o, const hk_surrogate *surrogate, const hk_desc *row) {
    *s = (cpu_noise){ .stream = o->stream, .E = hk_desc_elems(row), .C = 1 };
    if (!surrogate->type->noise) return;
    s->scale = (float)surrogate->p[surrogate->type->noise - 1];
    if ((row->flags & HK_N) && row->rank >= 2) s->C = row->shape[0];
}

void cpu_noise_add(const cpu_noise *s, const hk_bind *b, int which, int64_t t, int64_t j, int64_t m, const float *z, float *d) {
    const philox4x32_key_t key = hk_random_key(b->step->seed, s->stream);
    int64_t sample = -1, quad = -1;
    float u[4];
    for (int64_t k = 0; k < m; k++) {
        if (z[k] > 0.0f) continue;
        const int64_t i = (j + k) / s->E, e = (j + k) % s->E, at = which * s->E + e % s->C * (s->E / s->C) + e / s->C;
        if (i != sample || at / 4 != quad) hk_random4(key, b->step->step, b->t0 + t, b->sample0 + i, at / 4, u), sample = i, quad = at / 4;
        d[k] += s->scale * (u[at % 4] - 0.5f);
    }
}
