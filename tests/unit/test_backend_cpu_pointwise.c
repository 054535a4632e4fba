/* test_backend_cpu_pointwise.c - operations number by number, sums and changes of shape of the cpu backend against plain loops, on odd sizes, at every
 * ISA level of this machine, with the same bits for every block size and scope. Usage: test_backend_cpu_pointwise [backend_cpu.so] */
#include "backend_run.h"

/* ---- pointwise ----------------------------------------------------------------------------------------------------------------- */

static double combine(int op, double a, double b) { return op == 0 ? a + b : op == 1 ? a - b : op == 2 ? a * b : a / b; }

static void check_binary(int64_t T, int64_t N, uint32_t f, hn_value a, hn_value b) {
    static const char *const ops[] = { "add", "sub", "mul", "div" };
    const hn_value *wide = a.elems >= b.elems ? &a : &b;
    hn_value in[2] = { a, b }, y = hn_new(HK_F32, f, T, N, wide->d.rank, wide->d.shape);
    for (int op = 0; op < 4; op++) {
        if (op == 3 && b.d.dtype != HK_F32) continue;
        run(ops[op], T, N, 2, in, 1, &y, 0, NULL, 0);
        HN_EACH(y, t, i, e) near(ops[op], hn_at(&y, t, i, e), combine(op, hn_at(&a, t, i, hn_other(&a, &y, e)), hn_at(&b, t, i, hn_other(&b, &y, e))), 1e-6);
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

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_sum_t),
        cmocka_unit_test(test_moment),
        cmocka_unit_test(test_shape),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu_pointwise", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
