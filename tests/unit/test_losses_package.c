/* Losses that the reference files do not hold, against numbers of the packages in double: SpikeSimilar against SpikingJelly 2.0, functional.spike_similar_loss
 * (its labels.float() made double), on x = 0.9 [sin(1.7 i + 0.3) > 0.2] + 0.05 cos(0.7 i), i the position in [T,N,M] = [4,5,3]; the gradient as the sum of each
 * element times cos(i). Label smoothing against torch 2.15, on sin(0.9 i). */
#include "gradient_check.h"

enum { T = 4, N = 5, M = 3 };

typedef struct work {
    const char *loss;
    double value, gx;
} work;

static const int64_t classes[N] = { 0, 2, 1, 2, 0 };
static const double labels[N * M] = { 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0 };

static const work similar[] = {
    { "SpikeSimilar()", 0.151784724478, -0.0652307327318 },
    { "SpikeSimilar(linear, l1, num_labels=3)", 0.464739552477, -0.0230910721505 },
    { "SpikeSimilar(sigmoid, mse, 0.7)", 0.312128076336, -0.021950619785 },
    { "SpikeSimilar(gaussian, mse, 1.3)", 0.123742777211, -0.0433829165453 },
    { "SpikeSimilar(polynomial, mse, 2)", 123.366178855, 63.0582991438 },
    { "SpikeSimilar(sigmoid, bce, 0.7, num_labels=3)", 0.592193927276, -0.113955984536 },
};

static void near(const char *text, const char *backend, const char *what, double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) fail_msg("%s on %s: %s: got %.12g, expected %.12g", text, backend, what, got, want);
}

static void check_loss(const char *text, const char *backend, int64_t nb, int64_t steps, int64_t samples, int64_t outputs, const double *x, const void *target,
    int64_t n_target, double *value, double *gx) {
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    const int64_t nx = steps * samples * outputs;
    double *grad = malloc((size_t)nx * sizeof *grad);
    nc.backend = backend, nc.nb = nb;
    net_make(&n, "Sequential()", text, NULL, nc,
        (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_SEPARATE | HK_INPUT_GRAD });
    net_ok(hk_executor_shape(n.ex, steps, samples, 1, 1, &outputs));
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, nx));
    net_ok(hk_executor_write(n.ex, "target", n_target == samples ? HK_I64 : HK_F64, target, n_target));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_backward(n.ex));
    net_ok(hk_executor_read(n.ex, "loss", HK_F64, value, 1));
    net_ok(hk_executor_read(n.ex, "grad:x", HK_F64, grad, nx));
    *gx = 0;
    for (int64_t i = 0; i < nx; i++) *gx += grad[i] * cos((double)i);
    free(grad);
    net_free(&n);
}

static void test_spike_similarity_has_the_packages_numbers(void **state) {
    (void)state;
    double x[T * N * M];
    for (int i = 0; i < T * N * M; i++) x[i] = 0.9 * (sin(1.7 * i + 0.3) > 0.2) + 0.05 * cos(0.7 * i);
    for (size_t k = 0; k < sizeof similar / sizeof *similar; k++)
        for (int ref = 0; ref < 2; ref++) {
            const int many = strstr(similar[k].loss, "num_labels") != NULL;
            double value, gx;
            check_loss(similar[k].loss, ref ? "ref" : "cpu", 0, T, N, M, x, many ? (const void *)labels : classes, many ? N * M : N, &value, &gx);
            near(similar[k].loss, ref ? "ref" : "cpu", "value", value, similar[k].value, ref ? 1e-9 : 1e-5);
            near(similar[k].loss, ref ? "ref" : "cpu", "gradient", gx, similar[k].gx, ref ? 1e-9 : 1e-5);
        }
}

/* Samples of different blocks are compared too: 40 samples in blocks of 16 and all at once, on cpu bit for bit. */
static void test_similarity_does_not_depend_on_blocks(void **state) {
    (void)state;
    enum { SAMPLES = 40 };
    double *x = fresh(T * SAMPLES * 21, 7, 0, 1), value[3], gx[3];
    int64_t y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) y[i] = i * 7 % 21;
    for (int k = 0; k < 3; k++)
        check_loss("SpikeSimilar(gaussian, mse, 3)", k == 2 ? "ref" : "cpu", k == 1 ? -1 : 16, T, SAMPLES, 21, x, y, SAMPLES, &value[k], &gx[k]);
    if (value[0] != value[1] || gx[0] != gx[1]) fail_msg("blocks of 16: %.9g, %.9g; all at once: %.9g, %.9g", value[0], gx[0], value[1], gx[1]);
    near("SpikeSimilar", "cpu", "value, against ref", value[0], value[2], 1e-5);
    near("SpikeSimilar", "cpu", "gradient, against ref", gx[0], gx[2], 1e-5);
    free(x);
}

/* A silent sample resembles nobody, and gets no gradient from the length that it does not have. */
static void test_silent_samples_give_numbers(void **state) {
    (void)state;
    double x[2 * 3 * 2] = { 0 }, value, gx;
    x[2] = 1;
    for (int k = 0; k < 2; k++) {
        check_loss(k ? "SpikeSimilar(linear, bce)" : "SpikeSimilar()", "cpu", 0, 2, 3, 2, x, (int64_t[]){ 0, 0, 1 }, 3, &value, &gx);
        if (!isfinite(value) || !isfinite(gx)) fail_msg("loss %g, gradient %g", value, gx);
        /* p is 0 but of sample 1 with itself; six pairs of nine differ: (0,0), (0,1), (1,0), (2,2) from the classes */
        if (k == 0) near("SpikeSimilar", "cpu", "value", value, 4.0 / 9, 1e-6);
        else near("SpikeSimilar bce", "cpu", "value", value, 400.0 / 9, 1e-5);
    }
}

static void test_smoothed_labels(void **state) {
    (void)state;
    double x[12], value, gx, mse = 0;
    const int64_t y[3] = { 1, 3, 0 };
    for (int i = 0; i < 12; i++) {
        x[i] = sin(0.9 * i);
        const double wanted = 0.8 * (i % 4 == y[i / 4]) + 0.05;
        mse += (x[i] - wanted) * (x[i] - wanted) / 12;
    }
    check_loss("CrossEntropy(label_smoothing=0.2)", "ref", 0, 1, 3, 4, x, y, 3, &value, &gx);
    near("CrossEntropy", "ref", "value", value, 1.1653478402657353, 1e-6);
    near("CrossEntropy", "ref", "gradient", gx, -0.3896904534119431, 1e-6);
    check_loss("TET(label_smoothing=0.2)", "ref", 0, 1, 3, 4, x, y, 3, &value, &gx);
    near("TET", "ref", "value", value, 1.1653478402657353, 1e-6);
    check_loss("MSE(label_smoothing=0.2)", "cpu", 0, 1, 3, 4, x, y, 3, &value, &gx);
    near("MSE", "cpu", "value", value, mse, 1e-6);
}

static void test_what_is_wrong_is_named(void **state) {
    (void)state;
    static const char *const bad[] = { "SpikeSimilar(gaussian, a=0)", "SpikeSimilar(polynomial, a=1.5)", "SpikeSimilar(polynomial, bce, 2)" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hk_module *m = NULL;
        if (hk_module_new_from_text(net_context(), "hk.module/1", bad[i], &m) != HK_ECONFIG) fail_msg("%s was taken", bad[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spike_similarity_has_the_packages_numbers),
        cmocka_unit_test(test_similarity_does_not_depend_on_blocks),
        cmocka_unit_test(test_silent_samples_give_numbers),
        cmocka_unit_test(test_smoothed_labels),
        cmocka_unit_test(test_what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
