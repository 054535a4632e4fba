/* test_tune.c - choices by measuring: a backend from outside offers ways and the fastest is taken; text of choices goes back into another network and gives the same bits; lines that are none
 * are refused by number. The backend extends cpu and does `linear` by plans of cpu's, one way of them with a rest of 20 ms. */
#include "hillock/hillock.h"
#include "hillock/plugin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 32, T = 4, IN = 80, OUT = 40 };

/* ---- a backend that offers ways ---- */

static const hk_backend *cpu;
struct hk_device {
    hk_device *base;
};
struct hk_op_plan {
    hk_op_plan *inner;
    int slow;
};
static int slow_runs, quick_runs;

static int probe(char *why, size_t size) { return size ? why[0] = 0, 1 : 1; }
static hk_status fb_open(const hk_host *host, const hk_backend_config *c, hk_device **out) {
    *out = calloc(1, sizeof **out);
    cpu = host->get(host->ctx, "hk.backend/1", "cpu");
    return cpu && *out ? cpu->open(host, c, &(*out)->base) : HK_ENOMEM;
}
static void fb_close(hk_device *d) {
    if (d) cpu->close(d->base);
    free(d);
}
static hk_device *fb_base(hk_device *d) { return d->base; }
static hk_status fb_new(hk_device *d, size_t n, void **out) { return cpu->buf_new(d->base, n, out); }
static void fb_free(hk_device *d, void *p) { cpu->buf_free(d->base, p); }
static hk_status fb_up(hk_device *d, void *to, const void *from, size_t n) { return cpu->upload(d->base, to, from, n); }
static hk_status fb_down(hk_device *d, void *to, const void *from, size_t n) { return cpu->download(d->base, to, from, n); }
static int64_t fb_block(hk_device *d, int64_t n, int64_t t, int64_t row) { return cpu->block(d->base, n, t, row); }
static hk_status fb_plan(hk_device *d, const hk_opdesc *o, hk_op_plan **out) {
    *out = NULL;
    if (strcmp(o->op, "linear") || (o->way && strcmp(o->way, "slow") && strcmp(o->way, "quick"))) return HK_EUNSUPPORTED;
    hk_opdesc mine = *o;
    hk_op_plan *inner = NULL;
    mine.way = NULL;
    hk_status st = cpu->plan_new(d->base, &mine, &inner);
    if (st != HK_OK) return st;
    *out = calloc(1, sizeof **out);
    (*out)->inner = inner, (*out)->slow = !o->way || !strcmp(o->way, "slow");
    return HK_OK;
}
static void fb_query(const hk_op_plan *p, hk_query *q) {
    cpu->plan_query(p->inner, q);
    q->impl = p->slow ? "slow" : "quick";
}
static hk_status fb_run(const hk_op_plan *p, hk_stream *st, const hk_bind *b) {
    const struct timespec rest = { 0, 20000000 };
    if (p->slow) nanosleep(&rest, NULL);
    __atomic_add_fetch(p->slow ? &slow_runs : &quick_runs, 1, __ATOMIC_RELAXED);
    return cpu->plan_run(p->inner, st, b);
}
static hk_status fb_prepare(const hk_op_plan *p, hk_stream *st, const hk_bind *b) { return cpu->plan_prepare(p->inner, st, b); }
static void fb_done(hk_op_plan *p) {
    if (p) cpu->plan_free(p->inner);
    free(p);
}
static int fb_ways(hk_device *d, const hk_opdesc *o, int max, hk_way *w) {
    (void)d;
    if (strcmp(o->op, "linear") || max < 2) return 0;
    w[0] = (hk_way){ "slow", 0, 0 }, w[1] = (hk_way){ "quick", 0, 0 };
    return 2;
}
static const hk_backend backend = { .struct_size = sizeof backend,
    .real_bytes = 4,
    .doc = "for the test: ways",
    .extends = "cpu",
    .probe = probe,
    .open = fb_open,
    .close = fb_close,
    .buf_new = fb_new,
    .buf_free = fb_free,
    .upload = fb_up,
    .download = fb_down,
    .block = fb_block,
    .plan_new = fb_plan,
    .plan_query = fb_query,
    .plan_run = fb_run,
    .plan_free = fb_done,
    .base = fb_base,
    .plan_prepare = fb_prepare,
    .ways = fb_ways };
static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.backend/1", "two-ways", &backend); }
static const hk_plugin_entry two_ways = { HK_PLUGIN_MAGIC, sizeof two_ways, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.two_ways", "1", "Apache-2.0", NULL,
    init, NULL };

/* ---- networks ---- */

typedef struct net {
    hk_context *ctx;
    hk_module *root;
    hk_network *net;
    hk_executor *ex;
} net;

static net open_layers(const char *on, int tune, const char *choices, int layers) {
    net n = { NULL, NULL, NULL, NULL };
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    const char *names[] = { "fc", "a", "b" }, *texts[] = { "Linear(80, 40)", "Linear(40, 40)", "Linear(40, 40)" };
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    cc.plugin_path = HILLOCK_BUILD_PLUGIN_DIR;
    assert_int_equal(hk_context_new(&cc, &n.ctx), HK_OK);
    assert_int_equal(hk_plugin_add(n.ctx, &two_ways), HK_OK);
    assert_int_equal(hk_module_new_sequential(n.ctx, layers, names, texts, &n.root), HK_OK);
    nc.passes_off = HK_PASS_FUSE; /* two linear layers stay two */
    nc.backend = on, nc.tune = tune, nc.threads = 1;
    if (hk_network_new(n.ctx, n.root, &nc, &n.net) != HK_OK) fail_msg("%s", hk_error(n.ctx));
    if (choices && hk_network_tune(n.net, choices, "given.txt") != HK_OK) fail_msg("%s", hk_error(n.ctx));
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER, .flags = HK_NO_LOSS };
    assert_int_equal(hk_executor_new(n.net, &ec, &n.ex), HK_OK);
    return n;
}

static net open_net(const char *on, int tune, const char *choices) { return open_layers(on, tune, choices, 1); }

static void close_net(net *n) { hk_executor_free(n->ex), hk_network_free(n->net), hk_module_free(n->root), hk_context_free(n->ctx); }

static hk_status shape(net *n) {
    const int64_t row[1] = { IN };
    return hk_executor_shape(n->ex, T, N, 1, 1, row);
}

static void chosen(const net *n, const char *want) {
    char text[512];
    hk_network_tuned(n->net, 0, text, sizeof text);
    if (strcmp(text, want)) fail_msg("choices are '%s', expected '%s'", text, want);
}

static void test_the_fastest_way_of_any_backend(void **state) {
    (void)state;
    net n = open_net("two-ways", 1, NULL);
    if (shape(&n) != HK_OK) fail_msg("%s", hk_error(n.ctx));
    char text[512];
    hk_network_tuned(n.net, 1, text, sizeof text);
    /* quick, or cpu's own, which it is: never the slow one that is taken unasked */
    if (strncmp(text, "test fc linear = two-ways quick", 31) && strncmp(text, "test fc linear = cpu auto", 25)) fail_msg("chosen: '%s'", text);
    if (!strstr(text, "# ms: two-ways slow") || !strstr(text, "two-ways quick ") || !strstr(text, "cpu auto "))
        fail_msg("not all ways were measured: '%s'", text);
    assert_true(slow_runs > 0 && quick_runs > 0);
    close_net(&n);
}

/* Layers of one shape have one choice, measured once. */
static void test_equal_layers_are_measured_once(void **state) {
    (void)state;
    int runs[2];
    for (int k = 0; k < 2; k++) {
        net n = open_layers("two-ways", 1, NULL, 2 + k);
        slow_runs = quick_runs = 0;
        if (shape(&n) != HK_OK) fail_msg("%s", hk_error(n.ctx));
        runs[k] = slow_runs;
        char text[2048], *a, *b;
        hk_network_tuned(n.net, 0, text, sizeof text);
        a = strstr(text, "test a linear = "), b = strstr(text, "test b linear = ");
        if (!a || (k && (!b || strncmp(a + 16, b + 16, strcspn(a + 16, "\n"))))) fail_msg("choices are '%s'", text);
        close_net(&n);
    }
    if (runs[0] != runs[1] || !runs[0]) fail_msg("%d runs to measure two layers, %d for three, two of them of one shape", runs[0], runs[1]);
}

static void test_unasked_without_tune(void **state) {
    (void)state;
    net n = open_net("two-ways", 0, NULL);
    slow_runs = quick_runs = 0;
    if (shape(&n) != HK_OK) fail_msg("%s", hk_error(n.ctx));
    chosen(&n, "");
    assert_int_equal(slow_runs + quick_runs, 0);
    close_net(&n);
}

static void test_given_choices_are_taken(void **state) {
    (void)state;
    static const char *const way[] = { "test fc linear = two-ways quick\n", "test fc linear = two-ways slow\n", "test fc linear = cpu auto\n" };
    for (int k = 0; k < 3; k++) {
        net n = open_net("two-ways", 1, way[k]);
        slow_runs = quick_runs = 0;
        if (shape(&n) != HK_OK) fail_msg("%s", hk_error(n.ctx));
        assert_int_equal(slow_runs + quick_runs, 0); /* nothing is measured */
        float x[T * N * IN] = { 0 };
        assert_int_equal(hk_executor_write(n.ex, "x", HK_F32, x, T * N * IN), HK_OK);
        assert_int_equal(hk_executor_run(n.ex), HK_OK);
        if ((quick_runs > 0) != (k == 0) || (slow_runs > 0) != (k == 1)) fail_msg("'%s': %d quick runs, %d slow ones", way[k], quick_runs, slow_runs);
        chosen(&n, way[k]);
        assert_null(hk_network_tune_unused(n.net));
        close_net(&n);
    }
}

static void test_lines_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *text, *what;
        hk_status st;
    } bad[] = { { "hello", "given.txt: line 1: expected", HK_ECONFIG }, { "\n# x\ntest fc linear cpu auto", "given.txt: line 3: expected", HK_ECONFIG },
        { "maybe fc linear = cpu auto", "line 1: expected", HK_ECONFIG }, { "test fc linear = cpu", "line 1: expected", HK_ECONFIG },
        { "test fc linear = cpu a b c", "line 1: expected", HK_ECONFIG },
        { "test fc linear = cpu auto\ntest fc linear = cpu auto\n", "line 2: 'test fc linear' stands in line 1 too", HK_ECONFIG },
        { "test fc linear = ghost x", "'test fc linear' is done by backend 'ghost', which backend 'cpu' is not", HK_EPLUGIN } };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        net n = open_net("cpu", 0, NULL);
        hk_status st = hk_network_tune(n.net, bad[k].text, "given.txt");
        if (st != bad[k].st || !strstr(hk_error(n.ctx), bad[k].what))
            fail_msg("'%s': status %d, '%s'; expected %d, '%s'", bad[k].text, st, hk_error(n.ctx), bad[k].st, bad[k].what);
        close_net(&n);
    }
    net n = open_net("cpu", 0, "train other conv2d = cpu direct\n");
    if (shape(&n) != HK_OK) fail_msg("%s", hk_error(n.ctx));
    assert_string_equal(hk_network_tune_unused(n.net), "train other conv2d");
    close_net(&n);
    n = open_net("cpu", 0, "test fc linear = cpu nothing\n");
    assert_int_equal(shape(&n), HK_ECONFIG);
    if (!strstr(hk_error(n.ctx), "'test fc linear' is done by 'cpu nothing'")) fail_msg("%s", hk_error(n.ctx));
    close_net(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_fastest_way_of_any_backend), cmocka_unit_test(test_equal_layers_are_measured_once),
        cmocka_unit_test(test_unasked_without_tune), cmocka_unit_test(test_given_choices_are_taken), cmocka_unit_test(test_lines_that_are_none) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
