/* The fence backend: whoever reads or writes device memory but by the backend dies, on every thread; a training step lives. Deaths are those of
 * forked children. */
#include "net.h"
#include "exec/exec.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const hk_backend *fence;
static hk_device *device;
static int n_children;

/* How a child that calls f ended: its exit code, or minus the signal that killed it. Nothing in f may be cmocka's. */
static int child(int (*f)(void *), void *arg) {
    fflush(NULL);
    pid_t pid = fork();
    n_children++;
    if (pid == 0) {
        static const struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL); /* not cmocka's, nor a sanitizer's */
        signal(SIGBUS, SIG_DFL);
        _exit(f(arg));
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) fail_msg("fork or waitpid failed");
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int read_byte(void *p) { return *(volatile char *)p & 0; }
static int write_byte(void *p) {
    *(volatile char *)p = 1;
    return 0;
}
static void *thread_body(void *p) {
    read_byte(p);
    return NULL;
}
static int read_on_a_thread(void *p) {
    pthread_t t;
    if (pthread_create(&t, NULL, thread_body, p)) return 9;
    pthread_join(t, NULL);
    return 0;
}

static char *buf(size_t bytes) {
    void *p = NULL;
    if (fence->buf_new(device, bytes, &p) != HK_OK) fail_msg("buf_new(%zu): %s", bytes, hk_error(net_context()));
    return p;
}

static void dies(const char *what, int (*f)(void *), void *arg) {
    int end = child(f, arg);
    if (end != -SIGSEGV) fail_msg("%s: ended with %d, expected %d (SIGSEGV)", what, end, -SIGSEGV);
}

static void test_touching_a_buffer_dies(void **state) {
    (void)state;
    char *host = calloc(1, 16), *p = buf(10000);
    assert_int_equal(child(read_byte, host), 0); /* the same child lives on host memory */
    assert_int_equal(child(read_on_a_thread, host), 0);
    dies("reading the first byte", read_byte, p);
    dies("reading the last byte", read_byte, p + 9999);
    dies("writing", write_byte, p);
    dies("reading on another thread", read_on_a_thread, p + 5000);
    dies("reading behind the end", read_byte, p + 10000);
    dies("reading before the begin", read_byte, p - 1);
    fence->buf_free(device, p);
    dies("reading a freed buffer", read_byte, p);
    free(host);
}

/* ---- a whole network ---- */

#define TEXT "Sequential(Linear(4, 6), LIF(surrogate=ATan()), LinearRecurrent(Sequential(Linear(6, 5), IF(surrogate=ATan())), in_features=6, out_features=5), Linear(5, 3), IF(surrogate=ATan()))"

static int train(void *arg) {
    net *n = arg;
    static float x[8 * 40 * 4], before[24], after[24];
    static int64_t target[40];
    for (int i = 0; i < 8 * 40 * 4; i++) x[i] = (float)(i % 13) / 4;
    for (int i = 0; i < 40; i++) target[i] = i % 3;
    float loss = -1;
    if (hk_executor_shape(n->ex, 8, 40, 1, 1, (int64_t[]){ 4 }) || hk_network_read_param(n->net, 0, before)) return 2;
    for (int k = 0; k < 2; k++)
        if (hk_executor_write(n->ex, "x", HK_F32, x, 8 * 40 * 4) || hk_executor_write(n->ex, "target", HK_I64, target, 40) || hk_executor_run(n->ex) ||
            hk_executor_read(n->ex, "loss", HK_F32, &loss, 1))
            return 3;
    if (hk_network_read_param(n->net, 0, after)) return 4;
    return !(loss > 0) ? 5 : memcmp(before, after, sizeof before) ? 0 : 6;
}

/* Trains, then touches one of the network's buffers. */
static int which;
static char *part(net *n, int k) {
    hk_network *w = n->net;
    char *const parts[] = { w->value, w->grad, w->opt[0], w->arena, n->ex->now->constants, n->ex->n_state ? n->ex->state[0].buf[0] : NULL, n->ex->n_state ? n->ex->state[0].def : NULL };
    return k < (int)(sizeof parts / sizeof *parts) ? parts[k] : NULL;
}
static int train_and_touch(void *arg) {
    int code = train(arg);
    char *p = part(arg, which);
    return code ? code : !p ? 7 : read_byte(p);
}

static void test_a_training_step_lives_and_no_part_of_a_network_can_be_read(void **state) {
    (void)state;
    static const char *const names[] = { "parameters", "gradients", "optimizer state", "arena", "constants", "sequence state", "default state" };
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, 0, 0, NULL };
    for (int threads = 1; threads <= 2; threads++) {
        net n;
        c.backend = "fence", c.seed = 3, c.threads = threads, c.nb = 16;
        net_make(&n, TEXT, "CrossEntropy()", "Adam(lr=0.01)", c, ec);
        int code = child(train, &n);
        if (code) fail_msg("%d threads: two training steps ended with %d, expected 0", threads, code);
        for (which = 0; which < 7; which++) dies(names[which], train_and_touch, &n);
        which = 7;
        assert_int_equal(child(train_and_touch, &n), 7); /* a part that is not there is not a death */
        net_free(&n);
    }
}

/* ---- what the memory behind the addresses does ---- */

static hk_op_plan *copy_plan(int64_t numbers) {
    const hk_desc d = { .dtype = HK_F32, .flags = 0, .rank = 1, .shape = { numbers } };
    const hk_opdesc o = { .struct_size = sizeof o, .scope = HK_SCOPE_BLOCK, .op = "copy", .path = "here", .n_in = 1, .n_out = 1, .isa = hk_context_isa(net_context()), .in = &d,
                          .out = &d, .T = 1, .N = 1, .nb = 1 };
    hk_op_plan *p = NULL;
    if (fence->plan_new(device, &o, &p) != HK_OK) fail_msg("plan_new: %s", hk_error(net_context()));
    return p;
}
typedef struct copying {
    hk_op_plan *plan;
    void *ptr[2];
} copying;
static int copy(void *arg) {
    copying *c = arg;
    const hk_step step = { 0 };
    const hk_bind b = { .struct_size = sizeof b, .n_ptr = 2, .T = 1, .n = 1, .groups = 1, .ptr = c->ptr, .step = &step };
    return fence->plan_run(c->plan, NULL, &b) != HK_OK;
}

static void test_plans_run_on_the_memory_and_not_beyond_it(void **state) {
    (void)state;
    float host[64], got[64] = { 0 };
    for (int i = 0; i < 64; i++) host[i] = (float)i;
    char *x = buf(sizeof host), *y = buf(sizeof host), *freed = buf(sizeof host);
    copying fits = { copy_plan(64), { x, y } }, long_ = { copy_plan(65), { x, y } };
    assert_int_equal((uintptr_t)x % 64, 0);
    assert_int_equal(fence->download(device, got, y, sizeof got), HK_OK);
    for (int i = 0; i < 64; i++)
        if (got[i] != 0.0f) fail_msg("number %d of a new buffer is %g", i, got[i]);
    assert_int_equal(fence->upload(device, x, host, sizeof host), HK_OK);
    assert_int_equal(copy(&fits), 0);
    assert_int_equal(fence->download(device, got, y, sizeof got), HK_OK);
    assert_memory_equal(got, host, sizeof host);
    dies("a kernel that runs past the end", copy, &long_);
    fence->buf_free(device, freed);
    fits.ptr[1] = freed;
    dies("a kernel that writes a freed buffer", copy, &fits);
    fits.ptr[1] = got;
    assert_int_equal(copy(&fits), 1); /* host memory as an operand: an error that says which */
    const char *e = hk_error(net_context());
    if (!strstr(e, "'copy' of here") || !strstr(e, "operand 1")) fail_msg("the error does not name the operand: %s", e);
    hk_query q = { .struct_size = sizeof q };
    fence->plan_query(fits.plan, &q);
    if (strncmp(q.impl, "fence: ", 7) || strlen(q.impl) < 8) fail_msg("implementation: '%s'", q.impl);
    fence->plan_free(fits.plan), fence->plan_free(long_.plan);
    fence->buf_free(device, x), fence->buf_free(device, y);
}

static void test_copies_stay_inside_one_buffer(void **state) {
    (void)state;
    char host[300] = { 0 }, *p = buf(200), *q = buf(200);
    assert_int_equal(fence->upload(device, p, host, 200), HK_OK);
    assert_int_equal(fence->upload(device, p + 199, host, 1), HK_OK);
    assert_int_equal(fence->upload(device, p, host, 201), HK_EINTERNAL);
    assert_int_equal(fence->upload(device, p + 200, host, 1), HK_EINTERNAL);
    assert_int_equal(fence->upload(device, host, host, 1), HK_EINTERNAL);
    assert_int_equal(fence->download(device, host, q - 1, 1), HK_EINTERNAL);
    assert_int_equal(fence->download(device, host, q, 200), HK_OK);
    fence->buf_free(device, q);
    assert_int_equal(fence->download(device, host, q, 1), HK_EINTERNAL);
    fence->buf_free(device, p);
}

static void test_used_again_memory_is_zero(void **state) {
    (void)state;
    const size_t most = (size_t)60 << 30; /* of 64: the second lies at the begin, and so does the third */
    char *before = NULL;
    for (int k = 0; k < 3; k++) {
        char *p = buf(most), byte = 1;
        if (k == 2 && p != before) fail_msg("the third buffer is at %p, expected %p", (void *)p, (void *)before);
        before = p;
        for (size_t at = 0; at < most; at += most - 1) {
            byte = 1;
            assert_int_equal(fence->download(device, &byte, p + at, 1), HK_OK);
            if (byte != 0) fail_msg("buffer %d: byte %zu is %d", k, at, byte);
            byte = 1;
            assert_int_equal(fence->upload(device, p + at, &byte, 1), HK_OK);
        }
        fence->buf_free(device, p);
    }
}

/* Buffers do not overlap, whatever is freed in between; addresses come around when all were used. */
static void test_addresses_are_used_again_as_late_as_can_be(void **state) {
    (void)state;
    enum { N = 5 }; /* four of them leave a gap that is large enough, wherever they lie */
    char *p[N] = { 0 }, *first = NULL, byte;
    uint64_t s = 7;
    int again = 0;
    const size_t big = (size_t)5 << 30; /* of addresses: nothing is written */
    for (int k = 0; k < 200; k++) {
        int i = (int)net_uniform(&s, 0, N);
        fence->buf_free(device, p[i]);
        size_t bytes = big + (size_t)net_uniform(&s, 0, 1 << 20);
        p[i] = buf(bytes);
        if (!first) first = p[i];
        else again += p[i] <= first;
        for (int j = 0; j < N; j++)
            if (j != i && p[j] && !(p[i] + bytes <= p[j] || p[j] + big <= p[i])) fail_msg("round %d: buffers %p and %p overlap", k, (void *)p[i], (void *)p[j]);
        assert_int_equal(fence->download(device, &byte, p[i] + bytes - 1, 1), HK_OK);
        assert_int_equal(byte, 0);
        byte = 1;
        assert_int_equal(fence->upload(device, p[i] + bytes - 1, &byte, 1), HK_OK);
    }
    assert_true(again > 0);
    void *none;
    assert_int_equal(fence->buf_new(device, (size_t)1 << 40, &none), HK_ENOMEM);
    assert_null(none);
    for (int i = 0; i < N; i++) fence->buf_free(device, p[i]);
}

/* ---- where there are no addresses ---- */
static int probe_under_a_limit(void *arg) {
    (void)arg;
    const struct rlimit small = { (rlim_t)8 << 30, (rlim_t)8 << 30 };
    char why[256] = "";
    if (setrlimit(RLIMIT_AS, &small)) return 2;
    if (fence->probe(why, sizeof why) > 0) return 3;
    fprintf(stderr, "%s\n", why);
    return strstr(why, "GiB of addresses") && strstr(why, "ulimit -v") ? 0 : 4;
}

static void test_probe_says_why_not(void **state) {
    (void)state;
    char why[256] = "?";
    assert_true(fence->probe(why, sizeof why) > 0);
    assert_string_equal(why, "");
    int code = child(probe_under_a_limit, NULL);
    if (code) fail_msg("probe under a limit of 8 GiB ended with %d", code);
}

static const void *knows_nothing(hk_context *ctx, const char *iface, const char *id) {
    (void)ctx, (void)iface, (void)id;
    return NULL;
}

static void test_without_cpu_open_says_so(void **state) {
    (void)state;
    hk_host host = *hk__host(net_context());
    host.get = knows_nothing;
    hk_device *none = device;
    assert_int_equal(fence->open(&host, NULL, &none), HK_EPLUGIN);
    assert_null(none);
    if (!strstr(hk_error(net_context()), "backend_cpu.so")) fail_msg("the error does not say what is missing: %s", hk_error(net_context()));
}

int main(void) {
    hk_context *ctx = net_context();
    fence = hk_type_get(ctx, "hk.backend/1", "fence");
    const hk_backend_config bc = { sizeof bc, hk_context_isa(ctx), 1, 0, NULL };
    char why[256] = "";
    if (!fence || fence->probe(why, sizeof why) <= 0) return fprintf(stderr, "skip: fence: %s\n", fence ? why : "there is no such backend"), fence ? 77 : 1;
    if (fence->open(hk__host(ctx), &bc, &device) != HK_OK) return fprintf(stderr, "%s\n", hk_error(ctx)), 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_touching_a_buffer_dies),
        cmocka_unit_test(test_a_training_step_lives_and_no_part_of_a_network_can_be_read),
        cmocka_unit_test(test_plans_run_on_the_memory_and_not_beyond_it),
        cmocka_unit_test(test_copies_stay_inside_one_buffer),
        cmocka_unit_test(test_used_again_memory_is_zero),
        cmocka_unit_test(test_addresses_are_used_again_as_late_as_can_be),
        cmocka_unit_test(test_probe_says_why_not),
        cmocka_unit_test(test_without_cpu_open_says_so),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("count: fence_probes %d\n", n_children);
    fence->close(device);
    return failed;
}
