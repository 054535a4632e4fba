/* hk_executor_profile: the operations' times add up to no more than the runs took, counts are exact, kept calls nest, and numbers stay the same. */
#include "net.h"

#define FEEDBACK "Sequential(Linear(12, 16), IF(surrogate=ATan()), LinearRecurrent(IF(surrogate=ATan()), in_features=16, out_features=16), Linear(16, 10), IF(surrogate=ATan()))"
enum { T = 5, N = 40 };

static void make(net *n, int threads, int64_t nb, uint32_t flags) {
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.backend = "cpu", c.threads = threads, c.nb = nb;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, flags, 0, NULL };
    net_make(n, FEEDBACK, "MSE()", "SGD(lr=0.1)", c, ec);
    net_ok(hk_executor_shape(n->ex, T, N, 1, 1, (int64_t[]){ 12 }));
    float x[T * N * 12];
    int64_t y[N];
    uint64_t state = 1;
    for (int i = 0; i < T * N * 12; i++) x[i] = (float)net_uniform(&state, 0, 2);
    for (int i = 0; i < N; i++) y[i] = i % 10;
    net_ok(hk_executor_write(n->ex, "x", HK_F32, x, T * N * 12));
    net_ok(hk_executor_write(n->ex, "target", HK_I64, y, N));
}

typedef struct sums {
    double seconds;
    int64_t calls, linear_calls;
    double linear_flop;
    int rows;
} sums;

static void add(void *arg, const hk_op_time *t) {
    sums *s = arg;
    if (t->seconds < 0 || t->bytes < 0 || t->flop < 0) fail_msg("%s of %s: %g s, %g bytes, %g flop", t->op, t->path, t->seconds, t->bytes, t->flop);
    s->seconds += t->seconds, s->calls += t->calls, s->rows++;
    if (!strcmp(t->op, "linear") && !strcmp(t->path, "0") && t->phase == 0) s->linear_calls += t->calls, s->linear_flop += t->flop;
}

static sums take(net *n, int64_t *runs, double *seconds) {
    sums s = { 0 };
    net_ok(hk_executor_profile_each(n->ex, add, &s, runs, seconds));
    return s;
}

/* Each way of running a plan: blocks by several threads, operations split among threads, one thread. */
static void totals_add_up(void **state) {
    (void)state;
    static const struct {
        int threads;
        int64_t nb;
    } way[] = { { 2, 16 }, { 2, -1 }, { 1, 16 } };
    for (int w = 0; w < 3; w++) {
        net n;
        int64_t runs;
        double seconds;
        make(&n, way[w].threads, way[w].nb, 0);
        net_ok(hk_executor_profile(n.ex, 1, 0));
        for (int i = 0; i < 7; i++) net_ok(hk_executor_run(n.ex));
        sums s = take(&n, &runs, &seconds);
        assert_int_equal(runs, 7);
        if (!(s.seconds > 0 && s.seconds <= seconds)) fail_msg("way %d: operations took %.9f s, the runs %.9f s", w, s.seconds, seconds);
        assert_int_equal(s.linear_calls, 7 * (way[w].nb == 16 ? 3 : 1));
        double want = 7.0 * T * N * 2 * 12 * 16;
        if (s.linear_flop != want) fail_msg("way %d: %g floating point operations of the first layer, expected %g", w, s.linear_flop, want);
        net_free(&n);
    }
}

static void phases_run_alone(void **state) {
    (void)state;
    net n;
    int64_t runs;
    double seconds;
    make(&n, 2, 16, HK_SEPARATE);
    net_ok(hk_executor_profile(n.ex, 1, 0));
    net_ok(hk_executor_run(n.ex));
    sums forward = take(&n, &runs, &seconds);
    assert_int_equal(runs, 1);
    net_ok(hk_executor_backward(n.ex));
    net_ok(hk_executor_step(n.ex));
    sums all = take(&n, &runs, &seconds);
    assert_int_equal(runs, 3);
    if (all.rows <= forward.rows) fail_msg("%d operations after the forward pass, %d after all three", forward.rows, all.rows);
    net_free(&n);
}

/* ---- events ---- */
enum { MOST = 100000 };
typedef struct events {
    hk_op_event e[MOST];
    int n, runs, pieces;
    double seconds;
} events;

static void gather(void *arg, const hk_op_event *e) {
    events *all = arg;
    assert_true(all->n < MOST);
    all->e[all->n++] = *e;
    if (e->op.phase < 0) all->runs++, all->seconds += e->op.seconds;
    all->pieces += e->piece;
}

static int by_start(const void *a, const void *b) {
    const hk_op_event *x = a, *y = b;
    if (x->thread != y->thread) return x->thread - y->thread;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return (x->op.seconds < y->op.seconds) - (x->op.seconds > y->op.seconds);
}

static void check_nest(events *all) {
    const double ulp = 2e-9; /* times are whole nanoseconds, in a double */
    const hk_op_event *open[16];
    int depth = 0;
    qsort(all->e, (size_t)all->n, sizeof *all->e, by_start);
    for (int i = 0; i < all->n; i++) {
        const hk_op_event *e = &all->e[i];
        while (depth && (open[depth - 1]->thread != e->thread || open[depth - 1]->start + open[depth - 1]->op.seconds < e->start + ulp)) depth--;
        if (depth && e->start + e->op.seconds > open[depth - 1]->start + open[depth - 1]->op.seconds + ulp)
            fail_msg("thread %d: %s begins inside %s and ends %.9f s behind it", e->thread, e->op.op, open[depth - 1]->op.op,
                e->start + e->op.seconds - open[depth - 1]->start - open[depth - 1]->op.seconds);
        assert_true(depth < 16);
        open[depth++] = e;
    }
}

static void events_nest(void **state) {
    (void)state;
    static events all;
    for (int w = 0; w < 2; w++) {
        net n;
        int64_t lost, runs;
        double seconds;
        make(&n, 2, w ? -1 : 16, 0);
        net_ok(hk_executor_profile(n.ex, 1, 2));
        for (int i = 0; i < 2; i++) net_ok(hk_executor_run(n.ex));
        sums s = take(&n, &runs, &seconds);
        memset(&all, 0, sizeof all);
        net_ok(hk_executor_profile_events(n.ex, gather, &all, &lost));
        assert_int_equal(lost, 0);
        assert_int_equal(all.runs, 2);
        assert_int_equal(all.n - all.runs - all.pieces, s.calls); /* one event for each call */
        net_ok(hk_executor_run(n.ex));                            /* the third is not kept */
        int kept = all.n;
        memset(&all, 0, sizeof all);
        net_ok(hk_executor_profile_events(n.ex, gather, &all, &lost));
        assert_int_equal(all.n, kept);
        check_nest(&all);
        net_free(&n);
    }
}

static void measuring_changes_nothing(void **state) {
    (void)state;
    net a, b;
    float wa[192], wb[192];
    make(&a, 2, 16, 0), make(&b, 2, 16, 0);
    net_ok(hk_executor_profile(b.ex, 1, 1));
    for (int i = 0; i < 3; i++) {
        net_ok(hk_executor_run(a.ex));
        net_ok(hk_executor_run(b.ex));
    }
    int i = hk_network_find_param(a.net, "0.weight");
    net_ok(hk_network_read_param(a.net, i, wa));
    net_ok(hk_network_read_param(b.net, i, wb));
    assert_memory_equal(wa, wb, sizeof wa);
    net_free(&a), net_free(&b);
}

static void new_shapes_are_measured(void **state) {
    (void)state;
    net n;
    int64_t runs;
    double seconds;
    make(&n, 2, 16, 0);
    net_ok(hk_executor_profile(n.ex, 1, 1));
    net_ok(hk_executor_shape(n.ex, T + 1, N, 1, 1, (int64_t[]){ 12 }));
    static float x[(T + 1) * N * 12];
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, (T + 1) * N * 12));
    net_ok(hk_executor_write(n.ex, "target", HK_I64, (int64_t[N]){ 0 }, N));
    net_ok(hk_executor_run(n.ex));
    if (take(&n, &runs, &seconds).calls == 0) fail_msg("a plan that is built while measuring: no calls");
    net_ok(hk_executor_profile(n.ex, 0, 0));
    assert_int_equal(hk_executor_profile_each(n.ex, add, &(sums){ 0 }, &runs, &seconds), HK_ESTATE);
    assert_int_equal(hk_executor_profile(n.ex, 1, -1), HK_EINVAL);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_add_up),
        cmocka_unit_test(phases_run_alone),
        cmocka_unit_test(events_nest),
        cmocka_unit_test(measuring_changes_nothing),
        cmocka_unit_test(new_shapes_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
