/* test_prelude.c - the dialect's mathematics against libm in long double, in float and in double. */
#include "hillock/plugin.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static long double ulp_f(long double x) {
    int e;
    if (fabsl(x) < FLT_MIN) return 0x1p-149L;
    frexpl(x, &e);
    return ldexpl(1, e - 24);
}
static long double ulp_d(long double x) {
    int e;
    if (fabsl(x) < DBL_MIN) return 0x1p-1074L;
    frexpl(x, &e);
    return ldexpl(1, e - 53);
}

static float sin_f(float x) { return hk_sin_quarter_f(x, 0); }
static double sin_d(double x) { return hk_sin_quarter_d(x, 0); }
static float cos_f(float x) { return hk_sin_quarter_f(x, 1); }
static double cos_d(double x) { return hk_sin_quarter_d(x, 1); }
static float sigm_f(float x) { return hk_sigm(x); }
static double sigm_d(double x) { return 1 / (1 + hk_exp_d(-x)); }
static long double sigm_l(long double x) { return 1 / (1 + expl(-x)); }
static float pow_f(float x) { return hk_pow(x, -1.7f); }
static double pow_d(double x) { return hk_exp_d(-1.7 * hk_log_d(x)); }
static long double pow_l(long double x) { return powl(x, -1.7L); }
static long double pow_lf(long double x) { return powl(x, (long double)-1.7f); }
#define PLAIN(n)                                                                                                                                               \
    static float n##_f(float x) { return hk_##n##_f(x); }                                                                                                      \
    static double n##_d(double x) { return hk_##n##_d(x); }
PLAIN(exp)
PLAIN(log) PLAIN(atan) PLAIN(erfc) PLAIN(tanh) PLAIN(expm1) PLAIN(sqrt) PLAIN(floor) PLAIN(round)

    static const struct {
    const char *name;
    float (*f)(float);
    double (*d)(double);
    long double (*want_f)(long double), (*want_d)(long double);
    double lo, hi, max_f, max_d; /* largest error, in ulp */
} table[] = {
    { "exp", exp_f, exp_d, expl, expl, -100, 88, 1.5, 2 },
    { "exp near 0", exp_f, exp_d, expl, expl, -1, 1, 1.5, 2 },
    { "log", log_f, log_d, logl, logl, 1e-30, 10, 1.5, 2 },
    { "log near 1", log_f, log_d, logl, logl, 0.5, 2, 1.5, 2 },
    { "sin", sin_f, sin_d, sinl, sinl, -1, 1, 1.5, 2 },
    { "cos", cos_f, cos_d, cosl, cosl, -1, 1, 1.5, 2 },
    { "atan", atan_f, atan_d, atanl, atanl, -10, 10, 2.5, 3 },
    { "atan small", atan_f, atan_d, atanl, atanl, -0.5, 0.5, 2.5, 3 },
    { "erfc", erfc_f, erfc_d, erfcl, erfcl, -4, 9, 6, 8 },
    { "tanh", tanh_f, tanh_d, tanhl, tanhl, -4, 4, 3, 4 },
    { "expm1", expm1_f, expm1_d, expm1l, expm1l, -4, 4, 2.5, 3 },
    { "sqrt", sqrt_f, sqrt_d, sqrtl, sqrtl, 0, 100, 0.51, 0.51 },
    { "floor", floor_f, floor_d, floorl, floorl, -100, 100, 0, 0 },
    { "round", round_f, round_d, rintl, rintl, -100, 100, 0, 0 },
    { "sigm", sigm_f, sigm_d, sigm_l, sigm_l, -80, 30, 3, 3 },
    { "pow", pow_f, pow_d, pow_lf, pow_l, 0.01, 100, 0.6, 20 },
};

static void errors_are_small(void **state) {
    (void)state;
    int bad = 0;
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        long double worst_f = 0, worst_d = 0;
        for (int i = 0; i < 200000; i++) {
            double x = table[k].lo + (table[k].hi - table[k].lo) * ((i + 0.37) / 200000);
            float y = (float)x;
            long double want_f = table[k].want_f(y), want_d = table[k].want_d(x);
            worst_f = fmaxl(worst_f, fabsl(table[k].f(y) - want_f) / ulp_f(want_f));
            worst_d = fmaxl(worst_d, fabsl(table[k].d(x) - want_d) / ulp_d(want_d));
        }
        int over = worst_f > table[k].max_f || worst_d > table[k].max_d;
        printf("%-12s float %.3Lf ulp, double %.3Lf ulp%s\n", table[k].name, worst_f, worst_d, over ? "  too much" : "");
        bad += over;
    }
    assert_int_equal(bad, 0);
}

static void large_angles_keep_their_digits(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double x = -1000 + 0.02 * i;
        assert_true(fabs(hk_sin_quarter_d(x, 0) - sin(x)) < 4e-16 && fabs(hk_sin_quarter_d(x, 1) - cos(x)) < 4e-16);
        assert_true(fabs((double)hk_sin_quarter_f((float)x, 0) - sin((double)(float)x)) < 3e-7);
    }
}

static void ends_of_the_line(void **state) {
    (void)state;
    assert_true(hk_exp_f(200) == INFINITY && hk_exp_f(-200) == 0 && hk_exp_d(1000) == (double)INFINITY && hk_exp_d(-1000) == 0);
    assert_true(hk_exp_f(INFINITY) == INFINITY && hk_exp_f(-INFINITY) == 0 && isnan(hk_exp_f(NAN)) && isnan(hk_exp_d(NAN)) && hk_exp_f(0) == 1);
    assert_true(hk_log_f(0) == -INFINITY && isnan(hk_log_f(-1)) && hk_log_f(INFINITY) == INFINITY && isnan(hk_log_f(NAN)) && hk_log_f(1) == 0);
    assert_true(fabsf(hk_log_f(1e-40f) - logf(1e-40f)) < 1e-5f && fabs(hk_log_d(1e-310) - log(1e-310)) < 1e-12);
    assert_true(hk_atan_f(INFINITY) == 1.57079633f && isnan(hk_atan_f(NAN)) && hk_erfc_f(30) == 0 && hk_erfc_f(-30) == 2 && isnan(hk_erfc_d(NAN)));
    assert_true(hk_tanh_f(100) == 1 && hk_tanh_f(-100) == -1 && hk_sigm(200) == 1 && hk_sigm(-200) == 0);
    assert_true(hk_round_f(0.5f) == 0 && hk_round_f(1.5f) == 2 && hk_round_f(2.5f) == 2 && hk_round_f(-2.5f) == -2 && hk_round_f(1e20f) == 1e20f);
    assert_true(hk_pow(0, 2) == 0 && hk_pow(0, 0) == 1 && hk_pow(2, 0.5f) == 1.41421356f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_small),
        cmocka_unit_test(large_angles_keep_their_digits),
        cmocka_unit_test(ends_of_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
