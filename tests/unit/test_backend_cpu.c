/* test_backend_cpu.c - every operation of the cpu backend against plain loops, on odd sizes, at every ISA level of this machine, with
 * the same bits for every block size and scope. Usage: test_backend_cpu [backend_cpu.so] */
#include "backend_run.h"
#include "hillock/random.h"
#include <unistd.h>

/* ---- linear ------------------------------------------------------------------------------------------------------------------ */

static void check_linear(int64_t T, int64_t N, int64_t K, int64_t O, hk_dtype dx, uint32_t fx, int bias) {
    hn_value in[3] = { hn_new(dx, fx, T, N, SHAPE(K)), hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(O)) : hn_absent() };
    hn_value y = hn_new(HK_F32, fx, T, N, SHAPE(O));
    run("linear", T, N, 3, in, 1, &y, 0, NULL, 0);
    HN_EACH(y, t, i, o) {
        double sum = bias ? hn_at(&in[2], 0, 0, o) : 0;
        for (int64_t k = 0; k < K; k++) sum += hn_at(&in[0], t, i, k) * hn_at(&in[1], 0, 0, o * K + k);
        near("linear", hn_at(&y, t, i, o), sum, 1e-5 * sqrt((double)K));
    }
    hn_value gin[2] = { y, in[1] }, gx = hn_new(HK_F32, fx, T, N, SHAPE(K));
    run("linear_dx", T, N, 2, gin, 1, &gx, 0, NULL, 0);
    HN_EACH(gx, t, i, k) {
        double sum = 0;
        for (int64_t o = 0; o < O; o++) sum += hn_at(&y, t, i, o) * hn_at(&in[1], 0, 0, o * K + k);
        near("linear_dx", hn_at(&gx, t, i, k), sum, 1e-5 * (double)(K + O));
    }
    hn_value win[2] = { hn_new(HK_F32, SEQ, T, N, SHAPE(O)), in[0] }, dw = hn_new(HK_F32, G, T, N, SHAPE(O, K));
    run("linear_dw", T, N, 2, win, 1, &dw, 0, NULL, 0);
    HN_EACH(dw, t, g, e) {
        double sum = 0;
        for (int64_t s = 0; s < T; s++)
            for (int64_t i = 16 * g; i < N && i < 16 * (g + 1); i++) sum += hn_at(&win[0], s, i, e / K) * hn_at(&in[0], s, i, e % K);
        near("linear_dw", hn_at(&dw, t, g, e), sum, 1e-5 * (double)T);
    }
    drop(3, in), drop(1, &y), drop(1, &gx), drop(1, win), drop(1, &dw);
}

static void test_linear(void **state) {
    (void)state;
    static const int64_t KO[][2] = { { 1, 1 }, { 3, 7 }, { 28, 32 }, { 32, 10 }, { 17, 41 }, { 90, 8 } };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof KO / sizeof *KO; k++) {
        check_linear(T, N, KO[k][0], KO[k][1], HK_F32, SEQ, 1);
        check_linear(T, N, KO[k][0], KO[k][1], HK_SPIKE, SEQ, 0);
        check_linear(T, N, KO[k][0], KO[k][1], HK_F32, HELD, 1);
    }
    check_linear(60, 17, 9, 11, HK_SPIKE, SEQ, 1);
}

static void test_linear_large(void **state) {
    (void)state;
    check_linear(5, 33, 301, 270, HK_SPIKE, SEQ, 1);
    check_linear(1, 17, 270, 301, HK_F32, SEQ, 0);
    check_linear(2, 33, 600, 120, HK_F32, SEQ, 1);
}

/* ---- pointwise ----------------------------------------------------------------------------------------------------------------- */

static double combine(int op, double a, double b) { return op == 0 ? a + b : op == 1 ? a - b : op == 2 ? a * b : a / b; }
static int64_t other(const hn_value *v, const hn_value *ref, int64_t e) {
    return v->elems == ref->elems ? e : v->elems == 1 ? 0 : e / (ref->elems / ref->d.shape[0]);
}

static void check_binary(int64_t T, int64_t N, uint32_t f, hn_value a, hn_value b) {
    static const char *const ops[] = { "add", "sub", "mul", "div" };
    const hn_value *wide = a.elems >= b.elems ? &a : &b;
    hn_value in[2] = { a, b }, y = hn_new(HK_F32, f, T, N, wide->d.rank, wide->d.shape);
    for (int op = 0; op < 4; op++) {
        if (op == 3 && b.d.dtype != HK_F32) continue;
        run(ops[op], T, N, 2, in, 1, &y, 0, NULL, 0);
        HN_EACH(y, t, i, e) near(ops[op], hn_at(&y, t, i, e), combine(op, hn_at(&a, t, i, other(&a, &y, e)), hn_at(&b, t, i, other(&b, &y, e))), 1e-6);
    }
    drop(2, in), drop(1, &y);
}

static void test_binary(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int64_t C = 1; C <= 3; C += 2) {
#define F32(f, ...) hn_new(HK_F32, f, T, N, __VA_ARGS__)
        check_binary(T, N, SEQ, F32(SEQ, SHAPE(C, 5, 7)), F32(SEQ, SHAPE(C, 5, 7)));
        check_binary(T, N, SEQ, F32(SEQ, SHAPE(C, 5, 7)), hn_new(HK_SPIKE, SEQ, T, N, SHAPE(C, 5, 7)));
        check_binary(T, N, SEQ, F32(HELD, SHAPE(C, 5, 7)), F32(SEQ, SHAPE(C, 5, 7)));
        check_binary(T, N, SEQ, F32(SEQ, SHAPE(C, 5, 7)), F32(STATIC, SHAPE(C, 5, 7)));
        check_binary(T, N, SEQ, F32(STEP, SHAPE(C, 5, 7)), F32(SEQ, SHAPE(C, 5, 7)));
        check_binary(T, N, SEQ, F32(SEQ, SHAPE(C, 40, 33)), F32(STATIC, SHAPE(C)));
        check_binary(T, N, SEQ, F32(HELD, SHAPE(C)), F32(SEQ, SHAPE(C, 4, 3)));
        check_binary(T, N, HELD, F32(STATIC, SCALAR), F32(HELD, SHAPE(C, 4)));
        check_binary(T, N, SEQ, F32(STEP, SCALAR), F32(SEQ, SHAPE(C)));
        check_binary(T, N, HELD, F32(HELD, SCALAR), F32(HELD, SHAPE(C)));
        check_binary(T, N, HELD, F32(HELD, SCALAR), F32(HELD, SCALAR));
        check_binary(T, N, STATIC, F32(STATIC, SHAPE(C, 5)), F32(STATIC, SHAPE(C)));
        check_binary(T, N, G, F32(G, SHAPE(C, 5)), F32(G, SHAPE(C, 5)));
        check_binary(T, N, G, F32(G, SHAPE(C, 5)), F32(STATIC, SCALAR));
        check_binary(T, N, G, F32(G, SHAPE(C, 5)), F32(STATIC, SHAPE(C, 5)));
    }
}

#define LO (-1.5)
#define HI 4.0
static double relu_of(double x) { return x > 0 ? x : 0; }
static double clamp_of(double x) { return x < LO ? LO : x > HI ? HI : x; }
static double within_of(double x) { return x >= LO && x <= HI; }
static double positive_of(double x) { return x > 0; }
static const struct {
    const char *op;
    double (*f)(double);
} unary[] = { { "exp", exp }, { "tanh", tanh }, { "relu", relu_of }, { "clamp", clamp_of }, { "within", within_of }, { "positive", positive_of }, { "log", log }, { "round", rint } };

static void test_unary(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        hn_value x = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5)), u = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(3, 5)), y = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5));
        hn_value z = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5)), pair[2] = { x, y };
        const hk_attr ab[2] = { { "a", 0, 2.5, NULL }, { "b", 0, -0.5, NULL } };
        for (int64_t k = 0; k < x.rows * x.elems; k++) ((float *)x.mem)[k] *= 20;
        run("affine", T, N, 1, &x, 1, &y, 2, ab, 0);
        HN_EACH(y, t, i, e) near("affine", hn_at(&y, t, i, e), 2.5 * hn_at(&x, t, i, e) - 0.5, 1e-6);
        run("affine", T, N, 1, &u, 1, &y, 2, ab, 0);
        HN_EACH(y, t, i, e) near("affine", hn_at(&y, t, i, e), 2.5 * hn_at(&u, t, i, e) - 0.5, 1e-6);
        for (size_t k = 0; k < sizeof unary / sizeof *unary; k++) {
            const hk_attr range[2] = { { "lo", 0, LO, NULL }, { "hi", 0, HI, NULL } };
            run(unary[k].op, T, N, 1, &x, 1, &y, 2, range, 0);
            HN_EACH(y, t, i, e) {
                double v = hn_at(&x, t, i, e), want = unary[k].f(v);
                if (v > 0 || unary[k].f != log) near(unary[k].op, hn_at(&y, t, i, e), want, 2e-6 * fmax(1, fabs(want)));
            }
        }
        run("sigmoid", T, N, 1, &x, 1, &y, 0, NULL, 0);
        HN_EACH(y, t, i, e) near("sigmoid", hn_at(&y, t, i, e), 1 / (1 + exp(-hn_at(&x, t, i, e))), 1e-6);
        run("sigmoid_bwd", T, N, 2, pair, 1, &z, 0, NULL, 0);
        HN_EACH(y, t, i, e) near("sigmoid_bwd", hn_at(&z, t, i, e), hn_at(&x, t, i, e) * hn_at(&y, t, i, e) * (1 - hn_at(&y, t, i, e)), 1e-6);
        drop(1, &x), drop(1, &u), drop(1, &y), drop(1, &z);
    }
}

/* ---- sums ------------------------------------------------------------------------------------------------------------------------ */

static void test_reduce(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int kind = 0; kind < 8; kind++) {
        hk_dtype dt = kind & 1 ? HK_SPIKE : HK_F32;
        int64_t C = kind & 2 ? 3 : 1;
        hn_value x = kind & 4 ? hn_new(dt, SEQ, T, N, SHAPE(C, 9, 11)) : hn_new(dt, HELD, T, N, SHAPE(C));
        for (int to = 0; to < 3; to++) {
            const int64_t shape[1] = { C };
            hn_value g = to == 0 ? hn_new(HK_F32, G, T, N, x.d.rank, x.d.shape) : hn_new(HK_F32, G, T, N, to == 1, shape);
            hn_value sum = hn_new(HK_F32, STATIC, T, N, g.d.rank, g.d.shape);
            const hk_attr at[1] = { { "to", to, 0, NULL } }, scale[1] = { { "scale", 0, 0.25, NULL } };
            run("reduce", T, N, 1, &x, 1, &g, 1, at, 0);
            double *want = calloc((size_t)(g.rows * g.elems), sizeof *want), *total = calloc((size_t)g.elems, sizeof *total);
            HN_EACH(x, t, i, e) {
                int64_t q = to == 0 ? e : to == 1 ? e / (x.elems / C) : 0;
                want[i / 16 * g.elems + q] += hn_at(&x, t, i, e), total[q] += hn_at(&x, t, i, e);
            }
            HN_EACH(g, t, i, e) near("reduce", hn_at(&g, t, i, e), want[i * g.elems + e], 1e-4);
            run("merge", T, N, 1, &g, 1, &sum, 1, scale, 1);
            HN_EACH(sum, t, i, e) near("merge", hn_at(&sum, t, i, e), 0.25 * total[e], 1e-4);
            free(want), free(total), drop(1, &g), drop(1, &sum);
        }
        drop(1, &x);
    }
}

static void test_sum_t(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        const hk_attr scale[1] = { { "scale", 0, 0.5, NULL } };
        hn_value x[2] = { hn_new(HK_F32, SEQ, T, N, SHAPE(3, 4)), hn_new(HK_SPIKE, SEQ, T, N, SHAPE(3, 4)) };
        hn_value y = hn_new(HK_F32, HELD, T, N, SHAPE(3, 4)), z = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 4)), c = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 4));
        for (int k = 0; k < 2; k++) {
            run("sum_t", T, N, 1, &x[k], 1, &y, 1, scale, 0);
            HN_EACH(y, t0, i, e) {
                double sum = 0;
                for (int64_t t = 0; t < T; t++) sum += hn_at(&x[k], t, i, e);
                near("sum_t", hn_at(&y, t0, i, e), 0.5 * sum, 1e-6);
            }
        }
        run("repeat_t", T, N, 1, &y, 1, &z, 0, NULL, 0);
        HN_EACH(z, t, i, e) assert_true(hn_at(&z, t, i, e) == hn_at(&y, 0, i, e));
        run("copy", T, N, 1, &z, 1, &c, 0, NULL, 0);
        assert_memory_equal(z.mem, c.mem, z.bytes);
        drop(2, x), drop(1, &y), drop(1, &z), drop(1, &c);
    }
}

static void test_moment(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int k = 0; k < 4; k++) {
        const int first = k & 1;
        hn_value x = hn_new(k & 2 ? HK_SPIKE : HK_F32, SEQ, T, N, SHAPE(3, 5)), y = hn_new(HK_F32, HELD, T, N, SHAPE(3, 5)), g = hn_new(HK_F32, HELD, T, N, SHAPE(3, 5));
        hn_value gx = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5)), gin[2] = { g, x };
        const hk_attr at[2] = { { "first", first, 0, NULL }, { "scale", 0, -0.5, NULL } };
        for (int64_t i = 0; i < x.rows * x.elems && !(k & 2); i += 2) ((float *)x.mem)[i] = 0;
        run(first ? "first_spike" : "max_t", T, N, 1, &x, 1, &y, 0, NULL, 0);
        run("at_moment", T, N, 2, gin, 1, &gx, 2, at, 0);
        HN_EACH(y, zero, i, e) {
            int64_t when = first ? T - 1 : 0;
            for (int64_t t = T - 1; t >= 0; t--)
                if (first ? hn_at(&x, t, i, e) != 0 : hn_at(&x, t, i, e) >= hn_at(&x, when, i, e)) when = t;
            assert_true(hn_at(&y, zero, i, e) == (first ? (double)when : hn_at(&x, when, i, e)));
            for (int64_t t = 0; t < T; t++) assert_true(hn_at(&gx, t, i, e) == (t == when ? -0.5 * hn_at(&g, 0, i, e) : 0));
        }
        drop(1, &x), drop(1, &y), drop(1, &g), drop(1, &gx);
        const uint32_t F = k & 1 ? STATIC : HELD;
        hn_value when = k & 2 ? hn_new(HK_F32, F, T, N, SCALAR) : hn_new(HK_F32, F, T, N, SHAPE(7)), s = k & 2 ? hn_new(HK_F32, F | HK_T, T, N, SCALAR) : hn_new(HK_F32, F | HK_T, T, N, SHAPE(7));
        run("since", T, N, 1, &when, 1, &s, 0, NULL, 0);
        HN_EACH(s, t, i, e) near("since", hn_at(&s, t, i, e), (double)t - hn_at(&when, 0, i, e), 1e-6);
        drop(1, &when), drop(1, &s);
    }
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------------------ */

static void test_shape(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        hn_value ab[2] = { hn_new(HK_SPIKE, SEQ, T, N, SHAPE(3)), hn_new(HK_F32, HELD, T, N, SHAPE(5)) }, y = hn_new(HK_F32, SEQ, T, N, SHAPE(8));
        run("concat", T, N, 2, ab, 1, &y, 0, NULL, 0);
        HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == (e < 3 ? hn_at(&ab[0], t, i, e) : hn_at(&ab[1], t, i, e - 3)));
        const hk_attr cut[2] = { { "start", 2, 0, NULL }, { "len", 3, 0, NULL } }, pad[2] = { { "start", 2, 0, NULL }, { "total", 8, 0, NULL } };
        hn_value s = hn_new(HK_F32, SEQ, T, N, SHAPE(3)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(4, 8)), ws = hn_new(HK_F32, STATIC, T, N, SHAPE(4, 3));
        run("slice", T, N, 1, &y, 1, &s, 2, cut, 0);
        HN_EACH(s, t, i, e) assert_true(hn_at(&s, t, i, e) == hn_at(&y, t, i, e + 2));
        run("slice", T, N, 1, &w, 1, &ws, 2, cut, 0);
        HN_EACH(ws, t, i, e) assert_true(hn_at(&ws, t, i, e) == hn_at(&w, t, i, e / 3 * 8 + e % 3 + 2));
        run("pad", T, N, 1, &s, 1, &y, 2, pad, 0);
        HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == (e >= 2 && e < 5 ? hn_at(&s, t, i, e - 2) : 0));
        hn_value g = hn_new(HK_F32, G, T, N, SHAPE(4, 3)), gp = hn_new(HK_F32, G, T, N, SHAPE(4, 8));
        run("pad", T, N, 1, &g, 1, &gp, 2, pad, 0);
        HN_EACH(gp, t, i, e) assert_true(hn_at(&gp, t, i, e) == (e % 8 >= 2 && e % 8 < 5 ? hn_at(&g, t, i, e / 8 * 3 + e % 8 - 2) : 0));
        const hk_attr cut0[3] = { { "start", 1, 0, NULL }, { "len", 2, 0, NULL }, { "axis", 1, 0, NULL } }, pad0[3] = { { "start", 1, 0, NULL }, { "total", 4, 0, NULL }, { "axis", 1, 0, NULL } };
        for (int row = 0; row < 2; row++) { /* the first axis, of a matrix and of a row of pictures */
            const uint32_t F = row ? SEQ : STATIC;
            hn_value a = hn_new(HK_F32, F, T, N, SHAPE(4, 3, 5)), c = hn_new(HK_F32, F, T, N, SHAPE(2, 3, 5));
            run("slice", T, N, 1, &a, 1, &c, 3, cut0, 0);
            HN_EACH(c, t, i, e) assert_true(hn_at(&c, t, i, e) == hn_at(&a, t, i, e + 15));
            run("pad", T, N, 1, &c, 1, &a, 3, pad0, 0);
            HN_EACH(a, t, i, e) assert_true(hn_at(&a, t, i, e) == (e >= 15 && e < 45 ? hn_at(&c, t, i, e - 15) : 0));
            drop(1, &a), drop(1, &c);
        }
        const hk_attr cut1[3] = { { "start", 1, 0, NULL }, { "len", 2, 0, NULL }, { "axis", 2, 0, NULL } };
        hn_value m = hn_new(HK_F32, STATIC, T, N, SHAPE(4, 3, 5)), mid = hn_new(HK_F32, STATIC, T, N, SHAPE(4, 2, 5)), sq = hn_new(HK_F32, STATIC, T, N, SHAPE(5, 5));
        hn_value line = hn_new(HK_F32, STATIC, T, N, SHAPE(5)), gl = hn_new(HK_F32, G, T, N, SHAPE(5)), gsq = hn_new(HK_F32, G, T, N, SHAPE(5, 5));
        run("slice", T, N, 1, &m, 1, &mid, 3, cut1, 0);
        HN_EACH(mid, t, i, e) assert_true(hn_at(&mid, t, i, e) == hn_at(&m, t, i, e / 10 * 15 + e % 10 + 5));
        run("diagonal", T, N, 1, &sq, 1, &line, 0, NULL, 0);
        HN_EACH(line, t, i, e) assert_true(hn_at(&line, t, i, e) == hn_at(&sq, t, i, 6 * e));
        run("diagonal_bwd", T, N, 1, &gl, 1, &gsq, 0, NULL, 0);
        HN_EACH(gsq, t, i, e) assert_true(hn_at(&gsq, t, i, e) == (e % 6 ? 0 : hn_at(&gl, t, i, e / 6)));
        drop(1, &m), drop(1, &mid), drop(1, &sq), drop(1, &line), drop(1, &gl), drop(1, &gsq);
        drop(2, ab), drop(1, &y), drop(1, &s), drop(1, &w), drop(1, &ws), drop(1, &g), drop(1, &gp);
        for (int dt = HK_F32; dt <= HK_SPIKE; dt++) {
            hn_value x = hn_new((hk_dtype)dt, SEQ, T, N, SHAPE(3, 4, 5)), f = hn_new((hk_dtype)dt, SEQ, T, N, SHAPE(60)),
                     u = hn_new((hk_dtype)dt, SEQ, T, N, SHAPE(3, 4, 5));
            run("flatten", T, N, 1, &x, 1, &f, 0, NULL, 0);
            HN_EACH(f, t, i, e) assert_true(hn_at(&f, t, i, e) == hn_at(&x, t, i, e));
            hn_value fu[2] = { f, x };
            run("unflatten", T, N, 2, fu, 1, &u, 0, NULL, 0);
            assert_memory_equal(x.mem, u.mem, x.bytes);
            drop(1, &x), drop(1, &f), drop(1, &u);
        }
        for (int rank = 2; rank <= 3; rank++) {
            const int64_t shape[3] = { 1, 7, T };
            hn_value x = hn_new(HK_F32, HELD, T, N, rank, shape + (rank == 2)), c = hn_new(HK_F32, SEQ, T, N, SHAPE(7)),
                     u = hn_new(HK_F32, HELD, T, N, rank, shape + (rank == 2));
            run("column_as_time", T, N, 1, &x, 1, &c, 0, NULL, 0);
            HN_EACH(c, t, i, h) assert_true(hn_at(&c, t, i, h) == hn_at(&x, 0, i, h * T + t));
            run("time_as_column", T, N, 1, &c, 1, &u, 0, NULL, 0);
            assert_memory_equal(x.mem, u.mem, x.bytes);
            drop(1, &x), drop(1, &c), drop(1, &u);
        }
    }
}

/* ---- a neuron: leaky, threshold as parameter, two states (membrane, spike count), hard reset -------------------------------------- */

static void t_pre1(const hk_neuron_args *a, int64_t i, float *h, float *z) {
    float p0 = a->p_row & 1 ? a->p[0][i] : a->p[0][0], p1 = a->p_row & 2 ? a->p[1][i] : a->p[1][0];
    *h = a->s[0][i] * p0 + a->x[0][i];
    *z = *h - p1;
}
static void t_post1(const hk_neuron_args *a, int64_t i, float h, float f) {
    float n = a->s[1][i] + f;
    a->s1[0][i] = h * (1 - f), a->s1[1][i] = n;
    if (a->y) a->y[i] = f;
    if (a->spike) a->spike[i] = (uint8_t)f;
}
static void t_step(const hk_neuron_args *a) {
    float h, z;
    for (int64_t i = 0; i < a->n; i++) t_pre1(a, i, &h, &z), t_post1(a, i, h, (a->strict ? z > 0 : z >= 0) ? 1 : 0);
}
static void t_pre(const hk_neuron_args *a) {
    float h;
    for (int64_t i = 0; i < a->n; i++) t_pre1(a, i, &h, &a->z[0][i]);
}
static void t_post(const hk_neuron_args *a) {
    float h, z;
    for (int64_t i = 0; i < a->n; i++) t_pre1(a, i, &h, &z), t_post1(a, i, h, a->f[0][i]);
}
static void t_bwd_any(const hk_neuron_args *a, int gp) {
    for (int64_t i = 0; i < a->n; i++) {
        float h, z, f, p0 = a->p_row & 1 ? a->p[0][i] : a->p[0][0];
        t_pre1(a, i, &h, &z);
        f = a->f[0] ? a->f[0][i] : (a->strict ? z > 0 : z >= 0);
        float gh = a->gs[0][i] * (1 - f), gf = a->gy[i] + a->gs[1][i] + (a->detach ? 0 : -a->gs[0][i] * h), gz = gf * a->d[0][i];
        gh += gz;
        if (gp && a->gp[0]) a->gp[0][i] += gh * a->s[0][i];
        if (gp && a->gp[1]) a->gp[1][i] -= gz;
        a->gs[0][i] = gh * p0;
        a->gx[0][i] = gh;
    }
}
static void t_bwd(const hk_neuron_args *a) { t_bwd_any(a, 0); }
static void t_bwd_gp(const hk_neuron_args *a) { t_bwd_any(a, 1); }
static void t_grad(int64_t n, const float *z, const float *p, float *d) {
    for (int64_t i = 0; i < n; i++) d[i] = p[0] / (1 + z[i] * z[i]);
}
static void t_primitive(int64_t n, const float *z, const float *p, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] = p[0] * atanf(z[i]) + 0.5f;
}
static const hk_neuron_kernel t_kernels[1] = { { sizeof(hk_neuron_kernel), 0, t_step, t_pre, t_post, t_bwd, t_bwd_gp } };
static const hk_surrogate_kernel t_skernels[2] = { { sizeof(hk_surrogate_kernel), 0, t_grad, t_primitive, NULL },
    { sizeof(hk_surrogate_kernel), 0, t_grad, t_primitive, t_primitive } };
static hk_neuron_type t_type = {
    .struct_size = sizeof t_type, .flags = HK_NEURON_SPIKES, .n_state = 2, .n_fire = 1, .n_param = 2, .kernels = t_kernels, .n_kernel = 1, .n_h = 1
};
static hk_surrogate_type t_surrogate = { .struct_size = sizeof t_surrogate, .kernels = t_skernels, .n_kernel = 1, .has_primitive = 1 };

typedef struct neuron_case {
    hk_dtype x_dtype;
    uint32_t fx, fp, f_gy;
    int p_rank;                                 /* 0 scalar, 1 channel, 3 row */
    int spiking, forward, detach, seq, partial; /* partial: half of the gradients absent */
} neuron_case;

static void check_neuron(int64_t T, int64_t N, int64_t C, neuron_case c) {
    const int64_t shape[3] = { C, 5, 9 };
    t_surrogate.kernels = t_skernels + c.forward;
    hk_neuron neuron = { &t_type, { &t_surrogate, { 0.4 } }, (uint32_t)c.detach, (uint32_t)c.spiking };
    const hk_attr attr[1] = { { "neuron", 0, 0, &neuron } };
    hk_dtype dy = c.spiking && !c.forward ? HK_SPIKE : HK_F32;
    hn_value x = hn_new(c.x_dtype, c.fx, T, N, 3, shape), s0[2], p[2];
    for (int k = 0; k < 2; k++) s0[k] = hn_new(HK_F32, HELD, T, N, 3, shape), p[k] = hn_new(HK_F32, c.fp, T, N, k ? c.p_rank : 0, shape);
    hn_value in[5] = { x, s0[0], s0[1], p[0], p[1] }, out[5] = { hn_new(dy, SEQ, T, N, 3, shape) };
    for (int k = 0; k < 2; k++) {
        out[1 + k] = c.partial && k ? hn_absent() : hn_new(HK_F32, HELD, T, N, 3, shape);
        out[3 + k] = c.seq || !k ? hn_new(HK_F32, SEQ, T, N, 3, shape) : hn_absent();
    }
    if (c.partial) free(out[3].mem), out[3] = hn_absent();
    run("neuron", T, N, 5, in, 5, out, 1, attr, 0);
    hn_value gin[10] = { x, s0[0], s0[1], p[0], p[1], c.f_gy == 99 ? hn_absent() : hn_new(HK_F32, c.f_gy, T, N, 3, shape) };
    for (int k = 0; k < 2; k++) {
        gin[6 + k] = c.seq ? hn_new(HK_F32, k ? HELD : SEQ, T, N, 3, shape) : hn_absent();
        gin[8 + k] = c.partial ? hn_absent() : hn_new(HK_F32, HELD, T, N, 3, shape);
    }
    hn_value gout[5] = { hn_new(HK_F32, SEQ, T, N, 3, shape), hn_new(HK_F32, HELD, T, N, 3, shape),
        c.partial ? hn_absent() : hn_new(HK_F32, HELD, T, N, 3, shape) };
    for (int k = 0; k < 2; k++) gout[3 + k] = c.partial && !k ? hn_absent() : hn_new(HK_F32, G | (c.fp & HK_T), T, N, p[k].d.rank, p[k].d.shape);
    run("neuron_bwd", T, N, 10, gin, 5, gout, 1, attr, 0);
    double *gp[2] = { calloc((size_t)(gout[4].rows * p[0].elems), 8), calloc((size_t)(gout[4].rows * p[1].elems), 8) };
    float sp[1] = { 0.4f };
    for (int64_t i = 0; i < N; i++)
        for (int64_t e = 0; e < x.elems; e++) {
            float s[2][8], h, z, y, xv[8], pv[2][8], zero = 0;
            hk_neuron_args a = { .n = 1, .detach = (uint32_t)c.detach };
            for (int k = 0; k < 2; k++) s[k][0] = (float)hn_at(&s0[k], 0, i, e);
            for (int64_t t = 0; t < T; t++) {
                xv[t] = (float)hn_at(&x, t, i, e);
                for (int k = 0; k < 2; k++) pv[k][t] = (float)hn_at(&p[k], t, i, other(&p[k], &x, e));
                for (int k = 0; k < 2; k++) a.s[k] = &s[k][t], a.s1[k] = &s[k][t + 1], a.p[k] = &pv[k][t];
                a.x[0] = &xv[t], a.y = &y, a.z[0] = &z;
                if (dy == HK_SPIKE) t_step(&a);
                else t_pre(&a), t_primitive(1, &z, sp, &h), a.f[0] = &h, t_post(&a);
                assert_true(hn_at(&out[0], t, i, e) == y);
                for (int k = 0; k < 2; k++)
                    if (out[3 + k].mem) assert_true(hn_at(&out[3 + k], t, i, e) == s[k][t + 1]);
            }
            for (int k = 0; k < 2; k++)
                if (out[1 + k].mem) assert_true(hn_at(&out[1 + k], 0, i, e) == s[k][T]);
            float gs[2], gx, d, f, gy;
            for (int k = 0; k < 2; k++) gs[k] = gin[8 + k].mem ? (float)hn_at(&gin[8 + k], 0, i, e) : 0;
            for (int64_t t = T - 1; t >= 0; t--) {
                float g[2] = { 0, 0 };
                for (int k = 0; k < 2; k++) {
                    if (gin[6 + k].mem) gs[k] += (float)hn_at(&gin[6 + k], t, i, e);
                    a.s[k] = &s[k][t], a.p[k] = &pv[k][t], a.gs[k] = &gs[k], a.gp[k] = &g[k];
                }
                a.x[0] = &xv[t], a.gx[0] = &gx, a.gy = &gy, a.f[0] = &f, a.d[0] = &d;
                gy = gin[5].mem ? (float)hn_at(&gin[5], t, i, e) : zero;
                t_pre(&a), t_grad(1, &z, sp, &d);
                if (dy == HK_SPIKE) f = z >= 0;
                else t_primitive(1, &z, sp, &f);
                t_bwd_gp(&a);
                assert_true(hn_at(&gout[0], t, i, e) == gx);
                for (int k = 0; k < 2; k++) gp[k][(i / 16 * (c.fp & HK_T ? T : 1) + (c.fp & HK_T ? t : 0)) * p[k].elems + other(&p[k], &x, e)] += g[k];
            }
            for (int k = 0; k < 2; k++)
                if (gout[1 + k].mem) assert_true(hn_at(&gout[1 + k], 0, i, e) == gs[k]);
        }
    for (int k = 0; k < 2; k++)
        if (gout[3 + k].mem)
            HN_EACH(gout[3 + k], t, g, e) near("gp", hn_at(&gout[3 + k], t, g, e), gp[k][(g * (c.fp & HK_T ? T : 1) + t) * p[k].elems + e], 1e-4);
    free(gp[0]), free(gp[1]), drop(5, in), drop(5, out), drop(5, gin + 5), drop(5, gout);
}

static void test_neuron(void **state) {
    (void)state;
    static const neuron_case cases[] = {
        { HK_F32, SEQ, STATIC, SEQ, 0, 1, 0, 1, 0, 0 },
        { HK_F32, SEQ, STATIC, SEQ, 0, 1, 0, 0, 1, 1 },
        { HK_SPIKE, SEQ, STATIC, HELD, 0, 1, 0, 1, 0, 1 },
        { HK_F32, HELD, STATIC, HELD, 0, 1, 0, 1, 1, 0 },
        { HK_F32, SEQ, STEP, SEQ, 0, 1, 0, 1, 0, 0 },
        { HK_F32, SEQ, STATIC, SEQ, 1, 1, 0, 1, 0, 0 },
        { HK_F32, SEQ, STATIC, SEQ, 3, 1, 0, 1, 1, 0 },
        { HK_F32, SEQ, STEP, SEQ, 3, 1, 0, 0, 0, 0 },
        { HK_F32, SEQ, STEP, 99, 1, 1, 0, 1, 1, 1 },
        { HK_F32, SEQ, STATIC, SEQ, 0, 0, 0, 0, 0, 0 },
        { HK_F32, HELD, STATIC, SEQ, 1, 1, 1, 0, 1, 0 },
    };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int64_t C = 1; C <= 3; C += 2) check_neuron(T, N, C, cases[k]);
}

/* A gradient larger than L2 is stored past the caches: the same numbers. */
static void test_neuron_large(void **state) {
    (void)state;
    static const neuron_case c = { HK_F32, SEQ, STATIC, SEQ, 0, 1, 0, 1, 0, 1 };
    const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    const int64_t T = 4, N = 5, row = T * N * 45 * 4, C = ((l2 > 0 ? l2 : 512 << 10) / row / 16 + 1) * 16;
    check_neuron(T, N, C, c);
}

static void test_fire(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        hk_surrogate s = { &t_surrogate, { 0.4 } };
        float p[1] = { 0.4f }, f;
        t_surrogate.kernels = t_skernels;
        hn_value z = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5)), y = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(3, 5)), yf = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5));
        for (int64_t k = 0; k < z.rows * z.elems; k += 3) ((float *)z.mem)[k] = 0;
        for (int strict = 0; strict < 2; strict++) {
            const hk_attr at[3] = { { "surrogate", 0, 0, &s }, { "strict", strict, 0, NULL }, { "spiking", 1, 0, NULL } };
            run("fire", T, N, 1, &z, 1, &y, 3, at, 0);
            HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == (strict ? hn_at(&z, t, i, e) > 0 : hn_at(&z, t, i, e) >= 0));
        }
        const hk_attr smooth[3] = { { "surrogate", 0, 0, &s }, { "strict", 0, 0, NULL }, { "spiking", 0, 0, NULL } };
        run("fire", T, N, 1, &z, 1, &yf, 3, smooth, 0);
        HN_EACH(yf, t, i, e) {
            float v = (float)hn_at(&z, t, i, e);
            t_primitive(1, &v, p, &f);
            assert_true(hn_at(&yf, t, i, e) == f);
        }
        hn_value gz[2] = { hn_new(HK_F32, HELD, T, N, SHAPE(3, 5)), z };
        run("fire_bwd", T, N, 2, gz, 1, &yf, 3, smooth, 0);
        HN_EACH(yf, t, i, e) {
            float v = (float)hn_at(&z, t, i, e);
            t_grad(1, &v, p, &f);
            near("fire_bwd", hn_at(&yf, t, i, e), hn_at(&gz[0], t, i, e) * f, 1e-6);
        }
        drop(1, &z), drop(1, &y), drop(1, &yf), drop(1, gz);
    }
}

/* ---- the rest ----------------------------------------------------------------------------------------------------------------------- */

static void test_bernoulli(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int k = 0; k < 4; k++) {
        hn_value p = k & 1 ? hn_new(HK_F32, HELD, T, N, SHAPE(3, 9, 11)) : hn_new(HK_F32, SEQ, T, N, SHAPE(7));
        hn_value y = hn_new(HK_SPIKE, SEQ, T, N, p.d.rank, p.d.shape);
        run("bernoulli", T, N, 1, &p, 1, &y, 0, NULL, 0);
        HN_EACH(y, t, i, e) {
            float u[4];
            hk_random4(hk_random_key(42, 1234567), 7, t, i, e / 4, u);
            assert_true(hn_at(&y, t, i, e) == (hn_at(&p, t, i, e) > 0 && u[e % 4] <= (float)hn_at(&p, t, i, e)));
        }
        drop(1, &p), drop(1, &y);
    }
}

/* Sizes around a vector, a pair of them and a table; probabilities at the ends of their range, beyond it, and equal to the draw. */
static void test_bernoulli_edges(void **state) {
    (void)state;
    static const int64_t sizes[] = { 1, 3, 31, 32, 33, 63, 64, 65, 127, 784, 1023, 1024, 1025, 2080 };
    static const float edges[] = { 0.0f, -0.0f, -1.0f, NAN, 1.0f, 2.0f, 0x1p-24f, 0x1.fffffep-1f, 0x1p-140f, INFINITY, -INFINITY };
    enum { EDGES = sizeof edges / sizeof *edges };
    const int64_t T = 3, N = 2;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int held = 0; held < 2; held++) {
            hn_value p = hn_new(HK_F32, held ? HELD : SEQ, T, N, SHAPE(sizes[k])), y = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(sizes[k]));
            HN_EACH(p, t, i, e) {
                float *to = (float *)p.mem + (held ? i : t * N + i) * sizes[k] + e, u[4];
                hk_random4(hk_random_key(42, 1234567), 7, held ? 1 : t, i, e / 4, u);
                if (e % 3 == 1) *to = edges[(e / 3 + i) % EDGES];
                if (e % 3 == 2) *to = e % 2 ? u[e % 4] : u[e % 4] - 0x1p-24f;
            }
            run("bernoulli", T, N, 1, &p, 1, &y, 0, NULL, 0);
            HN_EACH(y, t, i, e) {
                float u[4], at = (float)hn_at(&p, t, i, e);
                hk_random4(hk_random_key(42, 1234567), 7, t, i, e / 4, u);
                if (hn_at(&y, t, i, e) != (at > 0.0f && u[e % 4] <= at))
                    fail_msg("%d numbers, t %d, sample %d, position %d: u %.9g, p %.9g: got %g", (int)sizes[k], (int)t, (int)i, (int)e, (double)u[e % 4], (double)at, hn_at(&y, t, i, e));
            }
            drop(1, &p), drop(1, &y);
        }
}

/* Pictures with black and white parts, whose numbers are not drawn: quads of 0, of 1, of both, and between them. */
static void test_bernoulli_black_and_white(void **state) {
    (void)state;
    static const int64_t sizes[] = { 5, 64, 66, 784, 1500 };
    const int64_t T = 4, N = 3;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int way = 0; way < 4; way++) { /* runs of few or many, mostly black, mostly white */
            hn_value p = hn_new(HK_F32, HELD, T, N, SHAPE(sizes[k])), y = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(sizes[k]));
            for (int64_t j = 0, kind = 0; j < N * sizes[k]; j++) {
                if (hn_uniform() < (way % 2 ? 0.5 : 0.06)) kind = (int64_t)(hn_uniform() * 4);
                ((float *)p.mem)[j] = kind == 3 ? (float)hn_uniform() : kind == 2 ? (float)(way / 2) : kind == 1 ? 1.0f : 0.0f;
            }
            run("bernoulli", T, N, 1, &p, 1, &y, 0, NULL, 0);
            HN_EACH(y, t, i, e) {
                float u[4], at = (float)hn_at(&p, t, i, e);
                hk_random4(hk_random_key(42, 1234567), 7, t, i, e / 4, u);
                if (hn_at(&y, t, i, e) != (at > 0.0f && u[e % 4] <= at))
                    fail_msg("%d numbers, way %d, t %d, sample %d, position %d: u %.9g, p %.9g: got %g", (int)sizes[k], way, (int)t, (int)i, (int)e, (double)u[e % 4],
                        (double)at, hn_at(&y, t, i, e));
            }
            drop(1, &p), drop(1, &y);
        }
}

static void test_loss(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int k = 0; k < 8; k++) {
        enum { C = 3 };
        const uint32_t F = k & 4 ? SEQ : HELD; /* scores of each step, or of each sample; classes of each sample */
        double eps = k & 1 ? 0.1 : 0;
        const hk_attr at[1] = { { "smoothing", 0, eps, NULL } }, classes[1] = { { "classes", C, 0, NULL } };
        hn_value z = hn_new(HK_F32, F, T, N, SHAPE(C)), y = hn_new(HK_I64, HELD, T, N, SCALAR),
                 w = k & 2 ? hn_new(HK_F32, STATIC, T, N, SHAPE(C)) : hn_absent();
        hn_value g = hn_new(HK_F32, F, T, N, SCALAR), in[4] = { z, y, w, g },
                 out[2] = { hn_new(HK_F32, F, T, N, SCALAR), hn_new(HK_F32, F, T, N, SCALAR) };
        hn_value gz = hn_new(HK_F32, F, T, N, SHAPE(C)), first = hn_new(HK_F32, F, T, N, SHAPE(C)), hot = hn_new(HK_F32, HELD, T, N, SHAPE(C)), ok = hn_new(HK_F32, HELD, T, N, SCALAR);
        run("cross_entropy", T, N, 3, in, 2, out, 1, at, 0);
        run("cross_entropy_bwd", T, N, 4, in, 1, &gz, 1, at, 0);
        run("one_hot", T, N, 1, &y, 1, &hot, 1, classes, 0);
        run("first_max", T, N, 1, &z, 1, &first, 0, NULL, 0);
        hn_value among = hn_new(HK_F32, HELD, T, N, SCALAR);
        const hk_attr two[1] = { { "top", 2, 0, NULL } };
        if (F == HELD) run("correct", T, N, 2, in, 1, &ok, 0, NULL, 0), run("correct_top", T, N, 2, in, 1, &among, 1, two, 0);
        HN_EACH(out[0], s, i, zero) {
            int64_t t = (int64_t)hn_at(&y, 0, i, 0), best = zero;
            double sum = 0, loss = 0, all = 0, wt = w.mem ? hn_at(&w, 0, 0, t) : 1;
            for (int64_t c = 0; c < C; c++) sum += exp(hn_at(&z, s, i, c));
            for (int64_t c = 0; c < C; c++) {
                double wc = w.mem ? hn_at(&w, 0, 0, c) : 1, nll = log(sum) - hn_at(&z, s, i, c);
                loss += eps / C * wc * nll + (c == t ? (1 - eps) * wt * nll : 0), all += wc;
                if (hn_at(&z, s, i, c) > hn_at(&z, s, i, best)) best = c;
                assert_true(hn_at(&hot, 0, i, c) == (c == t));
            }
            near("loss", hn_at(&out[0], s, i, 0), loss, 1e-5);
            near("weight", hn_at(&out[1], s, i, 0), wt, 1e-6);
            if (F == HELD) assert_true(hn_at(&ok, 0, i, 0) == (best == t));
            int before = 0;
            for (int64_t c = 0; c < C; c++) before += hn_at(&z, s, i, c) > hn_at(&z, s, i, t) || (hn_at(&z, s, i, c) == hn_at(&z, s, i, t) && c < t);
            if (F == HELD) assert_true(hn_at(&among, 0, i, 0) == (before < 2));
            for (int64_t c = 0; c < C; c++) assert_true(hn_at(&first, s, i, c) == (c == best));
            for (int64_t c = 0; c < C; c++) {
                double wc = w.mem ? hn_at(&w, 0, 0, c) : 1, q = exp(hn_at(&z, s, i, c)) / sum;
                near("gz", hn_at(&gz, s, i, c), hn_at(&g, s, i, 0) * ((1 - eps) * wt * (q - (c == t)) + eps / C * (q * all - wc)), 1e-5);
            }
        }
        ((int64_t *)y.mem)[N - 1] = C;
        if (F == HELD) assert_int_equal(hn_run("correct", HK_SCOPE_BLOCK, 0, 0, T, N, 2, in, 1, &ok, 0, NULL), HK_OK);
        assert_int_equal(hn_run("cross_entropy", HK_SCOPE_TEAM, 0, 0, T, N, 3, in, 2, out, 1, at), HK_EDATA);
        drop(4, in), drop(2, out), drop(1, &gz), drop(1, &first), drop(1, &hot), drop(1, &ok), drop(1, &among);
    }
}

static void t_update(int64_t n, float *w, const float *g, float *const *s, const float *c) {
    for (int64_t i = 0; i < n; i++) s[0][i] = c[1] * s[0][i] + g[i], w[i] -= c[0] * s[0][i];
}

static void test_optimizer(void **state) {
    (void)state;
    static const hk_optimizer_kernel k[1] = { { sizeof(hk_optimizer_kernel), 0, t_update } };
    static const hk_optimizer_type type = { .struct_size = sizeof type, .n_state = 1, .n_const = 2, .kernels = k, .n_kernel = 1 };
    const hk_attr at[1] = { { "optimizer", 0, 0, &type } };
    hn_value in[3], out[2];
    for (int i = 0; i < 3; i++) in[i] = hn_new(HK_F32, STATIC, 1, 1, SHAPE(100001));
    for (int i = 0; i < 2; i++) out[i] = hn_new(HK_F32, STATIC, 1, 1, SHAPE(100001));
    hn_step.opt[0] = 0.5, hn_step.opt[1] = 0.9;
    run("optimizer", 1, 1, 3, in, 2, out, 1, at, 1);
    for (int64_t i = 0; i < 100001; i++) {
        float s = 0.9f * (float)hn_at(&in[2], 0, 0, i) + (float)hn_at(&in[1], 0, 0, i);
        assert_true(hn_at(&out[1], 0, 0, i) == s);
        assert_true(hn_at(&out[0], 0, 0, i) == (float)hn_at(&in[0], 0, 0, i) - 0.5f * s);
    }
    drop(3, in), drop(2, out);
}

static void test_block(void **state) {
    (void)state;
    assert_int_equal(hn_backend->block(hn_device, 1, 4, 100), 1);
    assert_int_equal(hn_backend->block(hn_device, 13, 4, 1 << 30), 13);
    assert_int_equal(hn_backend->block(hn_device, 384, 28, 100), 64);
    assert_int_equal(hn_backend->block(hn_device, 256, 28, 100), 48); /* 6 blocks for 3 threads: 4 of 64 would keep one of them at two */
    for (int64_t N = 17; N < 300; N += 31)
        for (int64_t bytes = 1; bytes < 1 << 28; bytes *= 8) {
            int64_t nb = hn_backend->block(hn_device, N, 4, bytes);
            assert_true(nb > 0 && nb <= N && (nb == N || nb % HK_GROUP == 0));
        }
}

static void test_unknown(void **state) {
    (void)state;
    hn_value x = hn_new(HK_F32, SEQ, 1, 1, SHAPE(1));
    assert_int_equal(hn_run("nothing", HK_SCOPE_BLOCK, 0, 0, 1, 1, 1, &x, 1, &x, 0, NULL), HK_EUNSUPPORTED);
    drop(1, &x);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_linear_large),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_sum_t),
        cmocka_unit_test(test_moment), cmocka_unit_test(test_shape),
        cmocka_unit_test(test_neuron),
        cmocka_unit_test(test_neuron_large),
        cmocka_unit_test(test_fire),
        cmocka_unit_test(test_bernoulli),
        cmocka_unit_test(test_bernoulli_edges),
        cmocka_unit_test(test_bernoulli_black_and_white),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_optimizer),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_unknown),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
