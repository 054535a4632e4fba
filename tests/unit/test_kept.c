/* What plans for inference keep of parameters (packed weights, folded batch normalisations) is made again whenever a parameter was written, on every
 * path by which one is; and the plans of a network do not disturb each other's. What is expected comes from a network that is new at each question. */
#include "net.h"

#define TEXT(norm)                                                                                                                                             \
    "Sequential(Conv2d(2, 5, 3, padding=1, bias=false), " norm ", IF(surrogate=ATan()), Conv2d(5, 4, 3, padding=1), LIF(surrogate=ATan()), Flatten(), "        \
    "Linear(144, 21), IF(surrogate=ATan()), LinearRecurrent(Sequential(Linear(21, 9), IF(surrogate=ATan())), in_features=21, out_features=9))"
static const char *text = TEXT("BatchNorm2d(5)");
enum { X = 2 * 6 * 6, Y = 9, V2 = 5 * 6 * 6, V7 = 21, N = 3, T = 4 };
static const int64_t image[3] = { 2, 6, 6 };

static hk_network_config config(const char *backend) {
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.seed = 3, c.threads = 2, c.backend = backend;
    return c;
}
/* Membranes too: spikes alone hardly see a small change of a weight. */
static const hk_output seen[3] = { { .name = "y" }, { .name = "2:v" }, { .name = "7:v" } };
static const hk_executor_config infers = { sizeof infers, HK_INFER, HK_NO_LOSS, 3, seen };
typedef struct result {
    float y[T * N * Y], v2[T * N * V2], v7[T * N * V7];
} result;

static void fill(float *x, int64_t n, uint64_t seed, double lo, double hi) {
    for (int64_t i = 0; i < n; i++) x[i] = (float)net_uniform(&seed, lo, hi);
}

/* `steps` steps from step t of the result on. */
static void infer(hk_executor *ex, int64_t t, int64_t steps, const float *x, result *r, int go_on) {
    net_ok(hk_executor_shape(ex, steps, N, 1, 3, image));
    net_ok(hk_executor_write(ex, "x", HK_F32, x + t * N * X, steps * N * X));
    net_ok(go_on ? hk_executor_continue(ex) : hk_executor_run(ex));
    net_ok(hk_executor_read(ex, "y", HK_F32, r->y + t * N * Y, steps * N * Y));
    net_ok(hk_executor_read(ex, "2:v", HK_F32, r->v2 + t * N * V2, steps * N * V2));
    net_ok(hk_executor_read(ex, "7:v", HK_F32, r->v7 + t * N * V7, steps * N * V7));
}

static void copy_params(hk_network *from, hk_network *to) {
    for (int i = 0; i < hk_network_n_param(from); i++) {
        double *v = malloc((size_t)hk_network_param(from, i)->elems * sizeof *v);
        net_ok(hk_network_read_param64(from, i, v));
        net_ok(hk_network_write_param64(to, i, v));
        free(v);
    }
}

static void same(const char *backend, const char *when, const result *got, const result *want) {
    const float *a = got->y, *b = want->y;
    for (size_t i = 0; i < sizeof *got / sizeof *a; i++)
        if (a[i] != b[i]) fail_msg("%s, %s: number %d is %.9g, expected %.9g", backend, when, (int)i, a[i], b[i]);
}

/* The executor's next run against that of a new network with the same parameters. */
static void check(const char *when, const char *backend, hk_network *of, hk_executor *ex, const float *x) {
    static result got, want;
    net fresh;
    net_make(&fresh, text, NULL, NULL, config(backend), infers);
    copy_params(of, fresh.net);
    infer(fresh.ex, 0, T, x, &want, 0);
    infer(ex, 0, T, x, &got, 0);
    same(backend, when, &got, &want);
    net_free(&fresh);
}

static int differ(hk_executor *ex, const float *x, result *last) {
    static result r;
    infer(ex, 0, T, x, &r, 0);
    int d = memcmp(&r, last, sizeof r) != 0;
    *last = r;
    return d;
}

static void test_a_written_parameter_is_used_by_the_next_run(void **state) {
    (void)state;
    static const char *const backends[] = { "cpu", "ref" };
    static float x[T * N * X];
    static result last;
    for (int be = 0; be < 2; be++) {
        net n;
        net_make(&n, text, NULL, NULL, config(backends[be]), infers);
        fill(x, T * N * X, 5, 0, 2);
        int changed = 0;
        differ(n.ex, x, &last);
        for (int i = 0; i < hk_network_n_param(n.net); i++) {
            const hk_param_info *p = hk_network_param(n.net, i);
            float *v = malloc((size_t)p->elems * sizeof *v);
            double *d = malloc((size_t)p->elems * sizeof *d);
            fill(v, p->elems, 77 + (uint64_t)i, 0, 0.6);
            for (int64_t k = 0; k < p->elems; k++) d[k] = v[k];
            net_ok(i % 2 ? hk_network_write_param(n.net, i, v) : hk_network_write_param64(n.net, i, d));
            check(p->name, backends[be], n.net, n.ex, x);
            changed += differ(n.ex, x, &last);
            free(v), free(d);
        }
        if (changed < 6) fail_msg("%s: only %d of the parameters that were written changed the result: the test sees too little", backends[be], changed);
        net_free(&n);
    }
}

static void train(hk_executor *ex, const float *x, const float *up, int separate) {
    net_ok(hk_executor_shape(ex, T, N, 1, 3, image));
    net_ok(hk_executor_write(ex, "x", HK_F32, x, T * N * X));
    if (!separate) net_ok(hk_executor_write(ex, "grad_out:y", HK_F32, up, T * N * Y));
    net_ok(hk_executor_run(ex));
}

static void test_training_beside_inference(void **state) {
    (void)state;
    static const char *const backends[] = { "cpu", "ref" };
    static float x[T * N * X], up[T * N * Y];
    static result last;
    fill(x, T * N * X, 5, 0, 2), fill(up, T * N * Y, 6, -1, 1);
    const hk_output y = { .name = "y", .upstream = 1 };
    for (int be = 0; be < 2; be++)
        for (int way = 0; way < 4; way++) {
            int separate = way % 2;
            text = way < 2 ? TEXT("BatchNorm2d(5)") : TEXT("Dropout(0.0)"); /* the second: nothing but the optimizer writes a parameter */
            net n, alone;                                                   /* alone: trains the same and never infers */
            hk_executor_config ec = { sizeof ec, HK_TRAIN, separate ? HK_SEPARATE : 0, 1, &y };
            hk_executor *ex;
            net_make(&n, text, NULL, "Adam(lr=0.05)", config(backends[be]), ec);
            net_make(&alone, text, NULL, "Adam(lr=0.05)", config(backends[be]), ec);
            net_ok(hk_executor_new(n.net, &infers, &ex));
            differ(ex, x, &last);
            for (int k = 0; k < 3; k++) {
                train(n.ex, x, up, separate), train(alone.ex, x, up, separate);
                check("after a run that trains", backends[be], n.net, ex, x); /* separate: only the running statistics are new */
                if (!separate) continue;
                for (int a = 0; a < 2; a++) { /* the arena was lent out in between */
                    hk_executor *e = a ? alone.ex : n.ex;
                    train(e, x, up, 1);
                    net_ok(hk_executor_write(e, "grad_out:y", HK_F32, up, T * N * Y));
                    net_ok(hk_executor_backward(e));
                }
                check("after the backward pass", backends[be], n.net, ex, x);
                net_ok(hk_executor_step(n.ex));
                net_ok(hk_executor_step(alone.ex));
                check("after the optimizer's step", backends[be], n.net, ex, x);
            }
            if (!differ(ex, x, &last)) fail_msg("%s: training changed nothing: the test sees too little", backends[be]);
            for (int i = 0; i < hk_network_n_param(n.net); i++) {
                int64_t elems = hk_network_param(n.net, i)->elems;
                double *a = malloc((size_t)elems * sizeof *a), *b = malloc((size_t)elems * sizeof *b);
                net_ok(hk_network_read_param64(n.net, i, a));
                net_ok(hk_network_read_param64(alone.net, i, b));
                if (memcmp(a, b, (size_t)elems * sizeof *a))
                    fail_msg("%s: %s is another one when inference runs in between", backends[be], hk_network_param(n.net, i)->name);
                free(a), free(b);
            }
            hk_executor_free(ex);
            net_free(&n), net_free(&alone);
        }
    text = TEXT("BatchNorm2d(5)");
}

static void test_two_plans_keep_their_own(void **state) {
    (void)state;
    static float x[T * N * X];
    static result whole, parts;
    fill(x, T * N * X, 5, 0, 2);
    net n;
    hk_executor *other;
    hk_plan_stats s;
    net_make(&n, text, NULL, NULL, config("cpu"), infers);
    net_ok(hk_executor_new(n.net, &infers, &other));
    for (int k = 0; k < 3; k++) { /* two executors and two numbers of steps: four plans, of which one alone sees each change first */
        float v[5];
        fill(v, 5, 30 + (uint64_t)k, 0.2, 1);
        net_ok(hk_network_write_param(n.net, hk_network_find_param(n.net, "1.weight"), v));
        infer(k % 2 ? other : n.ex, 0, T, x, &whole, 0);
        for (int t = 0; t < T; t++) infer(k % 2 ? n.ex : other, t, 1, x, &parts, t > 0);
        same("cpu", "step by step, against one run", &parts, &whole);
        check("written for both", "cpu", n.net, n.ex, x);
        check("written for both, the other executor", "cpu", n.net, other, x);
    }
    net_ok(hk_executor_stats(n.ex, &s));
    if (s.kept < 144 * 21 * 4) fail_msg("the plan keeps %lld bytes, expected more than one packed weight has", (long long)s.kept);
    hk_executor_free(other);
    net_free(&n);
}

static void test_what_is_kept_counts_against_the_limit(void **state) {
    (void)state;
    net n;
    hk_plan_stats s;
    net_make(&n, text, NULL, NULL, config("cpu"), infers);
    net_ok(hk_executor_shape(n.ex, T, N, 1, 3, image));
    net_ok(hk_executor_stats(n.ex, &s));
    net_free(&n);
    hk_network_config c = config("cpu");
    c.memory_limit = s.arena + s.params + s.state + s.kept - 1;
    net_make(&n, text, NULL, NULL, c, infers);
    if (hk_executor_shape(n.ex, T, N, 1, 3, image) != HK_ECONFIG || !strstr(hk_error(net_context()), "packed weights"))
        fail_msg("one byte less than arena %lld, parameters %lld, state %lld and kept %lld: expected a refusal that names packed weights, got: %s",
            (long long)s.arena, (long long)s.params, (long long)s.state, (long long)s.kept, hk_error(net_context()));
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_written_parameter_is_used_by_the_next_run),
        cmocka_unit_test(test_training_beside_inference),
        cmocka_unit_test(test_two_plans_keep_their_own),
        cmocka_unit_test(test_what_is_kept_counts_against_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
