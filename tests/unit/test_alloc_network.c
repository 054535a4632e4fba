/* test_alloc_network.c - no memory while a network is made from text, planned and trained for two steps: a recurrent one and a
 * convolutional one, as small as their kinds can be. After a failure the same objects go on, and compute what they would have. */
#include "alloc_fail.h"

static const struct kind {
    const char *name, *text;
    int64_t shape[3];
} kinds[] = {
    { "seq-feedback",
        "Sequential(ColumnAsTime(), Linear(4, 3), LinearRecurrent(IF(surrogate=ATan(), detach_reset=true), in_features=3, out_features=3, bias=true), "
        "Linear(3, 2), IF(surrogate=ATan(), detach_reset=true))",
        { 1, 4, 2 } },
    { "csnn",
        "Sequential(Conv2d(1, 2, kernel_size=3, padding=1, bias=false), BatchNorm2d(2), IF(surrogate=ATan()), MaxPool2d(2, 2), Flatten(), "
        "Linear(8, 2, bias=false), IF(surrogate=ATan()))",
        { 1, 4, 4 } },
};
static const struct kind *kind;
enum { T = 2, N = 3 };
static float x[N * 16];
static const int64_t target[N] = { 0, 1, 1 };
static double expected[2]; /* the losses of two steps */

static hk_context *ctx;
static hk_module *root, *loss, *optimizer;
static hk_network *net;
static hk_executor *train, *infer;

static const char *error(void) { return hk_error(ctx); }
static void out_of_memory(hk_status st) {
    if (st != HK_ENOMEM) fail_msg("%s: expected ENOMEM, got %s: %s", kind->name, hk_status_name(st), error());
}
static void nothing(void) {}

static hk_status make_modules(void) {
    hk_status st = root ? HK_OK : hk_module_new_from_text(ctx, "hk.module/1", kind->text, &root);
    if (!st && !loss) st = hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss);
    if (!st && !optimizer) st = hk_module_new_from_text(ctx, "hk.optimizer/1", "SGD(lr=0.5, momentum=0.9)", &optimizer);
    return st;
}
static hk_status make_network(void) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.threads = 1, nc.loss = loss, nc.optimizer = optimizer;
    static const hk_output outputs[] = { { "y", 0, 0 }, { ":y", 0, 0 } };
    hk_executor_config ec = { sizeof ec, HK_TRAIN, 0, 1, outputs };
    hk_status st = net ? HK_OK : hk_network_new(ctx, root, &nc, &net);
    if (!st && !train) st = hk_executor_new(net, &ec, &train);
    ec.mode = HK_INFER;
    if (!st && !infer) st = hk_executor_new(net, &ec, &infer);
    return st;
}
static hk_status make_plans(void) {
    hk_status st = make_network();
    if (!st) st = hk_executor_shape(train, T, N, 0, 3, kind->shape);
    return st ? st : hk_executor_shape(infer, T, N, 0, 3, kind->shape);
}
static hk_status one_step(hk_executor *ex, double *got) {
    int64_t count = N * kind->shape[0] * kind->shape[1] * kind->shape[2];
    hk_status st = hk_executor_write(ex, "x", HK_F32, x, count);
    if (!st) st = hk_executor_write(ex, "target", HK_I64, target, N);
    if (!st) st = hk_executor_run(ex);
    return st ? st : hk_executor_read(ex, "loss", HK_F64, got, 1);
}
static double got[2];
static hk_status two_steps(void) {
    hk_status st = HK_OK;
    while (!st && hk_network_step(net) < 2) st = one_step(train, &got[hk_network_step(net)]);
    return st;
}

static void release(void) {
    hk_executor_free(train), hk_executor_free(infer), hk_network_free(net);
    hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer);
    train = infer = NULL, net = NULL, root = loss = optimizer = NULL;
}
static void must(hk_status st) {
    if (st) fail_msg("%s: %s: %s", kind->name, hk_status_name(st), error());
}
static void with_modules(void) { must(make_modules()); }
static void with_plans(void) { must(make_modules()), must(make_plans()); }
static void with_network(void) { must(make_modules()), must(make_network()); }

static void modules_right(void) {
    char text[2048];
    assert_true(hk_module_to_text(root, text, sizeof text) > 100);
    assert_non_null(strstr(text, "detach_reset="));
}
static void losses_right(void) {
    assert_int_equal(hk_network_step(net), 2);
    for (int i = 0; i < 2; i++)
        if (got[i] != expected[i]) fail_msg("%s: loss of step %d: expected %.17g, got %.17g", kind->name, i + 1, expected[i], got[i]);
}
static void trains_and_infers(void) {
    double l;
    must(two_steps());
    losses_right();
    must(one_step(infer, &l));
    assert_true(l >= 0);
}
/* Rows, gradients and state in another dtype go through a buffer of the executor; a smaller batch makes a second plan and new state. */
static hk_status steps_and_reads(void) {
    double y[T * N * 2];
    float w[64];
    hk_status st = two_steps();
    if (!st) st = hk_executor_read(train, "y", HK_F64, y, T * N * 2);
    if (!st) st = hk_network_read_param(net, 0, w);
    if (!st) st = hk_executor_shape(infer, T, N - 1, 0, 3, kind->shape);
    if (!st) st = hk_executor_write(infer, "x", HK_F32, x, (N - 1) * kind->shape[0] * kind->shape[1] * kind->shape[2]);
    if (!st) st = hk_executor_write(infer, "target", HK_I64, target, N - 1);
    return st ? st : hk_executor_run(infer);
}

static void reference(void) {
    with_plans();
    must(two_steps());
    memcpy(expected, got, sizeof got);
    if (!(expected[0] > 0) || expected[1] == expected[0]) fail_msg("losses of %s: %g, %g", kind->name, expected[0], expected[1]);
    release();
}

static void test_kind(const struct kind *k) {
    char name[4][64];
    kind = k;
    reference();
    const alloc_scenario s[] = {
        { name[0], nothing, make_modules, error, out_of_memory, modules_right, release, 16, 1 /* asprintf of a path does without a block of the right size */ },
        { name[1], with_modules, make_network, error, out_of_memory, nothing, release, 0, 1 },
        { name[2], with_network, make_plans, error, out_of_memory, trains_and_infers, release, 8, 1 /* qsort sorts in place when it gets no buffer */ },
        { name[3], with_plans, steps_and_reads, error, out_of_memory, losses_right, release, 0, 1 },
    };
    static const char *const what[] = { "modules", "network", "plans", "two steps" };
    for (int i = 0; i < 4; i++) {
        snprintf(name[i], sizeof name[i], "%s, %s", k->name, what[i]);
        alloc_scenario_run(&s[i]);
    }
}
static void test_seq_feedback(void **state) {
    (void)state;
    test_kind(&kinds[0]);
}
static void test_csnn(void **state) {
    (void)state;
    test_kind(&kinds[1]);
}

/* The messages of errors are put together without memory of their own, or say that there is none. */
static hk_status misspelt(void) {
    hk_module *m = NULL;
    hk_status st = hk_module_new_from_text(ctx, "hk.module/1", "Sequential(Linaer(4, 3))", &m);
    assert_null(m);
    return st == HK_ENOTFOUND ? HK_OK : st ? st : HK_EINTERNAL;
}
static void says_linear(void) { assert_non_null(strstr(error(), "did you mean 'Linear'")); }
static void test_misspelt(void **state) {
    (void)state;
    static const alloc_scenario s = { "misspelt layer", nothing, misspelt, error, out_of_memory, says_linear, release, 1, 1 };
    alloc_scenario_run(&s);
}

static int begin(void **state) {
    (void)state;
    hk_context_config c = HK_CONTEXT_CONFIG_DEFAULT;
    c.plugin_path = HILLOCK_BUILD_PLUGIN_DIR, c.no_default_plugins = 1;
    for (int i = 0; i < N * 16; i++) x[i] = (float)(i * 7 % 11 - 4);
    kind = &kinds[0];
    return hk_context_new(&c, &ctx);
}
static int end(void **state) {
    (void)state;
    hk_context_free(ctx);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_misspelt), cmocka_unit_test(test_seq_feedback), cmocka_unit_test(test_csnn) };
    return cmocka_run_group_tests(tests, begin, end);
}
