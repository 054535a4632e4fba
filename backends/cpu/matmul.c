/* matmul.c - matmul: a product of two matrices for each row, in blocks along axis 0. A unit is a row of the batch; of two STATIC operands, which lie as they
 * are written, a row of z, and the tiles of gemm.h do the sums.
 *
 * Of rows axis 0 is stored last, so that x [gA,B] lies as B lines of all blocks' A numbers, and z as C such lines: a line of z is a sum of lines of x, each times
 * one number of y, b ascending. What lies otherwise is turned into that form first. */
#include "gemm.h"
#pragma GCC optimize("O3")

typedef struct matmul_plan {
    cpu_plan base;
    int64_t groups, A, B, C;
    int turn_x, turn_y;
    void (*add)(int64_t n, float k, const float *x, float *z);
} matmul_plan;

CPU_BODY add_times_body(int64_t n, float k, const float *x, float *z) { _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) z[i] += k * x[i]; }
CPU_CLONES(add_times, (int64_t n, float k, const float *x, float *z), (n, k, x, z));

static int64_t rows(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

/* Operand k's row as f32, in place where it is. */
static const float *row_of(const cpu_plan *p, int k, const hk_bind *b, int64_t t, int64_t i, float *tmp) {
    const hk_desc *d = &p->d[k];
    const int64_t E = hk_desc_elems(d), at = cpu_row(d, b, t, i) * E;
    if (d->dtype == HK_F32) return (const float *)b->ptr[k] + at;
    cpu_from_u8[p->isa](E, (const uint8_t *)b->ptr[k] + at, tmp);
    return tmp;
}

static hk_status run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const matmul_plan *P = (const matmul_plan *)p;
    const int64_t n = cpu_count(cpu_out(p, 0), b), A = P->A, B = P->B, C = P->C, gA = P->groups * A, gB = P->groups * B, gC = P->groups * C;
    float *tx = scratch, *ty = tx + gA * B, *block = ty + gB * C;
    for (int64_t r = lo; r < hi; r++) {
        const float *x = row_of(p, 0, b, r / n, r % n, tx), *y = row_of(p, 1, b, r / n, r % n, ty);
        float *z = (float *)b->ptr[2] + r * gA * C;
        memset(z, 0, (size_t)(gA * C) * 4);
        for (int64_t g = 0; g < P->groups; g++) {
            const float *lines = x + g * A;
            int64_t apart = gA;
            if (P->turn_x) { /* stored [A][gB] */
                cpu_turn[p->isa](A, B, x + g * B, gB, block, A);
                lines = block, apart = A;
            }
            for (int64_t c = 0; c < C; c++)
                for (int64_t k = 0; k < B; k++) P->add(A, P->turn_y ? y[k * gC + g * C + c] : y[c * gB + g * B + k], lines + k * apart, z + c * gA + g * A);
        }
    }
    return HK_OK;
}

/* ---- two STATIC operands ---- */

static int64_t lines(const cpu_plan *p, const hk_bind *b) {
    (void)b;
    return p->d[2].shape[0];
}

static hk_status static_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const matmul_plan *P = (const matmul_plan *)p;
    const cpu_gemm *g = cpu_gemm_isa[p->isa];
    const int64_t A = P->A, B = P->B, C = P->C, vw = g->vw;
    for (int64_t r = lo, end; r < hi; r = end) { /* block by block */
        const int64_t block = r / A;
        end = cpu_min(hi, (block + 1) * A);
        const float *x = (const float *)b->ptr[0] + block * A * B, *y = (const float *)b->ptr[1] + block * B * C;
        if (P->turn_y) cpu_turn[p->isa](C, B, y, B, scratch, C), y = scratch;
        for (int64_t a = r, mr; a < end; a += mr) {
            mr = cpu_gemm_cross_rows(g, end - a);
            const float *from = x + (a - block * A) * (P->turn_x ? 1 : B);
            for (int64_t c = 0; c < C; c += 2 * vw)
                g->cross[mr][C - c > vw ? 2 : 1](
                    1, B, from, P->turn_x ? 1 : B, P->turn_x ? A : 1, 0, y + c, C, 0, NULL, (float *)b->ptr[2] + a * C + c, C, cpu_min(2 * vw, C - c));
        }
    }
    return HK_OK;
}

static hk_status matmul_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    const hk_desc *x = &o->in[0], *y = &o->in[1], *z = &o->out[0];
    const int64_t groups = cpu_attr(o, "groups")->i;
    const int weights = !x->flags && !y->flags && x->dtype == HK_F32 && y->dtype == HK_F32;
    if (o->n_in != 2 || x->rank != 2 || y->rank != 2 || z->rank != 2 || groups < 1 || !(weights || x->flags & y->flags & z->flags & HK_N))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes two matrices that vary with n, or two weights", o->path, o->op);
    hk_status st = cpu_plan_new(dev, o, sizeof(matmul_plan), out);
    if (st != HK_OK) return st;
    matmul_plan *P = (matmul_plan *)*out;
    P->groups = groups, P->turn_x = cpu_attr(o, "transpose_x")->i != 0, P->turn_y = cpu_attr(o, "transpose_y")->i != 0;
    P->A = z->shape[0] / groups, P->C = z->shape[1], P->B = P->turn_x ? x->shape[0] / groups : x->shape[1];
    if (weights) {
        P->base.units = lines, P->base.run = static_run;
        P->base.grain = cpu_max(CPU_MR_CROSS, (1 << 18) / (P->B * P->C + 1));
        P->base.scratch = (size_t)(P->B * P->C) * 4;
        return HK_OK;
    }
    P->add = add_times[P->base.isa];
    P->base.units = rows, P->base.run = run;
    P->base.grain = cpu_max(1, 65536 / (groups * P->A * P->B * P->C + 16));
    P->base.scratch = (size_t)(groups * P->A * P->B + groups * P->B * P->C + P->A * P->B) * 4;
    return HK_OK;
}

const cpu_op cpu_ops_matmul[] = { { "matmul", matmul_new }, { NULL, NULL } };
