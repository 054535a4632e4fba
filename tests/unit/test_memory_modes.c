/* test_memory_modes.c - [run] memory: what a plan keeps, makes again and packs changes its bytes, and no bit of what it computes. */
#include "net.h"

#define CONV                                                                                                                                                   \
    "Sequential(Conv2d(1, 16, kernel_size=3, padding=1, bias=false), BatchNorm2d(16), IF(surrogate=ATan()), MaxPool2d(2, 2), Conv2d(16, 16, kernel_size=3, "   \
    "padding=1, bias=false), "                                                                                                                                 \
    "BatchNorm2d(16), IF(surrogate=ATan()), MaxPool2d(2, 2), Flatten(), Linear(784, 32, bias=false), IF(surrogate=ATan()), Linear(32, 10, bias=false), "       \
    "IF(surrogate=ATan()))"
/* A stage between two segments that can be made again by a chain of operations, odd sizes, a window of 9 places. */
#define ODD                                                                                                                                                    \
    "Sequential(Conv2d(1, 3, kernel_size=3), AvgPool2d(2), BatchNorm2d(3), IF(surrogate=ATan()), MaxPool2d(3, 2), Conv2d(3, 5, kernel_size=3), "               \
    "BatchNorm2d(5), IF(surrogate=ATan()), "                                                                                                                   \
    "Flatten(), Linear(80, 10), IF(surrogate=ATan()))"
#define BACK                                                                                                                                                   \
    "Sequential(Conv2d(1, 4, kernel_size=3), BatchNorm2d(4), IF(surrogate=ATan()), AvgPool2d(2), Flatten(), Linear(676, 20), "                                 \
    "LinearRecurrent(IF(surrogate=ATan(), detach_reset=true), in_features=20, out_features=20, bias=true), Linear(20, 10), IF(surrogate=ATan()))"

static const uint32_t modes[] = { HK_MEMORY_FAST, HK_MEMORY_BALANCED, HK_MEMORY_SMALL };
static const char *const mode_name[] = { "fast", "balanced", "small" };

typedef struct trained {
    float *param;
    int64_t n;
    double loss[5];
    hk_plan_stats stats;
    char *plan;
} trained;

static trained train(const char *text, const char *backend, uint32_t memory, uint32_t off, uint32_t flags, int64_t nb, int64_t T, int64_t N) {
    static float x[96 * 784];
    static int64_t target[96];
    uint64_t seed = 3;
    size_t size = 0;
    trained t = { 0 };
    for (int i = 0; i < 96 * 784; i++) x[i] = (float)net_uniform(&seed, 0, 1);
    for (int i = 0; i < 96; i++) target[i] = i % 10;
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.backend = backend, c.threads = 2, c.memory = memory, c.passes_off = off, c.nb = nb, c.seed = 1;
    net n;
    net_make(
        &n, text, "MSE()", "SGD(lr=0.1, momentum=0.9)", c, (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = flags });
    net_ok(hk_executor_shape(n.ex, T, N, 0, 3, (int64_t[]){ 1, 28, 28 }));
    net_ok(hk_executor_stats(n.ex, &t.stats));
    FILE *f = open_memstream(&t.plan, &size);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    for (int k = 0; k < 5; k++) {
        net_ok(hk_executor_write(n.ex, "x", HK_F32, x, N * 784));
        net_ok(hk_executor_write(n.ex, "target", HK_I64, target, N));
        net_ok(hk_executor_run(n.ex));
        if (flags & HK_SEPARATE) {
            net_ok(hk_executor_backward(n.ex));
            net_ok(hk_executor_step(n.ex));
        }
        net_ok(hk_executor_read(n.ex, "loss", HK_F64, &t.loss[k], 1));
    }
    for (int i = 0; i < hk_network_n_param(n.net); i++) t.n += hk_network_param(n.net, i)->elems;
    t.param = malloc((size_t)t.n * sizeof *t.param);
    for (int64_t i = 0, at = 0; i < hk_network_n_param(n.net); at += hk_network_param(n.net, (int)i++)->elems)
        net_ok(hk_network_read_param(n.net, (int)i, t.param + at));
    net_free(&n);
    return t;
}

static void drop(trained *t) {
    free(t->param);
    free(t->plan);
}

static void same(const char *text, const char *what, const trained *a, const trained *b) {
    for (int k = 0; k < 5; k++)
        if (a->loss[k] != b->loss[k]) fail_msg("%s: %s: loss of step %d: fast %.17g, here %.17g\n%s", text, what, k, a->loss[k], b->loss[k], b->plan);
    for (int64_t i = 0; i < a->n; i++)
        if (memcmp(&a->param[i], &b->param[i], sizeof(float)))
            fail_msg("%s: %s: parameter number %lld: fast %.9g, here %.9g\n%s", text, what, (long long)i, a->param[i], b->param[i], b->plan);
}

static void test_modes_give_each_others_bits(void **state) {
    (void)state;
    static const char *const texts[] = { CONV, ODD, BACK };
    static const uint32_t off[] = { 0, HK_PASS_FUSE, HK_PASS_FOLD_TIME | HK_PASS_HOIST };
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            trained fast = train(texts[i], "cpu", HK_MEMORY_FAST, off[k], 0, 0, 3, 50);
            for (int m = 1; m < 6; m++) { /* also with the three calls apart, and with blocks of a given size */
                uint32_t flags = m == 3 ? HK_SEPARATE : 0;
                trained t = train(texts[i], "cpu", m < 3 ? modes[m] : HK_MEMORY_SMALL, off[k], flags, m == 4 ? 32 : m == 5 ? -1 : 0, 3, 50);
                same(texts[i], m < 3 ? mode_name[m] : m == 3 ? "small, separate calls" : m == 4 ? "small, blocks of 32" : "small, one block", &fast, &t);
                drop(&t);
            }
            drop(&fast);
        }
}

static void test_each_mode_takes_less(void **state) {
    (void)state;
    trained t[3];
    for (int m = 0; m < 3; m++) t[m] = train(CONV, "cpu", modes[m], 0, 0, 0, 4, 96);
    for (int m = 1; m < 3; m++)
        if (t[m].stats.arena >= t[m - 1].stats.arena)
            fail_msg("arena: %s %lld bytes, %s %lld bytes\n%s", mode_name[m - 1], (long long)t[m - 1].stats.arena, mode_name[m], (long long)t[m].stats.arena,
                t[m].plan);
    if (!strstr(t[0].plan, "memory fast") || strstr(t[0].plan, "not kept")) fail_msg("fast:\n%s", t[0].plan);
    if (!strstr(t[2].plan, "memory small") || !strstr(t[2].plan, "0: conv2d is done again in 3 segments, and ") ||
        !strstr(t[2].plan, " bytes are kept as 1 bit for each"))
        fail_msg("small:\n%s", t[2].plan);
    for (int m = 0; m < 3; m++) drop(&t[m]);
}

#define FEW                                                                                                                                                    \
    "Sequential(Conv2d(1, 4, kernel_size=3, padding=1), BatchNorm2d(4), IF(surrogate=ATan()), MaxPool2d(2, 2), Conv2d(4, 4, kernel_size=3, padding=1), "       \
    "BatchNorm2d(4), "                                                                                                                                         \
    "IF(surrogate=ATan()), Flatten(), Linear(784, 10), IF(surrogate=ATan()))"

static void test_ref_agrees_with_itself(void **state) {
    (void)state;
    trained fast = train(FEW, "ref", HK_MEMORY_FAST, 0, 0, 16, 2, 64), small = train(FEW, "ref", HK_MEMORY_SMALL, 0, 0, 16, 2, 64);
    same(FEW, "ref", &fast, &small);
    if (!strstr(small.plan, " is done again in ")) fail_msg("nothing was done again:\n%s", strstr(small.plan, "not fused"));
    drop(&fast), drop(&small);
}

/* A limit between the two: the plan of one is refused, and the text names the other, which is accepted. */
static void test_a_limit_that_only_small_keeps(void **state) {
    (void)state;
    trained small = train(CONV, "cpu", HK_MEMORY_SMALL, 0, 0, 0, 4, 96), fast = train(CONV, "cpu", HK_MEMORY_FAST, 0, 0, 0, 4, 96);
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.threads = 2, c.memory_limit = fast.stats.params + fast.stats.state + (small.stats.arena + fast.stats.arena) / 2;
    for (int m = 0; m < 3; m += 2) {
        net n;
        c.memory = modes[m];
        net_make(&n, CONV, "MSE()", "SGD(lr=0.1, momentum=0.9)", c, (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN });
        hk_status st = hk_executor_shape(n.ex, 4, 96, 0, 3, (int64_t[]){ 1, 28, 28 });
        const char *text = hk_error(net_context());
        if (m == 0 && (st != HK_ECONFIG || !strstr(text, "memory_limit is ") || !strstr(text, " or memory = small,")))
            fail_msg("fast: %s: %s", hk_status_name(st), text);
        if (m == 2 && st != HK_OK) fail_msg("small: %s: %s", hk_status_name(st), text);
        net_free(&n);
    }
    drop(&small), drop(&fast);
}

static void test_a_mode_that_does_not_exist_is_refused(void **state) {
    (void)state;
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_network *made = NULL;
    hk_module *root = NULL;
    c.memory = 7;
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", "Linear(2, 2)", &root));
    assert_int_equal(hk_network_new(net_context(), root, &c, &made), HK_ECONFIG);
    if (!strstr(hk_error(net_context()), "memory: ") || !strstr(hk_error(net_context()), "got 7")) fail_msg("%s", hk_error(net_context()));
    hk_module_free(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes_give_each_others_bits),
        cmocka_unit_test(test_each_mode_takes_less),
        cmocka_unit_test(test_ref_agrees_with_itself),
        cmocka_unit_test(test_a_limit_that_only_small_keeps),
        cmocka_unit_test(test_a_mode_that_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
