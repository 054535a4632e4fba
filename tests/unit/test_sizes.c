/* test_sizes.c - absurd sizes are refused by name with the bytes that they need, before they are allocated: exit code 2, one line. Each row
 * is one --set over a small network; 64 MiB of address space are all that a refusal may take. */
#include "command_run.h"
#include "little_memory.h"

static int n_cases;
static char dir[] = "/tmp/hillock-sizes-XXXXXX";

/* 3 x 28 x 28 bytes and 3 labels, their order, one batch of 2: what the trainer holds beside the network when a plan is made. */
#define DATA (3 * 785 + 3 * 8 + 2 * (784 * 4 + 16) + 2 * 784 * 4)
static const char ini[] = "[run]\nthreads = 2\nmemory_limit = 1GiB\n[data]\nname = MNIST(root=\".\")\n[model]\nT = 4\n[layers]\n"
                          "conv = Conv2d(1, 4, kernel_size=3, padding=1)\npool = MaxPool2d(2)\nflat = Flatten()\nfc = Linear(784, 10)\nsn = IF(surrogate=ATan())\n"
                          "[train]\nbatch = 2\nepochs = 1\nlr = 0.1\noptimizer = Adam()\n";

typedef struct row {
    const char *set, *at, *word[3];
} row;
static const row rows[] = {
    /* out of range by the table of keys */
    { "model.T=0", "--set 1: [model] T: ", { "expected an integer from 1 to 1099511627776, got '0'" } },
    { "model.T=-1", "--set 1: [model] T: ", { "got '-1'" } },
    { "model.T=1099511627777", "--set 1: [model] T: ", { "got '1099511627777'" } },
    { "model.T=9223372036854775808", "--set 1: [model] T: ", { "out of range" } },
    { "train.batch=0", "--set 1: [train] batch: ", { "expected an integer from 1" } },
    { "train.batch=-2147483648", "--set 1: [train] batch: ", { "expected an integer from 1" } },
    { "train.test_batch=0", "--set 1: [train] test_batch: ", { "expected an integer from 1" } },
    { "run.threads=100000", "--set 1: [run] threads: ", { "from 0 to 1024" } },
    { "run.nb=18446744073709551616", "--set 1: [run] nb: ", { "out of range" } },
    /* by their bytes */
    { "model.T=1099511627776", "t.ini:13: [layers] sn: ", { "a result of shape [10], for one sample and T = 1099511627776, needs 43980465111040 bytes", "memory_limit is 1073741824" } },
    { "model.T=100000000", "t.ini:13: [layers] sn: ", { "T = 100000000, needs 4000000000 bytes" } },
    { "train.batch=2147483648", "--set 1: [train] batch: ", { "the training plan for T = 4 and 2147483648 samples", "needs at least 67345", "take a smaller batch" } },
    { "train.batch=1099511627776", "--set 1: [train] batch: ", { "and 1099511627776 samples", "bytes, and memory_limit is" } },
    { "train.test_batch=2147483648", "--set 1: [train] test_batch: ", { "the test plan for T = 4 and 2147483648 samples" } },
    { "train.test_batch=1099511627776", "--set 1: [train] test_batch: ", { "and 1099511627776 samples" } },
    { "layers.fc=Linear(784, 1099511627776)", "--set 1: [layers] fc: ", { "parameter fc.weight of shape [1099511627776, 784]", "need 172623", "memory_limit is 1073741824" } },
    { "layers.fc=Linear(1099511627776, 1)", "--set 1: [layers] fc: ", { "parameter fc.weight of shape [1, 1099511627776]", "need 21990232572075 bytes" } },
    { "layers.fc=Linear(1099511627776, 1099511627776)", "--set 1: [layers] fc: ", { "parameter 'weight'", "too large" } },
    { "layers.fc=Linear(784, 9223372036854775807)", "--set 1: [layers] fc: ", { "parameter 'weight'", "too large" } },
    { "layers.fc=Linear(784, 9223372036854775808)", "--set 1: [layers] fc: ", { "expected an integer of 64 bits" } },
    { "layers.fc=Linear(784, 183820000000000)", "--set 1: [layers] fc: ", { "shape [183820000000000, 784]", "more than 1152921504606846976 bytes" } }, /* 144114880000000000 numbers: just countable */
    { "layers.fc=Linear(784, 100000)", "--set 1: [layers] fc: ", { "parameter fc.weight of shape [100000, 784]", "bytes of data, need 1570" } }, /* 314 MB, five times */
    { "layers.fc=Linear(784, -5)", "--set 1: [layers] fc: ", { "out_features must be at least 1, got -5" } },
    { "layers.fc=Linear(784, 0)", "--set 1: [layers] fc: ", { "out_features must be at least 1, got 0" } },
    { "layers.fc=LinearRecurrent(Linear(1099511627776, 10), 10, 10)", "--set 1: [layers] fc: ", { NULL } },
    { "layers.conv=Conv2d(1, 1099511627776, kernel_size=3)", "--set 1: [layers] conv: ", { "parameter conv.weight of shape [1099511627776, 1, 3, 3]" } },
    { "layers.conv=Conv2d(1099511627776, 4, kernel_size=3)", "--set 1: [layers] conv: ", { "parameter conv.weight of shape [4, 1099511627776, 3, 3]" } },
    { "layers.conv=Conv2d(4611686018427387904, 4, kernel_size=65535)", "--set 1: [layers] conv: ", { "parameter 'weight'", "too large" } },
    { "layers.conv=Conv2d(1, 4, kernel_size=60000)", "--set 1: [layers] conv: ", { "parameter conv.weight of shape [4, 1, 60000, 60000]" } },
    { "layers.conv=Conv2d(1, 1000, kernel_size=1, padding=60000)", "--set 1: [layers] conv: ", { "a result of shape [1000, 120028, 120028]", "needs 57626883136000 bytes" } },
    { "layers.conv=Conv2d(1, 4, kernel_size=3, padding=4611686018427387904)", "--set 1: [layers] conv: ", { "padding must be from 0 to 65535" } },
    { "layers.conv=Conv2d(1, 4, kernel_size=3, dilation=9223372036854775807)", "--set 1: [layers] conv: ", { "dilation must be from 1 to 65535" } },
    { "layers.conv=Conv2d(1, 4, kernel_size=3, dilation=65535)", "--set 1: [layers] conv: ", { "does not fit into an input" } },
    { "layers.conv=BatchNorm2d(1099511627776)", "--set 1: [layers] conv: ", { "parameter conv.weight of shape [1099511627776]" } },
    { "layers.pool=AdaptiveAvgPool2d(60000)", "--set 1: [layers] pool: ", { "a result of shape [4, 60000, 60000]", "needs 57600000000 bytes" } },
    { "layers.pool=AvgPool2d(9223372036854775807)", "--set 1: [layers] pool: ", { "kernel_size must be from 1 to 65535" } },
    { "layers.pool=MaxPool2d(1, padding=65535, stride=1)", "--set 1: [layers] pool: ", { NULL } },
    { "layers.sn=VotingLayer(9223372036854775807)", "--set 1: [layers] sn: ", { "voting_size=9223372036854775807" } },
    /* the sum of what is small */
    { "run.memory_limit=1", "t.ini:12: [layers] fc: ", { "need 1", "memory_limit is 1: " } },
    { "run.memory_limit=100000", "t.ini:12: [layers] fc: ", { "memory_limit is 100000: " } },
    { "run.memory_limit=200000", "t.ini:15: [train] batch: ", { "the training plan for T = 4 and 2 samples (arena ", "data 14955", "memory_limit is 200000: " } },
};

static void absurd_sizes(void **state) {
    (void)state;
    ran r;
    run_command(&r, (const char *const[]){ "plan", "t.ini", NULL }); /* the plugins and threads are there before memory is short */
    if (r.code) fail_msg("%s", r.err);
    begin_little_memory(64u << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run_command(&r, (const char *const[]){ "plan", "t.ini", "--set", rows[i].set, NULL });
        const char *const words[] = { rows[i].word[0], rows[i].word[1], rows[i].word[2], NULL };
        check_refused(&r, rows[i].set, 2, rows[i].at, words);
        n_cases++;
    }
}

/* Without a limit, the machine's memory is the limit. */
static void more_than_the_machine(void **state) {
    (void)state;
    static const char *const set[] = { "layers.fc=Linear(784, 1099511627776)", "model.T=1099511627776", "train.batch=1099511627776" };
    begin_little_memory(64u << 20);
    for (size_t i = 0; i < 3; i++) {
        ran r;
        run_command(&r, (const char *const[]){ "plan", "t.ini", "--set", "run.memory_limit=0", "--set", set[i], NULL });
        check_refused(&r, set[i], 2, i == 1 ? "t.ini:" : "--set 2: ", (const char *const[]){ "bytes, and the memory and swap of this machine are ", NULL });
        n_cases++;
    }
}

/* The message's number is the limit from which on it is accepted. */
static void the_number_is_right(void **state) {
    (void)state;
    ran r;
    char set[64];
    run_command(&r, (const char *const[]){ "plan", "t.ini", "--set", "run.memory_limit=200000", NULL });
    const char *needs = strstr(r.err, "needs ");
    if (!needs) fail_msg("%s", r.err);
    long long bytes = strstr(needs, "at least") ? 0 : atoll(needs + 6), arena = atoll(strstr(r.err, "arena ") + 6), params = atoll(strstr(r.err, "state ") + 6);
    const char *data = strstr(r.err, "data ");
    if (atoll(data + 5) != DATA) fail_msg("expected %d bytes of data, got %s", DATA, data);
    assert_int_equal(params, 4 * 5 * (48 + 16 + 7840 + 16)); /* value, gradient, three states of Adam; each parameter begins at a multiple of 16 */
    assert_true(arena > 0 && bytes >= arena + params + DATA);
    for (int more = -1; more <= 0; more++) {
        snprintf(set, sizeof set, "run.memory_limit=%lld", bytes + more);
        run_command(&r, (const char *const[]){ "plan", "t.ini", "--set", set, "--set", "train.test_batch=1", NULL });
        if ((r.code == 0) != (more == 0)) fail_msg("%s: exit code %d, %s", set, r.code, r.err);
        n_cases++;
    }
}

/* A refused training leaves no folder. */
static void nothing_is_left(void **state) {
    (void)state;
    ran r;
    run_command(&r, (const char *const[]){ "train", "t.ini", "--out", "run", "--set", "run.memory_limit=200000", NULL });
    check_refused(&r, "train", 2, "t.ini:15: [train] batch: ", (const char *const[]){ NULL });
    assert_int_equal(access("run", F_OK), -1);
    run_command(&r, (const char *const[]){ "train", "t.ini", "--out", "run", "--set", "train.batch=2147483648", NULL });
    check_refused(&r, "train", 2, "--set 1: [train] batch: ", (const char *const[]){ "expected at most 3, the number of training samples, got 2147483648", NULL });
    assert_int_equal(access("run", F_OK), -1);
    n_cases += 2;
}

/* The same through the C API. */
static void shapes_of_a_program(void **state) {
    (void)state;
    hk_context *ctx;
    hk_module *root;
    hk_network *net;
    hk_executor *ex;
    const int64_t big = INT64_C(1) << 40;
    assert_int_equal(hk_context_new(NULL, &ctx), HK_OK);
    assert_int_equal(hk_module_new_from_text(ctx, "hk.module/1", "Flatten()", &root), HK_OK);
    assert_int_equal(hk_network_new(ctx, root, NULL, &net), HK_OK);
    assert_int_equal(hk_executor_new(net, &(hk_executor_config){ .struct_size = sizeof(hk_executor_config) }, &ex), HK_OK);
    const struct {
        int64_t T, N, shape[3];
        int rank;
        const char *word;
    } bad[] = {
        { 0, 1, { 1 }, 1, "T: expected 1 to 1099511627776 time steps, got 0" },
        { -1, 1, { 1 }, 1, "T: expected 1 to" },
        { INT64_MIN, 1, { 1 }, 1, "T: expected 1 to" },
        { big + 1, 1, { 1 }, 1, "got 1099511627777" },
        { INT64_MAX, 1, { 1 }, 1, "T: expected 1 to" },
        { 1, 0, { 1 }, 1, "batch: expected 1 to 1099511627776 samples, got 0" },
        { 1, big + 1, { 1 }, 1, "batch: expected 1 to" },
        { 1, INT64_MAX, { 1 }, 1, "batch: expected 1 to" },
        { 1, 1, { 0 }, 1, "input: expected 1 to 1099511627776 for axis 0, got 0" },
        { 1, 1, { 1, -1 }, 2, "for axis 1, got -1" },
        { 1, 1, { 1, 1, big + 1 }, 3, "for axis 2, got 1099511627777" },
        { 1, 1, { 1 }, -1, "at most 4 axes" },
        { 1, 1, { 1 }, 99, "at most 4 axes" },
        { 1, 1, { big, big, big }, 3, "an input of shape [1099511627776, 1099511627776, 1099511627776], for 1 samples and 1 time steps, needs more than" },
        { big, big, { 1 }, 1, "needs more than 1152921504606846976 bytes" },
        { 1, big, { big }, 1, "needs more than 1152921504606846976 bytes" },
        { 1, 1, { big }, 1, "samples (arena 4398046511104" },
        { 1, big, { 4 }, 1, "the test plan for T = 1 and 1099511627776 samples" },
    };
    begin_little_memory(64u << 20);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hk_status st = hk_executor_shape(ex, bad[i].T, bad[i].N, 0, bad[i].rank, bad[i].shape);
        if (hk_status_exit_code(st) != 2 || (!strstr(hk_error(ctx), bad[i].word) && bad[i].rank >= 0 && bad[i].rank < 9))
            fail_msg("row %zu: expected '%s', got %s: %s", i, bad[i].word, hk_status_name(st), hk_error(ctx));
        n_cases++;
    }
    give_memory_back(NULL);
    assert_int_equal(hk_executor_shape(ex, 2, 3, 0, 1, (int64_t[]){ 4 }), HK_OK); /* and it still works */
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_context_free(ctx);
}

static int begin(void **state) {
    (void)state;
    uint8_t images[16 + 3 * 784] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28 }, labels[11] = { 0, 0, 8, 1, 0, 0, 0, 3 };
    if (!mkdtemp(dir) || chdir(dir)) return -1;
    write_text("train-images-idx3-ubyte", images, sizeof images), write_text("train-labels-idx1-ubyte", labels, sizeof labels);
    write_text("t10k-images-idx3-ubyte", images, sizeof images), write_text("t10k-labels-idx1-ubyte", labels, sizeof labels);
    write_text("t.ini", ini, sizeof ini - 1);
    return 0;
}
static int end(void **state) {
    (void)state;
    printf("count: sizes %d\n", n_cases);
    unlink("train-images-idx3-ubyte"), unlink("train-labels-idx1-ubyte"), unlink("t10k-images-idx3-ubyte"), unlink("t10k-labels-idx1-ubyte"), unlink("t.ini");
    return chdir("/") || rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(absurd_sizes, give_memory_back),
        cmocka_unit_test_teardown(more_than_the_machine, give_memory_back),
        cmocka_unit_test(the_number_is_right),
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test_teardown(shapes_of_a_program, give_memory_back),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
