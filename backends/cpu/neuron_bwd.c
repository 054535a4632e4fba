/* neuron_bwd.c - operations neuron_bwd and fused_neuron_bwd: replays the forward of a block from s0, keeping the states in cache, then runs t backwards.
 *
 * A gradient too large for the caches goes past them: it is made in a row in L1 and stored without being read first (a third less traffic).
 * The block is as large as its saved states fit in half of a usual L2. The row kernels add (+=) into gs and gp, whose rows are NULL when unwanted; gx is assigned (=). When
 * gradients of parameters or a normalisation's sums are wanted, a unit is a group of HK_GROUP samples, whose rows of gp are summed up in order of position. */
#include "neuron.h"
#pragma GCC optimize("O3")

enum { SAVED_BYTES = 256 << 10 };

static inline float *saved_at(const neuron_plan *P, const neuron_work *w, int64_t t, int k) { return w->saved + ((t - 1) * P->ns + k) * P->outer; }

static inline const float *state_before(const neuron_plan *P, const hk_bind *b, const neuron_work *w, int64_t t, int k, int64_t jb, int64_t j, int64_t m) {
    return t ? saved_at(P, w, t, k) + (j - jb) : cpu_src_get(&P->s0[k], b->ptr[1 + k], b, 0, j, m, w->in[k]);
}

static void replay_block(const neuron_plan *P, const hk_bind *b, neuron_work *w, int64_t jb, int64_t je) {
    hk_neuron_args a = { 0 };
    for (int64_t t = 0; t + 1 < b->T; t++)
        for (int64_t j = jb; j < je; j += CPU_NEURON_TILE) {
            int64_t m = cpu_min(CPU_NEURON_TILE, je - j);
            neuron_args_init(P, b, w, t, j, m, &a);
            for (int k = 0; k < P->ns; k++) a.s[k] = state_before(P, b, w, t, k, jb, j, m), a.s1[k] = saved_at(P, w, t + 1, k) + (j - jb);
            a.spike = P->bytes ? w->spike : NULL, a.y = P->bytes ? NULL : w->y;
            neuron_forward_step(P, w, &a);
        }
}

/* The rows of parameter k, summed up into its gradient: neuron by neuron, or for a scalar in 16 lanes. */
static void add_gp(const neuron_plan *P, const cpu_src *s, const float *row, int64_t jb, int64_t m, float *out) {
    int64_t e = jb % P->E;
    if (s->map == CPU_ONE) {
        float lane[16] = { 0 }, sum = 0.0f;
        int64_t i = 0;
        for (; i + 16 <= m; i += 16)
            for (int q = 0; q < 16; q++) lane[q] += row[i + q];
        for (int q = 0; i + q < m; q++) lane[q] += row[i + q];
        for (int q = 0; q < 16; q++) sum += lane[q];
        out[0] += sum;
    } else if (s->map == CPU_PERM) {
        for (int64_t i = 0; i < m; i++) {
            out[e % s->C * s->P + e / s->C] += row[i];
            if (++e == P->E) e = 0;
        }
    } else {
        int64_t n = s->row, c = e % n;
        for (int64_t i = 0, len; i < m; i += len, c = 0) {
            len = cpu_min(n - c, m - i);
            P->add(len, row + i, out + c);
        }
    }
}

/* What memory is asked for while a tile is computed, a third before each of its kernels, so that few lines at a time come in: the gy of the tile that is next,
 * and the x with which the next block's replay begins. NULL: neither. */
typedef struct coming {
    const float *gy, *x;
} coming;

static inline void ahead(const coming *c, int third) {
    for (int64_t i = CPU_NEURON_TILE / 3 * third; c->gy && i < CPU_NEURON_TILE / 3 * (third + 1); i += 16) __builtin_prefetch(c->gy + i);
    for (int64_t i = CPU_NEURON_TILE / 3 * third; c->x && i < CPU_NEURON_TILE / 3 * (third + 1); i += 16) __builtin_prefetch(c->x + i, 0, 2);
}

/* Of the tile at j of step t, in the block [jb, je). */
static coming coming_of(const neuron_plan *P, const hk_bind *b, int large, int64_t t, int64_t j, int64_t jb, int64_t je) {
    int i_gy = 1 + P->ns + P->np;
    int64_t all = b->n * P->E, next = j + CPU_NEURON_TILE;
    coming c = { NULL, NULL };
    if (cpu_has_in(&P->base, i_gy) && P->gy.map == CPU_SAME && P->gy.d.flags & HK_T && (t || next < je))
        c.gy = (const float *)b->ptr[i_gy] + (next < je ? t * all + next : (t - 1) * all + jb);
    if (t == b->T - 1 && je + (j - jb) < all && P->x.d.dtype == HK_F32 && P->x.map == CPU_SAME && P->x.d.flags == HK_HELD) c.x = (const float *)b->ptr[0] + je + (j - jb);
    if (large && je + (j - jb) < all) c.x = (const float *)b->ptr[0] + (b->T - 1 - t) * all + je + (j - jb);
    return c;
}

/* Gradient of the output at step t, and what the kernel needs of the step itself: z, d, f. */
static void prepare_step(const neuron_plan *P, const hk_bind *b, const neuron_work *w, int64_t t, int64_t j, int64_t m, float *gy_tmp, const coming *c, hk_neuron_args *a) {
    int i_gy = 1 + P->ns + P->np;
    for (int k = 0; k < P->nf; k++) a->z[k] = w->z[k];
    ahead(c, 0);
    if (P->nf) P->k->pre(a);
    ahead(c, 1);
    for (int k = 0; k < P->nf; k++) {
        P->grad(m, w->z[k], P->sp, w->d[k]);
        if (P->noise.scale != 0.0f) cpu_noise_add(&P->noise, b, k, t, j, m, w->z[k], w->d[k]);
        if (P->shape) P->shape(m, w->z[k], P->sp, w->f[k]);
        a->d[k] = w->d[k], a->f[k] = P->shape ? w->f[k] : NULL; /* NULL: the kernel steps by itself */
    }
    ahead(c, 2);
    a->gy = cpu_has_in(&P->base, i_gy) ? cpu_src_get(&P->gy, b->ptr[i_gy], b, t, j, m, gy_tmp) : w->zero;
    if (P->fused.pool) {
        neuron_fused_unpool(P, w, b, t, j, m);
        if (a->gy != w->zero) P->add(m, a->gy, w->gy);
        a->gy = w->gy;
    }
}

static void backward_block(const neuron_plan *P, const hk_bind *b, neuron_work *w, int64_t jb, int64_t je, int64_t group, int64_t first) {
    const cpu_plan *p = &P->base;
    int64_t all = b->n * P->E, i_gseq = 2 + P->ns + P->np, i_gs1 = i_gseq + P->ns, o_gp = 1 + P->ns;
    float *gx = cpu_out_ptr(p, b, 0), *gs[HK_MAX_STATE] = { NULL };
    int gx_sum = gx && !(cpu_out(p, 0)->flags & HK_T); /* x is HELD and so is its gradient: the sum over t, t descending */
    int past = gx && !gx_sum && P->stream && (size_t)(all * b->T * 4) > p->dev->l2 && all % 16 == 0 && (uintptr_t)(gx + jb) % 64 == 0;
    int large = (size_t)(all * b->T * 4) > p->dev->l2 && P->x.d.dtype == HK_F32 && P->x.map == CPU_SAME && P->x.d.flags == HK_SEQ;
    hk_neuron_args a = { 0 };
    replay_block(P, b, w, jb, je);
    for (int k = 0; k < P->ns; k++) {
        float *gs0 = cpu_out_ptr(p, b, 1 + k);
        gs[k] = gs0 ? gs0 + jb : w->state[k];
        const float *gs1 = cpu_has_in(p, (int)i_gs1 + k) ? cpu_src_get(&P->gs1[k], b->ptr[i_gs1 + k], b, 0, jb, je - jb, gs[k]) : NULL;
        if (!gs1) memset(gs[k], 0, (size_t)(je - jb) * 4);
        else if (gs1 != gs[k]) memcpy(gs[k], gs1, (size_t)(je - jb) * 4);
    }
    for (int k = 0; k < P->np; k++)
        if (w->gp[k]) memset(w->gp[k], 0, (size_t)(je - jb) * 4);
    for (int64_t t = b->T - 1; t >= 0; t--) {
        for (int64_t j = jb; j < je; j += CPU_NEURON_TILE) {
            int64_t m = cpu_min(CPU_NEURON_TILE, je - j), at = j - jb;
            neuron_args_init(P, b, w, t, j, m, &a);
            for (int k = 0; k < P->ns; k++) {
                a.s[k] = state_before(P, b, w, t, k, jb, j, m);
                a.gs[k] = gs[k] + at;
                if (cpu_has_in(p, (int)i_gseq + k)) P->add(m, cpu_src_get(&P->gseq[k], b->ptr[i_gseq + k], b, t, j, m, w->gx), a.gs[k]);
            }
            coming c = coming_of(P, b, large, t, j, jb, je);
            prepare_step(P, b, w, t, j, m, w->y, &c, &a);
            a.gx[0] = gx && gx_sum && t == b->T - 1 ? gx + j : gx && !gx_sum && !past ? gx + t * all + j : w->gx;
            for (int k = 0; k < P->np; k++) a.gp[k] = w->gp[k] ? w->gp[k] + at : NULL;
            if (P->want_gp) P->k->bwd_gp(&a);
            else P->k->bwd(&a);
            if (past) P->stream(m, w->gx, gx + t * all + j);
            if (P->fused.sums && !gx_sum) neuron_fused_add_sums(P, w, j - first, m, a.gx[0], w->raw);
            if (gx_sum && t < b->T - 1) P->add(m, w->gx, gx + j);
        }
        for (int k = 0; k < P->np; k++) {
            int steps = (P->p[k].d.flags & HK_T) != 0;
            if (!w->gp[k] || (t && !steps)) continue;
            float *out = (float *)b->ptr[p->n_in + o_gp + k] + (steps ? group * b->T + t : group) * P->p[k].row;
            add_gp(P, &P->p[k], w->gp[k], jb, je - jb, out);
            if (steps) memset(w->gp[k], 0, (size_t)(je - jb) * 4);
        }
    }
    if (P->fused.sums && gx_sum)
        for (int64_t j = jb; j < je; j += CPU_NEURON_TILE) {
            int64_t m = cpu_min(CPU_NEURON_TILE, je - j);
            neuron_fused_add_sums(P, w, j - first, m, gx + j, cpu_src_get(&P->x, b->ptr[0], b, 0, j, m, w->x));
        }
}

static hk_status neuron_bwd_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const neuron_plan *P = (const neuron_plan *)p;
    int by_group = P->want_gp || P->fused.sums;
    int64_t unit = by_group ? HK_GROUP * P->E : P->unit, all = b->n * P->E;
    neuron_work w;
    neuron_work_init(P, 1, b->T, b, scratch, &w);
    if (!by_group) {
        int64_t end = cpu_min(hi * unit, all);
        for (int64_t j = lo * unit; j < end; j += P->outer) backward_block(P, b, &w, j, cpu_min(j + P->outer, end), 0, 0);
        neuron_stream_end();
        return HK_OK;
    }
    for (int64_t g = lo; g < hi; g++) {
        for (int k = 0; k < P->np; k++) {
            int64_t row = P->p[k].row * (P->p[k].d.flags & HK_T ? b->T : 1);
            float *gp = cpu_out_ptr(p, b, 1 + P->ns + k);
            if (gp) memset(gp + g * row, 0, (size_t)row * 4);
        }
        int64_t end = cpu_min((g + 1) * unit, all);
        for (int64_t j = g * unit; j < end; j += P->outer) backward_block(P, b, &w, j, cpu_min(j + P->outer, end), g, g * unit);
        if (P->fused.sums) neuron_fused_end_sums(P, &w, b, g);
    }
    neuron_stream_end();
    return HK_OK;
}

static int64_t group_units(const cpu_plan *p, const hk_bind *b) {
    (void)p;
    return b->groups;
}

hk_status neuron_bwd_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = neuron_plan_new(dev, o, 1, out);
    if (s != HK_OK) return s;
    neuron_plan *P = (neuron_plan *)*out;
    hk_desc ref = o->in[0];
    ref.flags = HK_SEQ;
    int i_gy = 1 + P->ns + P->np, fit = 1;
    if (cpu_has_in(&P->base, i_gy)) fit &= cpu_src_init(&P->gy, &o->in[i_gy], &ref);
    for (int k = 0; k < P->ns; k++) {
        int i_gseq = i_gy + 1 + k, i_gs1 = i_gseq + P->ns;
        if (cpu_has_in(&P->base, i_gseq)) fit &= cpu_src_init(&P->gseq[k], &o->in[i_gseq], &ref);
        if (cpu_has_in(&P->base, i_gs1)) fit &= cpu_src_init(&P->gs1[k], &o->in[i_gs1], &ref);
    }
    if (!fit) return cpu_fail(dev, HK_EUNSUPPORTED, "%s: neuron_bwd: a gradient does not fit the input's shape", o->path);
    for (int k = 0; k < P->np; k++) P->want_gp |= cpu_has_out(&P->base, 1 + P->ns + k);
    int64_t fitting = SAVED_BYTES / (4 * cpu_max(1, P->ns) * cpu_max(1, o->T - 1)) / CPU_NEURON_UNIT * CPU_NEURON_UNIT;
    int one_tile = (P->p_row && !P->p_steps) || (P->fused.norm && !(P->x.d.flags & HK_T)); /* parameters spread, or x normalised, once for all steps */
    P->outer = cpu_min(cpu_max(fitting, CPU_NEURON_UNIT), one_tile ? CPU_NEURON_TILE : 8 * CPU_NEURON_TILE);
    P->base.run = neuron_bwd_run;
    if (P->want_gp || P->fused.sums) P->base.units = group_units, P->base.grain = 1;
    neuron_work w;
    P->base.scratch = neuron_work_init(P, 1, o->T, NULL, NULL, &w);
    return HK_OK;
}
