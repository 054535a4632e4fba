/* hillock/dialect.h - the portable dialect, and the macros that make row kernels of a text. Included by hillock/neuron.h.
 *
 * The dialect is C with hk_real (float here; double in ref), hk_fn before every function, locals, if, for, and the functions of
 * hillock/prelude.hk.h (hk_exp, hk_log, hk_sigm, hk_sqrt, hk_abs, hk_min, hk_max, ...). No libc, no `&`, no unions, no statics; numbers that
 * float cannot hold are written (hk_real)0.1. A text declares all it uses, its enums too. Texts compile as C11, C++17 and by NVRTC.
 *
 * Functions of a neuron's text (n_state, n_fire, n_h, n_param numbers behind s, z/f/r, h, p; x and y are one number each):
 *     void P_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z)
 *     void P_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1)
 *     void P_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp)
 *     void P_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
 *                     hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp)
 * that is: the inputs of the forward function, gradients of its outputs, gradients of its inputs (+=).
 * The framework's step between them: f = r = fire(z); backward: post_bwd, gz = s'(z) (gf + gr), gr left out when detached, pre_bwd.
 *
 * Kernels carry what bits and speed depend on as attributes, so that `gcc -shared -fPIC` alone (-O0) makes the same code as the built-ins'
 * build. With clang give -O2 -fno-math-errno. One body is written per text; it is inlined into one function for each ISA level. */
#ifndef HILLOCK_DIALECT_H
#define HILLOCK_DIALECT_H

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "Hillock's kernels promise equal bits everywhere: compile without -ffast-math and -ffinite-math-only"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef float hk_real;

#ifdef __clang__
#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop that cannot be vectorised is still right */
#define HK_KERNEL_OPT
#define HK_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
/* no-trapping-math: arithmetic may be done on both sides of a condition; no-math-errno: sqrt is an instruction. Neither changes a result.
 * It stands on every function of a kernel, the inlined ones too: gcc lets an inlined function's floating-point flags win. */
#define HK_KERNEL_OPT __attribute__((optimize("O3", "fp-contract=off", "no-trapping-math", "no-math-errno")))
#define HK_INDEPENDENT _Pragma("GCC ivdep")
#endif
#define hk_fn HK_KERNEL_OPT static inline __attribute__((always_inline))

#include "hillock/prelude.hk.h"

#define HK_STRING__(...) #__VA_ARGS__
#define HK_STRING_(...) HK_STRING__(__VA_ARGS__) /* the list expanded first */
/* Expands to the first argument list for each ISA level: M(level name, isa value, attributes, prefix). */
#if defined(__x86_64__)
#define HK_N_KERNEL 3
#define HK_EACH_ISA(M, prefix)                                                                                                                                 \
    M(base, HK_ISA_BASELINE, HK_KERNEL_OPT, prefix)                                                                                                            \
    M(avx2, HK_ISA_AVX2, HK_KERNEL_OPT __attribute__((target("avx2"))), prefix)                                                                                \
    M(avx512, HK_ISA_AVX512, HK_KERNEL_OPT __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), prefix)
#define HK_TABLE_ISA(M, prefix) M(avx512, HK_ISA_AVX512, prefix), M(avx2, HK_ISA_AVX2, prefix), M(base, HK_ISA_BASELINE, prefix)
#else
#define HK_N_KERNEL 1
#define HK_EACH_ISA(M, prefix) M(base, HK_ISA_BASELINE, HK_KERNEL_OPT, prefix)
#define HK_TABLE_ISA(M, prefix) M(base, HK_ISA_BASELINE, prefix)
#endif

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* HK_TEXT(prefix, code): emits the code and keeps it as prefix_text[]. */
#define HK_TEXT(prefix, ...)                                                                                                                                   \
    __VA_ARGS__                                                                                                                                                \
    static const char prefix##_text[] = #__VA_ARGS__;

/* HK_CHARGE_TEXT(prefix, code): the short form, for a neuron with the one state v = s[0], one firing variable and n_h = 1. Its first parameters
 * are V_THRESHOLD, V_RESET (0 if none) and SOFT (1: reset by subtraction), its own begin at N_COMMON. The code gives the charge alone:
 *     hk_real P_charge(hk_real x, hk_real v, const hk_real *p)
 *     void P_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp)
 * Filled in: z = h - v_threshold, y = f, hard reset v = r v_reset + (1 - r) h, soft reset v = h - r v_threshold, and the adjoints.
 * Source: SpikingJelly, activation_based.neuron.BaseNode. */
#define HK_CHARGE_HEAD_ enum { V_THRESHOLD, V_RESET, SOFT, N_COMMON };
#define HK_CHARGE_TAIL_(fn, prefix)                                                                                                                            \
    fn void prefix##_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {                                                       \
        h[0] = prefix##_charge(x[0], s[0], p);                                                                                                                 \
        z[0] = h[0] - p[V_THRESHOLD];                                                                                                                          \
    }                                                                                                                                                          \
    fn void prefix##_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {                 \
        (void)s;                                                                                                                                               \
        y[0] = f[0];                                                                                                                                           \
        s1[0] = p[SOFT] != 0 ? h[0] - r[0] * p[V_THRESHOLD] : r[0] * p[V_RESET] + (1 - r[0]) * h[0];                                                           \
    }                                                                                                                                                          \
    fn void prefix##_pre_bwd(                                                                                                                                  \
        const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {                   \
        gp[V_THRESHOLD] -= gz[0];                                                                                                                              \
        prefix##_charge_bwd(x[0], s[0], p, gh[0] + gz[0], gx, gs, gp);                                                                                         \
    }                                                                                                                                                          \
    fn void prefix##_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1, \
        hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {                                                                                     \
        (void)f;                                                                                                                                               \
        (void)s;                                                                                                                                               \
        (void)gs;                                                                                                                                              \
        hk_real soft = p[SOFT] != 0 ? (hk_real)1 : (hk_real)0;                                                                                                 \
        gf[0] += gy[0];                                                                                                                                        \
        gh[0] += p[SOFT] != 0 ? gs1[0] : (1 - r[0]) * gs1[0];                                                                                                  \
        gr[0] += p[SOFT] != 0 ? -p[V_THRESHOLD] * gs1[0] : (p[V_RESET] - h[0]) * gs1[0];                                                                       \
        gp[V_THRESHOLD] -= soft * r[0] * gs1[0];                                                                                                               \
        gp[V_RESET] += (1 - soft) * r[0] * gs1[0];                                                                                                             \
    }
#define HK_CHARGE_TEXT(prefix, ...)                                                                                                                            \
    HK_CHARGE_HEAD_ __VA_ARGS__ HK_CHARGE_TAIL_(hk_fn, prefix) static const char prefix##_text[] =                                                             \
        HK_STRING_(HK_CHARGE_HEAD_) " " #__VA_ARGS__ " " HK_STRING_(HK_CHARGE_TAIL_(hk_text_fn, prefix));

/* ---- neuron kernels ---------------------------------------------------------------------------------------------- */

#define HK_TILE 256 /* rows of one pass over parameters that are rows, and of parameter gradients */

/* Parameters of a tile: numbers (row = 0) are read once; rows as rows, the numbers among them spread over rows first. */
#define HK_PARAM_BEGIN_(n_param)                                                                                                                               \
    hk_real p[HK_MAX_P + 1];                                                                                                                                   \
    float spread[HK_MAX_P + 1][HK_TILE];                                                                                                                       \
    const float *prow[HK_MAX_P + 1];                                                                                                                           \
    for (int k = 0; k < (n_param); k++) {                                                                                                                      \
        p[k] = row && (a->p_row >> k & 1u) ? 0.0f : a->p[k][0];                                                                                                \
        if (row && !(a->p_row >> k & 1u))                                                                                                                      \
            for (int j = 0; j < HK_TILE; j++) spread[k][j] = p[k];                                                                                             \
    }
#define HK_PARAM_TILE_(n_param)                                                                                                                                \
    if (row)                                                                                                                                                   \
        for (int k = 0; k < (n_param); k++) prow[k] = a->p_row >> k & 1u ? a->p[k] + i0 : spread[k];
#define HK_PARAM_AT_(n_param)                                                                                                                                  \
    if (row)                                                                                                                                                   \
        for (int k = 0; k < (n_param); k++) p[k] = prow[k][i];

/* A row goes by in pieces of HK_PIECE numbers, whole vectors at every level, then the rest; with each piece, what `ahead` names is asked for from
 * memory: hardware alone reaches half of the memory's speed here. */
#define HK_PIECE 64
#define HK_AHEAD_(row)                                                                                                                                         \
    for (int q = 0; q < HK_PIECE; q += 16) __builtin_prefetch((row) + 512 + q);
#define HK_ROW_LOOP_(n, ahead, ...)                                                                                                                            \
    {                                                                                                                                                          \
        int64_t c = 0;                                                                                                                                         \
        for (; c + HK_PIECE <= n; c += HK_PIECE) {                                                                                                             \
            ahead HK_INDEPENDENT for (int64_t i = c; i < c + HK_PIECE; i++) { __VA_ARGS__ }                                                                    \
        }                                                                                                                                                      \
        HK_INDEPENDENT                                                                                                                                         \
        for (int64_t i = c; i < n; i++) { __VA_ARGS__ }                                                                                                        \
    }
/* One number of a row, forward and backward, between the rows that prefix_fwd_ and prefix_rev_ name. */
#define HK_FWD_BODY_(prefix, n_state, n_fire, n_param, flags)                                                                                                  \
    hk_real x[1], s[HK_MAX_STATE], h[HK_MAX_H], z[HK_MAX_FIRE], f[HK_MAX_FIRE], y[1], s1[HK_MAX_STATE];                                                        \
    HK_PARAM_AT_(n_param)                                                                                                                                      \
    x[0] = xr[i0 + i];                                                                                                                                         \
    for (int k = 0; k < (n_state); k++) s[k] = sr[k][i0 + i];                                                                                                  \
    prefix##_pre(x, s, p, h, z);                                                                                                                               \
    if (out == prefix##_out_z_) {                                                                                                                              \
        for (int k = 0; k < (n_fire); k++) zr[k][i0 + i] = z[k];                                                                                               \
    } else {                                                                                                                                                   \
        for (int k = 0; k < (n_fire); k++) f[k] = given ? fr[k][i0 + i] : hk_heaviside(z[k], ((flags)&HK_NEURON_STRICT) != 0);                                 \
        prefix##_post(h, f, f, s, p, y, s1);                                                                                                                   \
        for (int k = 0; k < (n_state); k++) s1r[k][i0 + i] = s1[k];                                                                                            \
        if (out == prefix##_out_spike_) spike[i0 + i] = (uint8_t)(int)f[0];                                                                                    \
        else yr[i0 + i] = y[0];                                                                                                                                \
    }
#define HK_REV_BODY_(prefix, n_state, n_fire, n_param, flags)                                                                                                  \
    hk_real x[1], s[HK_MAX_STATE], h[HK_MAX_H], z[HK_MAX_FIRE], f[HK_MAX_FIRE], gy[1], gs1[HK_MAX_STATE];                                                      \
    hk_real gh[HK_MAX_H] = { 0 }, gf[HK_MAX_FIRE] = { 0 }, gr[HK_MAX_FIRE] = { 0 }, gz[HK_MAX_FIRE] = { 0 };                                                   \
    hk_real gx[1] = { 0 }, gs[HK_MAX_STATE] = { 0 }, gp[HK_MAX_P + 1] = { 0 };                                                                                 \
    HK_PARAM_AT_(n_param)                                                                                                                                      \
    x[0] = xr[i0 + i];                                                                                                                                         \
    gy[0] = gyr[i0 + i];                                                                                                                                       \
    for (int k = 0; k < (n_state); k++) s[k] = sr[k][i0 + i], gs1[k] = gsr[k][i0 + i];                                                                         \
    prefix##_pre(x, s, p, h, z);                                                                                                                               \
    for (int k = 0; k < (n_fire); k++) f[k] = given ? fr[k][i0 + i] : hk_heaviside(z[k], ((flags)&HK_NEURON_STRICT) != 0);                                     \
    prefix##_post_bwd(h, f, f, s, p, gy, gs1, gh, gf, gr, gs, gp);                                                                                             \
    for (int k = 0; k < (n_fire); k++) gz[k] = (detach ? gf[k] : gf[k] + gr[k]) * dr[k][i0 + i];                                                               \
    prefix##_pre_bwd(x, s, p, gh, gz, gx, gs, gp);                                                                                                             \
    gxr[i0 + i] = gx[0];                                                                                                                                       \
    for (int k = 0; k < (n_state); k++) gsr[k][i0 + i] = gs[k];                                                                                                \
    if (learn)                                                                                                                                                 \
        for (int k = 0; k < (n_param); k++) sum[k][i] = gp[k];

/* HK_NEURON_KERNELS(prefix, n_state, n_fire, n_h, n_param, flags): makes prefix_kernels[HK_N_KERNEL] of the text's functions; flags are the type's.
 * p_row == 0 is the fast path. gp rows may be NULL. s1 may be s, gx may be gy, gs is updated in place; other rows must not overlap. */
#define HK_NEURON_KERNELS(prefix, n_state, n_fire, n_h, n_param, flags)                                                                                        \
    _Static_assert((n_state) <= HK_MAX_STATE && (n_fire) <= HK_MAX_FIRE && (n_h) <= HK_MAX_H && (n_param) <= HK_MAX_P, #prefix ": too many variables");        \
    enum { prefix##_out_spike_, prefix##_out_y_, prefix##_out_z_ };                                                                                            \
    /* out: what is written; given: f comes from the caller; row: some parameters are rows */                                                                  \
    hk_fn void prefix##_fwd_(const hk_neuron_args *a, const int out, const int given, const int row) {                                                         \
        const float *xr = a->x[0], *sr[HK_MAX_STATE], *fr[HK_MAX_FIRE];                                                                                        \
        float *s1r[HK_MAX_STATE], *zr[HK_MAX_FIRE], *yr = a->y;                                                                                                \
        uint8_t *spike = a->spike;                                                                                                                             \
        const int64_t n = a->n, step = row ? HK_TILE : n;                                                                                                      \
        HK_PARAM_BEGIN_(n_param)                                                                                                                               \
        for (int k = 0; k < (n_state); k++) sr[k] = a->s[k], s1r[k] = a->s1[k];                                                                                \
        for (int k = 0; k < (n_fire); k++) fr[k] = a->f[k], zr[k] = a->z[k];                                                                                   \
        for (int64_t i0 = 0; i0 < n; i0 += step) {                                                                                                             \
            const int64_t m = n - i0 < step ? n - i0 : step;                                                                                                   \
            HK_PARAM_TILE_(n_param)                                                                                                                            \
            HK_ROW_LOOP_(m, HK_AHEAD_(xr + i0 + c), HK_FWD_BODY_(prefix, n_state, n_fire, n_param, flags))                                                     \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    hk_fn void prefix##_rev_(const hk_neuron_args *a, const int given, const int row, const int learn) {                                                       \
        const float *xr = a->x[0], *gyr = a->gy, *sr[HK_MAX_STATE], *fr[HK_MAX_FIRE], *dr[HK_MAX_FIRE];                                                        \
        float *gxr = a->gx[0], *gsr[HK_MAX_STATE], sum[HK_MAX_P + 1][HK_TILE];                                                                                 \
        const int detach = a->detach != 0;                                                                                                                     \
        const int64_t n = a->n, step = row || learn ? HK_TILE : n;                                                                                             \
        HK_PARAM_BEGIN_(n_param)                                                                                                                               \
        for (int k = 0; k < (n_state); k++) sr[k] = a->s[k], gsr[k] = a->gs[k];                                                                                \
        for (int k = 0; k < (n_fire); k++) fr[k] = a->f[k], dr[k] = a->d[k];                                                                                   \
        for (int64_t i0 = 0; i0 < n; i0 += step) {                                                                                                             \
            const int64_t m = n - i0 < step ? n - i0 : step;                                                                                                   \
            HK_PARAM_TILE_(n_param)                                                                                                                            \
            HK_ROW_LOOP_(m, , HK_REV_BODY_(prefix, n_state, n_fire, n_param, flags))                             \
            if (learn)                                                                                                                                         \
                for (int k = 0; k < (n_param); k++) {                                                                                                          \
                    float *to = a->gp[k];                                                                                                                      \
                    if (!to) continue;                                                                                                                         \
                    HK_INDEPENDENT                                                                                                                             \
                    for (int64_t i = 0; i < m; i++) to[i0 + i] += sum[k][i];                                                                                   \
                }                                                                                                                                              \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    enum { prefix##_step_out_ = ((flags)&HK_NEURON_SPIKES) != 0 ? prefix##_out_spike_ : prefix##_out_y_ };                                                     \
    HK_EACH_ISA(HK_NEURON_ISA_, prefix)                                                                                                                        \
    static const hk_neuron_kernel prefix##_kernels[HK_N_KERNEL] = { HK_TABLE_ISA(HK_NEURON_ROW_, prefix) };

#define HK_NEURON_ISA_(level, value, attr, prefix)                                                                                                             \
    attr static void prefix##_step_##level(const hk_neuron_args *a) {                                                                                          \
        if (a->p_row) prefix##_fwd_(a, prefix##_step_out_, 0, 1);                                                                                              \
        else prefix##_fwd_(a, prefix##_step_out_, 0, 0);                                                                                                       \
    }                                                                                                                                                          \
    attr static void prefix##_pre_##level(const hk_neuron_args *a) {                                                                                           \
        if (a->p_row) prefix##_fwd_(a, prefix##_out_z_, 0, 1);                                                                                                 \
        else prefix##_fwd_(a, prefix##_out_z_, 0, 0);                                                                                                          \
    }                                                                                                                                                          \
    attr static void prefix##_post_##level(const hk_neuron_args *a) {                                                                                          \
        if (a->p_row) prefix##_fwd_(a, prefix##_out_y_, 1, 1);                                                                                                 \
        else prefix##_fwd_(a, prefix##_out_y_, 1, 0);                                                                                                          \
    }                                                                                                                                                          \
    attr static void prefix##_bwd_##level(const hk_neuron_args *a) {                                                                                           \
        if (a->p_row) prefix##_rev_(a, 1, 1, 0);                                                                                                               \
        else prefix##_rev_(a, 1, 0, 0);                                                                                                                        \
    }                                                                                                                                                          \
    attr static void prefix##_bwd_step_##level(const hk_neuron_args *a) {                                                                                      \
        if (a->f[0]) prefix##_bwd_##level(a);                                                                                                                  \
        else if (a->p_row) prefix##_rev_(a, 0, 1, 0);                                                                                                          \
        else prefix##_rev_(a, 0, 0, 0);                                                                                                                        \
    }                                                                                                                                                          \
    attr static void prefix##_learn_##level(const hk_neuron_args *a) {                                                                                         \
        if (a->p_row) prefix##_rev_(a, 1, 1, 1);                                                                                                               \
        else prefix##_rev_(a, 1, 0, 1);                                                                                                                        \
    }                                                                                                                                                          \
    attr static void prefix##_learn_step_##level(const hk_neuron_args *a) {                                                                                    \
        if (a->f[0]) prefix##_learn_##level(a);                                                                                                                \
        else if (a->p_row) prefix##_rev_(a, 0, 1, 1);                                                                                                          \
        else prefix##_rev_(a, 0, 0, 1);                                                                                                                        \
    }
#define HK_NEURON_ROW_(level, value, prefix)                                                                                                                   \
    {                                                                                                                                                          \
        (uint32_t)sizeof(hk_neuron_kernel), value, prefix##_step_##level, prefix##_pre_##level, prefix##_post_##level, prefix##_bwd_step_##level,              \
            prefix##_learn_step_##level                                                                                                                        \
    }

/* ---- surrogate and optimizer kernels ----------------------------------------------------------------------------- */

/* HK_SURROGATE_KERNELS(prefix, n_p, has_primitive, has_forward): prefix_kernels[HK_N_KERNEL] of hk_real P_grad(hk_real x, const hk_real *p) and, where the
 * literal 1 says so, P_primitive and P_forward of the same form. */
#define HK_SURROGATE_KERNELS(prefix, n_p, has_primitive, has_forward)                                                                                          \
    _Static_assert((n_p) <= HK_MAX_P, #prefix ": too many parameters");                                                                                        \
    HK_ROWS_1(grad, prefix, n_p)                                                                                                                               \
    HK_ROWS_##has_primitive(primitive, prefix, n_p) HK_ROWS_##has_forward(forward, prefix,                                                                     \
        n_p) static const hk_surrogate_kernel prefix##_kernels[HK_N_KERNEL] = { HK_TABLE_ISA(HK_SURROGATE_ROW_##has_primitive##has_forward, prefix) };
#define HK_ROWS_0(what, prefix, n_p)
#define HK_ROWS_1(what, prefix, n_p)                                                                                                                           \
    hk_fn void prefix##_##what##_rows_(int64_t n, const float *x, const float *pp, float *y) {                                                                 \
        hk_real p[HK_MAX_P + 1];                                                                                                                               \
        for (int k = 0; k < (n_p); k++) p[k] = pp[k];                                                                                                          \
        HK_INDEPENDENT                                                                                                                                         \
        for (int64_t i = 0; i < n; i++) y[i] = prefix##_##what(x[i], p);                                                                                       \
    }                                                                                                                                                          \
    HK_EACH_ISA(HK_ROWS_ISA_##what, prefix)
#define HK_ROWS_ISA_(what, level, attr, prefix)                                                                                                                \
    attr static void prefix##_##what##_##level(int64_t n, const float *x, const float *p, float *y) { prefix##_##what##_rows_(n, x, p, y); }
#define HK_ROWS_ISA_grad(level, value, attr, prefix) HK_ROWS_ISA_(grad, level, attr, prefix)
#define HK_ROWS_ISA_primitive(level, value, attr, prefix) HK_ROWS_ISA_(primitive, level, attr, prefix)
#define HK_ROWS_ISA_forward(level, value, attr, prefix) HK_ROWS_ISA_(forward, level, attr, prefix)
#define HK_SURROGATE_ROW_(level, value, prefix, primitive, forward)                                                                                            \
    { (uint32_t)sizeof(hk_surrogate_kernel), value, prefix##_grad_##level, primitive, forward }
#define HK_SURROGATE_ROW_00(level, value, prefix) HK_SURROGATE_ROW_(level, value, prefix, NULL, NULL)
#define HK_SURROGATE_ROW_10(level, value, prefix) HK_SURROGATE_ROW_(level, value, prefix, prefix##_primitive_##level, NULL)
#define HK_SURROGATE_ROW_01(level, value, prefix) HK_SURROGATE_ROW_(level, value, prefix, NULL, prefix##_forward_##level)
#define HK_SURROGATE_ROW_11(level, value, prefix) HK_SURROGATE_ROW_(level, value, prefix, prefix##_primitive_##level, prefix##_forward_##level)

/* HK_OPTIMIZER_KERNELS(prefix, n_state, n_const): prefix_kernels[HK_N_KERNEL] of void P_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c). */
#define HK_OPTIMIZER_KERNELS(prefix, n_state, n_const)                                                                                                         \
    _Static_assert((n_state) <= HK_MAX_STATE && (n_const) <= HK_MAX_OPT_CONST, #prefix ": too many variables");                                                \
    hk_fn void prefix##_update_rows_(int64_t n, float *w, const float *g, float *const *sp, const float *cp) {                                                 \
        hk_real c[HK_MAX_OPT_CONST + 1];                                                                                                                       \
        float *sr[HK_MAX_STATE + 1];                                                                                                                           \
        for (int k = 0; k < (n_const); k++) c[k] = cp[k];                                                                                                      \
        for (int k = 0; k < (n_state); k++) sr[k] = sp[k];                                                                                                     \
        HK_INDEPENDENT                                                                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                                                                      \
            hk_real v[1], s[HK_MAX_STATE + 1];                                                                                                                 \
            v[0] = w[i];                                                                                                                                       \
            for (int k = 0; k < (n_state); k++) s[k] = sr[k][i];                                                                                               \
            prefix##_update(v, g[i], s, c);                                                                                                                    \
            w[i] = v[0];                                                                                                                                       \
            for (int k = 0; k < (n_state); k++) sr[k][i] = s[k];                                                                                               \
        }                                                                                                                                                      \
    }                                                                                                                                                          \
    HK_EACH_ISA(HK_OPTIMIZER_ISA_, prefix)                                                                                                                     \
    static const hk_optimizer_kernel prefix##_kernels[HK_N_KERNEL] = { HK_TABLE_ISA(HK_OPTIMIZER_ROW_, prefix) };
#define HK_OPTIMIZER_ISA_(level, value, attr, prefix)                                                                                                          \
    attr static void prefix##_update_##level(int64_t n, float *w, const float *g, float *const *s, const float *c) { prefix##_update_rows_(n, w, g, s, c); }
#define HK_OPTIMIZER_ROW_(level, value, prefix)                                                                                                                \
    { (uint32_t)sizeof(hk_optimizer_kernel), value, prefix##_update_##level }

#ifdef __cplusplus
}
#endif
#endif
