/* The rules linear+neuron and neuron+mean over T: spikes, state and means have the bits of the operations one by one (a plan for training has those), for any
 * number of threads and block size, with a state carried on, and where somebody reads what lies between. */
#include "net.h"

enum { H = 9, N = 37, ROOM = 28 * N * 40 };

typedef struct work {
    const char *text, *impl; /* impl: must be in the plan for inference */
    int64_t T;
} work;

#define COLUMNS(neuron) "Sequential(ColumnAsTime(), Linear(9, 32), " neuron ", Linear(32, 10), " neuron ")"
static const work works[] = {
    { COLUMNS("IF(surrogate=ATan())"), "columns, lanes", 28 },
    { COLUMNS("IF(surrogate=ATan(), v_reset=none)"), "table, lanes", 7 },
    { COLUMNS("LIF(tau=1.7, v_threshold=0.2, surrogate=ATan())"), "columns, lanes", 9 },
    { COLUMNS("LIF(tau=1.7, decay_input=false, v_reset=-0.3, v_threshold=0.2, surrogate=ATan())"), "table, lanes", 6 },
    { COLUMNS("LIF(tau=1.7, decay_input=false, v_reset=none, v_threshold=0.2, surrogate=ATan())"), "columns, lanes", 16 },
    { COLUMNS("LIF(tau=3.0, v_threshold=0.1, v_reset=none, surrogate=ATan())"), "table, lanes", 5 },
    { COLUMNS("ParametricLIF(init_tau=1.7, v_threshold=0.2, surrogate=ATan())"), "columns, lanes", 7 },
    { COLUMNS("HalfThresholdIF(surrogate=ATan())"), "columns, lanes", 7 },
    { COLUMNS("IF(v_threshold=0.0, surrogate=ATan())"), "columns, lanes", 6 }, /* a threshold that the lanes leave to the rows */
    { COLUMNS("QIF(v_threshold=0.1, surrogate=ATan())"), "columns, rows", 8 },                   /* by its row kernels, as a plugin's neuron */
    { COLUMNS("snn.Leaky(beta=0.8, threshold=0.1, surrogate=ATan())"), "table, rows", 8 },
    { "Sequential(ColumnAsTime(), Linear(9, 20, bias=false), IF(surrogate=ATan()), Linear(20, 3, bias=false), LIF(v_threshold=0.1, surrogate=ATan()))", "columns, lanes", 11 },
    { "Sequential(ColumnAsTime(), Linear(9, 40), IF(surrogate=ATan()), Linear(40, 33), LIF(v_threshold=0.1, surrogate=ATan()))", "table, lanes", 11 },
    { "Sequential(ColumnAsTime(), Linear(9, 20), LinearRecurrent(LIF(v_threshold=0.2, surrogate=ATan()), in_features=20, out_features=20), Linear(20, 3), IF(v_threshold=0.2, surrogate=ATan()))", "table, rows", 6 },
};
enum { N_WORK = sizeof works / sizeof *works };

static char *plan_text(net *n) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    net_ok(hk_executor_print(n->ex, f));
    fclose(f);
    return text;
}

/* Output `name` of one run; returns how many numbers. other: asked for too, or NULL. */
static int64_t run(const work *w, uint32_t mode, uint32_t off, int threads, int64_t nb, const char *name, const char *other, float *y, char **plan) {
    hk_output out[2] = { { name, mode == HK_TRAIN && strcmp(name, "rate"), 0 }, { other, 0, 0 } };
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { sizeof ec, mode, mode == HK_TRAIN ? HK_SEPARATE : HK_NO_LOSS, other ? 2 : 1, out };
    c.threads = threads, c.nb = nb, c.passes_off = off, c.seed = 5;
    net n;
    net_make(&n, w->text, NULL, NULL, c, ec);
    float *x = malloc((size_t)(N * H * w->T) * 4);
    uint64_t seed = 3;
    int rank;
    int64_t d[HK_MAX_RANK + 2], count = 1;
    for (int64_t i = 0; i < N * H * w->T; i++) x[i] = (float)net_uniform(&seed, -1, 2.5);
    x[5] = INFINITY, x[H * w->T + 7] = -INFINITY, x[2 * H * w->T] = NAN;
    net_ok(hk_executor_shape(n.ex, w->T, N, 0, 3, (int64_t[]){ 1, H, w->T }));
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, N * H * w->T));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_dims(n.ex, name, &rank, d));
    for (int k = 0; k < rank; k++) count *= d[k];
    if (count > ROOM) fail_msg("%s: %lld numbers", name, (long long)count);
    net_ok(hk_executor_read(n.ex, name, HK_F32, y, count));
    if (plan) *plan = plan_text(&n);
    free(x);
    net_free(&n);
    return count;
}

static float expected[ROOM], got[ROOM];

static void same(const work *w, const char *what, int64_t n, int64_t m) {
    double sum = 0;
    if (n != m) fail_msg("%s: %s: %lld numbers, expected %lld", w->text, what, (long long)m, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        sum += fabsf(expected[i]) > 0;
        if (memcmp(&expected[i], &got[i], 4) && !(isnan(expected[i]) && isnan(got[i])))
            fail_msg("%s: %s, number %lld: expected %.9g, got %.9g", w->text, what, (long long)i, (double)expected[i], (double)got[i]);
    }
    if (!(sum > 0)) fail_msg("%s: %s: silent", w->text, what);
}

static int avx512(void) { return hk_context_isa(net_context()) == 2 && !getenv("HILLOCK_TEST_BACKEND"); }

static void test_spikes_have_the_bits_of_the_operations_one_by_one(void **state) {
    (void)state;
    for (int k = 0; k < N_WORK; k++) {
        const work *w = &works[k];
        int64_t n = run(w, HK_TRAIN, 0, 2, 0, "y", NULL, expected, NULL);
        for (int threads = 1; threads <= 3; threads += 2)
            for (int64_t nb = -1; nb <= 16; nb += nb < 0 ? 1 : 16) {
                char *plan;
                same(w, "y", n, run(w, HK_INFER, 0, threads, nb, "y", NULL, got, &plan));
                if (!strstr(plan, "linear_neuron") || (avx512() && !strstr(plan, w->impl))) fail_msg("%s: no linear_neuron by '%s':\n%s", w->text, w->impl, plan);
                free(plan);
            }
    }
}

static void test_columns_have_the_bits_of_a_plan_without_fusion(void **state) {
    (void)state;
    static const work w[] = { { "Sequential(ColumnAsTime(), Linear(9, 32), IF(surrogate=ATan()))", "", 28 }, { "Sequential(ColumnAsTime(), Linear(9, 24), LIF(tau=1.5, v_threshold=0.1, surrogate=ATan()))", "", 10 },
        { "Sequential(ColumnAsTime(), Linear(9, 5), QIF(surrogate=ATan()))", "", 10 } };
    for (int k = 0; k < 3; k++) same(&w[k], "y", run(&w[k], HK_INFER, HK_PASS_FUSE, 1, 0, "y", NULL, expected, NULL), run(&w[k], HK_INFER, 0, 2, 0, "y", NULL, got, NULL));
}

static void test_the_mean_is_made_with_the_spikes(void **state) {
    (void)state;
    for (int k = 0; k < N_WORK; k++) {
        const work *w = &works[k];
        char *plan, *both;
        int64_t n = run(w, HK_INFER, 0, 1, 0, "rate", "y", expected, &both); /* the spikes are asked for: two operations */
        for (int threads = 1; threads <= 3; threads += 2) {
            same(w, "rate", n, run(w, HK_INFER, 0, threads, 0, "rate", NULL, got, &plan));
            if (strstr(plan, " sum_t ")) fail_msg("%s: the sum is an operation of its own:\n%s", w->text, plan);
            free(plan);
        }
        if (!strstr(both, " sum_t ") || !strstr(both, "not fused by neuron+mean over T: what the neuron gives is also read by")) fail_msg("%s: no note, or no sum_t:\n%s", w->text, both);
        free(both);
    }
}

static void test_what_others_read_is_there(void **state) {
    (void)state;
    for (int k = 0; k < 11; k++) {
        const work *w = &works[k];
        char *plan;
        same(w, "state at each step", run(w, HK_INFER, HK_PASS_FUSE, 1, 0, k == 10 ? "2:mem" : "2:v", NULL, expected, NULL),
            run(w, HK_INFER, 0, 2, 0, k == 10 ? "2:mem" : "2:v", NULL, got, NULL));
        same(w, "product", run(w, HK_INFER, HK_PASS_FUSE, 1, 0, "1:y", NULL, expected, NULL), run(w, HK_INFER, 0, 2, 0, "1:y", "y", got, &plan));
        if (!strstr(plan, "not fused by linear+neuron: what linear gives is also read by")) fail_msg("%s: no note:\n%s", w->text, plan);
        free(plan);
    }
}

/* One step at a time, and all in one run. */
static void test_state_is_carried_on(void **state) {
    (void)state;
    enum { T = 7, K = 6, O = 10 };
    static const char *const texts[] = { "Sequential(Linear(6, 32), IF(surrogate=ATan()), Linear(32, 10), LIF(tau=1.5, v_threshold=0.1, surrogate=ATan()))",
        "Sequential(Linear(6, 32), IF(surrogate=ATan()), Linear(32, 10), QIF(v_threshold=0.1, surrogate=ATan()))",
        "Sequential(Linear(6, 12), LinearRecurrent(IF(surrogate=ATan(), v_reset=none), in_features=12, out_features=12), Linear(12, 10), IF(surrogate=ATan()))" };
    static const int64_t parts[2][T] = { { 1, 1, 1, 1, 1, 1, 1 }, { 3, 4 } };
    for (int k = 0; k < 3; k++)
        for (int way = 0; way < 2; way++) {
            hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
            hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
            const work w = { texts[k], "", T };
            float x[T * N * K];
            uint64_t seed = 9;
            c.seed = 5, c.threads = 1 + way;
            net n;
            net_make(&n, texts[k], NULL, NULL, c, ec);
            for (int i = 0; i < T * N * K; i++) x[i] = (float)net_uniform(&seed, -1, 3);
            net_ok(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ K }));
            net_ok(hk_executor_write(n.ex, "x", HK_F32, x, T * N * K));
            net_ok(hk_executor_run(n.ex));
            net_ok(hk_executor_read(n.ex, "y", HK_F32, expected, T * N * O));
            for (int64_t t = 0, p = 0; t < T; t += parts[way][p++]) {
                int64_t len = parts[way][p];
                net_ok(hk_executor_shape(n.ex, len, N, 1, 1, (int64_t[]){ K }));
                net_ok(hk_executor_write(n.ex, "x", HK_F32, x + t * N * K, len * N * K));
                net_ok(t ? hk_executor_continue(n.ex) : hk_executor_run(n.ex));
                net_ok(hk_executor_read(n.ex, "y", HK_F32, got + t * N * O, len * N * O));
            }
            same(&w, "steps", T * N * O, T * N * O);
            net_free(&n);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_spikes_have_the_bits_of_the_operations_one_by_one), cmocka_unit_test(test_columns_have_the_bits_of_a_plan_without_fusion),
        cmocka_unit_test(test_the_mean_is_made_with_the_spikes), cmocka_unit_test(test_what_others_read_is_there), cmocka_unit_test(test_state_is_carried_on) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
