/* test_layer_arguments.c - words in place of numbers, and what is refused: Conv2d's padding, names of parameters that collide. */
#include "net.h"

static void expect_text(const char *text, const char *want) {
    char got[512];
    hk_module *m, *again;
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", text, &m));
    hk_module_to_text(m, got, sizeof got);
    if (!strstr(got, want)) fail_msg("%s: expected '%s' in %s", text, want, got);
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", got, &again)); /* and it can be read */
    hk_module_free(m), hk_module_free(again);
}

static void expect_shape(const char *text, int64_t H, int64_t W) {
    const int64_t shape[3] = { 1, 8, 9 };
    int64_t dims[HK_MAX_RANK + 2];
    int rank;
    net n;
    net_make(&n, text, NULL, NULL, (hk_network_config)HK_NETWORK_CONFIG_DEFAULT, (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_INFER });
    net_ok(hk_executor_shape(n.ex, 1, 1, 0, 3, shape));
    net_ok(hk_executor_dims(n.ex, "y", &rank, dims));
    if (dims[rank - 2] != H || dims[rank - 1] != W)
        fail_msg("%s: expected pictures of %lldx%lld, got %lldx%lld", text, (long long)H, (long long)W, (long long)dims[rank - 2], (long long)dims[rank - 1]);
    net_free(&n);
}

static void expect_refused(const char *text, const char *word) {
    hk_module *m = NULL;
    hk_status st = hk_module_new_from_text(net_context(), "hk.module/1", text, &m);
    if (st != HK_ECONFIG || !strstr(hk_error(net_context()), word)) fail_msg("%s: expected '%s', got %s: %s", text, word, hk_status_name(st), hk_error(net_context()));
    hk_module_free(m);
}

static void padding(void **state) {
    (void)state;
    expect_text("Conv2d(1, 2, 3, padding=\"same\")", "padding=same");
    expect_text("Conv2d(1, 2, 3, 1, valid)", "padding=valid");
    expect_text("Conv2d(1, 2, 3, padding=(1, 2), padding_mode=\"zeros\")", "padding=[1, 2]");
    expect_shape("Conv2d(1, 2, (3, 4), padding=same)", 8, 9);
    expect_shape("Conv2d(1, 2, 3, padding=same, dilation=2)", 8, 9);
    expect_shape("Conv2d(1, 2, (3, 4), padding=valid)", 6, 6);
    expect_shape("Conv2d(1, 2, (3, 4), stride=2, padding=valid)", 3, 3);
    expect_shape("Conv2d(1, 2, (3, 4), padding=1)", 8, 8);
    expect_refused("Conv2d(1, 2, 3, padding=full)", "padding must be an integer or a list of integers, or same|valid, got the word 'full'");
    expect_refused("Conv2d(1, 2, 3, padding=none)", "padding must be an integer or a list of integers, or same|valid, got none");
    expect_refused("Conv2d(1, 2, 3, padding=(1, same))", "got the word 'same'");
    expect_refused("Conv2d(1, 2, 3, padding=(1, 2, 3))", "padding must be an integer or two of them");
    expect_refused("Conv2d(1, 2, 3, stride=(1, 2), padding=same)", "padding=same needs stride=1");
    expect_refused("Conv2d(1, 2, 3, padding=1, padding_mode=reflect)", "padding_mode must be one of zeros, got the word 'reflect'");
    expect_refused("MaxPool2d(2, padding=same)", "padding must be an integer or a list of integers, got the word 'same'");
}

static void one_name_for_two_parameters(void **state) {
    (void)state;
    static const char *const names[] = { "a", "a.0" }, *const apart[] = { "a", "a.1" };
    static const char *const texts[] = { "Sequential(Linear(3, 3))", "Linear(3, 3)" }, *const none[] = { "Sequential(Linear(3, 3))", "Flatten()" };
    hk_context *ctx = net_context();
    hk_module *root;
    hk_network *network = NULL;
    net_ok(hk_module_new_sequential(ctx, 2, names, texts, &root));
    hk_status st = hk_network_new(ctx, root, NULL, &network);
    if (st != HK_ECONFIG || !strstr(hk_error(ctx), "two parameters are called 'a.0.weight'"))
        fail_msg("expected a refusal that names a.0.weight, got %s: %s", hk_status_name(st), hk_error(ctx));
    assert_null(network);
    hk_module_free(root);
    for (int i = 0; i < 2; i++) { /* names that differ, and a layer without parameters */
        net_ok(hk_module_new_sequential(ctx, 2, i ? names : apart, i ? none : texts, &root));
        net_ok(hk_network_new(ctx, root, NULL, &network));
        assert_int_equal(hk_network_n_param(network), i ? 2 : 4);
        hk_network_free(network), hk_module_free(root);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(padding), cmocka_unit_test(one_name_for_two_parameters) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
