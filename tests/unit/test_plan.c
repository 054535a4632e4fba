/* The plan: rows that operations are given, lines, memory, and that a training step allocates nothing. */
#include "net.h"
#include <dlfcn.h>

/* ---- allocations, counted by standing in for malloc ---- */
static volatile long allocations;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *malloc(size_t n) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t m) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_calloc(n, m);
}
void *realloc(void *p, size_t n) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_realloc(p, n);
}
#define COUNTED 1
#else
#define COUNTED 0
#endif

/* ---- a backend that counts the rows it is given, then does what the tests' backend does ---- */
typedef struct spy_plan {
    const hk_backend *be; /* whose inner is: the tests' backend, or the one that it extends */
    hk_op_plan *inner;
    char op[32], path[32];
} spy_plan;
static const hk_backend *spied, *spied_base;
static long spy_linear_rows, spy_calls;

static hk_status spy_plan_new(hk_device *d, const hk_opdesc *desc, hk_op_plan **out) {
    spy_plan *p = calloc(1, sizeof *p);
    p->be = spied;
    hk_status st = spied->plan_new(d, desc, &p->inner);
    if (st == HK_EUNSUPPORTED && spied_base) p->be = spied_base, st = spied_base->plan_new(spied->base(d), desc, &p->inner);
    if (st != HK_OK) {
        free(p);
        return st;
    }
    snprintf(p->op, sizeof p->op, "%s", desc->op);
    snprintf(p->path, sizeof p->path, "%s", desc->path);
    *out = (hk_op_plan *)p;
    return HK_OK;
}
static void spy_plan_query(const hk_op_plan *p, hk_query *q) { ((const spy_plan *)p)->be->plan_query(((const spy_plan *)p)->inner, q); }
static hk_status spy_plan_run(const hk_op_plan *plan, hk_stream *st, const hk_bind *b) {
    const spy_plan *p = (const spy_plan *)plan;
    __atomic_add_fetch(&spy_calls, 1, __ATOMIC_RELAXED);
    if (strcmp(p->op, "linear") == 0 && strcmp(p->path, "1") == 0) __atomic_add_fetch(&spy_linear_rows, (long)(b->T * b->n), __ATOMIC_RELAXED);
    return p->be->plan_run(p->inner, st, b);
}
static void spy_plan_free(hk_op_plan *plan) {
    if (plan) ((spy_plan *)plan)->be->plan_free(((spy_plan *)plan)->inner);
    free(plan);
}
static hk_status spy_init(const hk_host *host) {
    static hk_backend spy;
    spied = host->get(host->ctx, "hk.backend/1", net_backend("cpu"));
    if (!spied) return (host->fail)(host->ctx, HK_ENOTFOUND, "no backend '%s'", net_backend("cpu"));
    if (spied->extends) spied_base = host->get(host->ctx, "hk.backend/1", spied->extends);
    spy = *spied;
    spy.plan_new = spy_plan_new, spy.plan_query = spy_plan_query, spy.plan_run = spy_plan_run, spy.plan_free = spy_plan_free;
    return host->add(host->ctx, "hk.backend/1", "spy", &spy);
}
static const hk_plugin_entry spy_entry = { HK_PLUGIN_MAGIC, sizeof(hk_plugin_entry), HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.spy", "1", "Apache-2.0", NULL, spy_init, NULL };

#define PLAIN "Sequential(Poisson(), Linear(28, 32), IF(surrogate=ATan()), Linear(32, 10), IF(surrogate=ATan()))"
#define FEEDBACK                                                                                                                                               \
    "Sequential(Poisson(), Linear(28, 32), LinearRecurrent(IF(surrogate=ATan(), detach_reset=true), in_features=32, out_features=32), Linear(32, 10), IF(surrogate=ATan()))"
#define SYNAPSE "Sequential(Poisson(), Linear(28, 32), IF(surrogate=ATan()), SynapseFilter(tau=2.0, learnable=true), Linear(32, 10), IF(surrogate=ATan()))"

static void make(net *n, const char *text, const char *backend, uint32_t mode, int64_t T, int64_t N, int64_t nb) {
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.backend = backend, c.threads = 2, c.nb = nb;
    hk_executor_config ec = { sizeof ec, mode, 0, 0, NULL };
    net_make(n, text, mode == HK_TRAIN ? "MSE()" : NULL, mode == HK_TRAIN ? "Adam(lr=0.001)" : NULL, c, ec);
    net_ok(hk_executor_shape(n->ex, T, N, 0, 1, (int64_t[]){ 28 }));
}

static void step(net *n, int64_t N) {
    static float x[256 * 28];
    static int64_t target[256];
    for (int i = 0; i < 256 * 28; i++) x[i] = (float)(i % 97) / 97;
    for (int i = 0; i < 256; i++) target[i] = i % 10;
    net_ok(hk_executor_write(n->ex, "x", HK_F32, x, N * 28));
    net_ok(hk_executor_write(n->ex, "target", HK_I64, target, N));
    net_ok(hk_executor_run(n->ex));
}

static void test_rows_given_to_the_input_product_are_T_times_N(void **state) {
    (void)state;
    static const char *const texts[] = { PLAIN, FEEDBACK, SYNAPSE };
    for (int i = 0; i < 3; i++) {
        net n;
        make(&n, texts[i], "spy", HK_TRAIN, 28, 100, 0);
        spy_linear_rows = 0;
        step(&n, 100);
        if (spy_linear_rows != 28 * 100) fail_msg("%s: linear 1 was given %ld rows, expected %d", texts[i], spy_linear_rows, 28 * 100);
        net_free(&n);
    }
}

static void test_lines_do_not_depend_on_T(void **state) {
    (void)state;
    hk_plan_stats s[2];
    for (int i = 0; i < 2; i++) {
        net n;
        make(&n, FEEDBACK, "cpu", HK_TRAIN, i ? 280 : 28, 64, 0);
        net_ok(hk_executor_stats(n.ex, &s[i]));
        net_free(&n);
    }
    assert_int_equal(s[0].lines, s[1].lines);
}

static void test_arena_is_near_the_largest_live_sum(void **state) {
    (void)state;
    static const char *const texts[] = { PLAIN, FEEDBACK, SYNAPSE };
    for (int i = 0; i < 3; i++)
        for (int mode = 0; mode < 2; mode++)
            for (int64_t nb = -1; nb < 17; nb += 17) {
                net n;
                hk_plan_stats s;
                make(&n, texts[i], "cpu", mode ? HK_TRAIN : HK_INFER, 28, 256, nb);
                net_ok(hk_executor_stats(n.ex, &s));
                if ((double)s.arena > 1.15 * (double)s.live_max)
                    fail_msg("%s nb=%lld mode=%d: arena %lld bytes, largest live sum %lld (%.3fx)", texts[i], (long long)nb, mode, (long long)s.arena, (long long)s.live_max,
                             (double)s.arena / (double)s.live_max);
                net_free(&n);
            }
}

static void test_a_longer_chain_takes_no_more_memory_for_inference(void **state) {
    (void)state;
    int64_t arena[2];
    for (int k = 0; k < 2; k++) {
        char text[4096] = "Sequential(";
        for (int i = 0; i < (k ? 20 : 4); i++) strcat(text, i ? ", Linear(28, 28), IF(surrogate=ATan())" : "Linear(28, 28), IF(surrogate=ATan())");
        strcat(text, ")");
        net n;
        hk_plan_stats s;
        make(&n, text, "cpu", HK_INFER, 8, 64, 0);
        net_ok(hk_executor_stats(n.ex, &s));
        arena[k] = s.arena;
        net_free(&n);
    }
    int64_t tables = 16 * 112 * 32 * 4; /* of the weights of the 16 more, for spikes */
    if (arena[1] > arena[0] + tables) fail_msg("4 layers: %lld bytes, 20 layers: %lld bytes", (long long)arena[0], (long long)arena[1]);
}

static void test_training_steps_allocate_nothing(void **state) {
    (void)state;
    if (!COUNTED) skip();
    static const char *const texts[] = { PLAIN, FEEDBACK, SYNAPSE };
    for (int i = 0; i < 3; i++) {
        net n;
        make(&n, texts[i], "cpu", HK_TRAIN, 28, 256, 0);
        step(&n, 256);
        step(&n, 256);
        long before = allocations;
        for (int k = 2; k < 100; k++) step(&n, 256);
        long made = allocations - before;
        if (made) fail_msg("%s: %ld allocations in 98 training steps", texts[i], made);
        net_free(&n);
    }
}

/* A module with two stateless branches of its input that meet in a sum: for the test below. */
static hk_status branches_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk_value y[2] = { HK_NONE, HK_NONE };
    (void)n_out;
    for (int i = 0; i < 2; i++) hk_module_build(b, hk_child(self, i), n_in, in, 1, &y[i]);
    out[0] = hk_add(b, y[0], y[1]);
    return HK_OK;
}
static hk_status branches_init(const hk_host *host) {
    static const hk_module_type type = { .struct_size = sizeof type, .role = HK_CONTAINER, .doc = "sum of two branches", .source = "test", .min_child = 2, .max_child = 2,
                                         .build = branches_build };
    return host->add(host->ctx, "hk.module/1", "Branches", &type);
}
static const hk_plugin_entry branches_entry = { HK_PLUGIN_MAGIC, sizeof(hk_plugin_entry), HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.branches", "1", "Apache-2.0", NULL, branches_init, NULL };

/* Rows that the printed plan gives for an operation of a module; -1: it has none. */
static long rows_of(const char *plan, const char *op, const char *path) {
    for (const char *line = plan; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        char unit[32], phase[32], name[32], module[64];
        int number;
        long rows;
        if (sscanf(line, " %31s %d %31s %31s %63s %ld", unit, &number, phase, name, module, &rows) == 6 && strcmp(name, op) == 0 && strcmp(module, path) == 0) return rows;
    }
    return -1;
}

/* An image that is the same at each step is convolved and normalised once: N rows, not T * N, until the first neuron. */
static void test_what_does_not_depend_on_time_has_N_rows(void **state) {
    (void)state;
    static const struct {
        const char *text;
        struct {
            const char *op, *path;
            long rows;
        } want[6];
    } cases[] = {
        { "Sequential(Conv2d(1, 16, 3, padding=1), BatchNorm2d(16), IF(surrogate=ATan()), Conv2d(16, 8, 3), BatchNorm2d(8), IF(surrogate=ATan()), Flatten(), Linear(5408, 10))",
          { { "conv2d", "0", 20 }, { "batchnorm", "1", 20 }, { "channel_stats", "1", 20 }, { "conv2d", "3", 60 }, { "batchnorm", "4", 60 } } },
        { "Sequential(Branches(Conv2d(1, 16, 3), Conv2d(1, 16, 3)), BatchNorm2d(16), IF(surrogate=ATan()), Conv2d(16, 8, 3), Flatten(), Linear(4608, 10))",
          { { "conv2d", "0.0", 20 }, { "conv2d", "0.1", 20 }, { "add", "0", 20 }, { "batchnorm", "1", 20 }, { "conv2d", "3", 60 } } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n;
        hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
        c.passes_off = HK_PASS_FUSE; /* so that each has a line of its own */
        hk_executor_config ec = { sizeof ec, HK_TRAIN, 0, 0, NULL };
        net_make(&n, cases[i].text, "MSE()", "SGD(lr=0.1)", c, ec);
        net_ok(hk_executor_shape(n.ex, 3, 20, 0, 3, (int64_t[]){ 1, 28, 28 }));
        char *plan = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&plan, &size);
        net_ok(hk_executor_print(n.ex, f));
        fclose(f);
        for (int k = 0; k < 6 && cases[i].want[k].op; k++) {
            long rows = rows_of(plan, cases[i].want[k].op, cases[i].want[k].path);
            if (rows != cases[i].want[k].rows)
                fail_msg("%s of %s has %ld rows, expected %ld:\n%s", cases[i].want[k].op, cases[i].want[k].path, rows, cases[i].want[k].rows, plan);
        }
        free(plan);
        net_free(&n);
    }
}

static void test_memory_limit_refuses_by_name(void **state) {
    (void)state;
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.memory_limit = 10000; /* enough for the parameters */
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net n;
    net_make(&n, "Linear(28, 32)", NULL, NULL, c, ec);
    assert_int_equal(hk_executor_shape(n.ex, 28, 256, 1, 1, (int64_t[]){ 28 }), HK_ECONFIG);
    if (!strstr(hk_error(net_context()), "memory_limit")) fail_msg("%s", hk_error(net_context()));
    net_free(&n);
}

int main(void) {
    if (hk_plugin_add(net_context(), &spy_entry) != HK_OK || hk_plugin_add(net_context(), &branches_entry) != HK_OK) {
        fprintf(stderr, "%s\n", hk_error(net_context()));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_given_to_the_input_product_are_T_times_N),
        cmocka_unit_test(test_lines_do_not_depend_on_T),
        cmocka_unit_test(test_arena_is_near_the_largest_live_sum),
        cmocka_unit_test(test_a_longer_chain_takes_no_more_memory_for_inference),
        cmocka_unit_test(test_training_steps_allocate_nothing),
        cmocka_unit_test(test_what_does_not_depend_on_time_has_N_rows),
        cmocka_unit_test(test_memory_limit_refuses_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
