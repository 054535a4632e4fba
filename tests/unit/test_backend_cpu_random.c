/* test_backend_cpu_random.c - random spikes of the cpu backend against plain loops, on odd sizes, at every ISA level of this
 * machine, with the same bits for every block size and scope. Usage: test_backend_cpu_random [backend_cpu.so] */
#include "backend_run.h"
#include "hillock/random.h"

static void test_bernoulli(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int k = 0; k < 4; k++) {
        hn_value p = k & 1 ? hn_new(HK_F32, HELD, T, N, SHAPE(3, 9, 11)) : hn_new(HK_F32, SEQ, T, N, SHAPE(7));
        hn_value y = hn_new(HK_SPIKE, SEQ, T, N, p.d.rank, p.d.shape);
        run("bernoulli", T, N, 1, &p, 1, &y, 0, NULL, 0);
        HN_EACH(y, t, i, e) {
            float u[4];
            hk_random4(hk_random_key(42, 1234567), 7, t, i, e / 4, u);
            assert_true(hn_at(&y, t, i, e) == (hn_at(&p, t, i, e) > 0 && u[e % 4] <= (float)hn_at(&p, t, i, e)));
        }
        drop(1, &p), drop(1, &y);
    }
}

/* Sizes around a vector, a pair of them and a table; probabilities at the ends of their range, beyond it, and equal to the draw. */
static void test_bernoulli_edges(void **state) {
    (void)state;
    static const int64_t sizes[] = { 1, 3, 31, 32, 33, 63, 64, 65, 127, 784, 1023, 1024, 1025, 2080 };
    static const float edges[] = { 0.0f, -0.0f, -1.0f, NAN, 1.0f, 2.0f, 0x1p-24f, 0x1.fffffep-1f, 0x1p-140f, INFINITY, -INFINITY };
    enum { EDGES = sizeof edges / sizeof *edges };
    const int64_t T = 3, N = 2;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int held = 0; held < 2; held++) {
            hn_value p = hn_new(HK_F32, held ? HELD : SEQ, T, N, SHAPE(sizes[k])), y = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(sizes[k]));
            HN_EACH(p, t, i, e) {
                float *to = (float *)p.mem + (held ? i : t * N + i) * sizes[k] + e, u[4];
                hk_random4(hk_random_key(42, 1234567), 7, held ? 1 : t, i, e / 4, u);
                if (e % 3 == 1) *to = edges[(e / 3 + i) % EDGES];
                if (e % 3 == 2) *to = e % 2 ? u[e % 4] : u[e % 4] - 0x1p-24f;
            }
            run("bernoulli", T, N, 1, &p, 1, &y, 0, NULL, 0);
            HN_EACH(y, t, i, e) {
                float u[4], at = (float)hn_at(&p, t, i, e);
                hk_random4(hk_random_key(42, 1234567), 7, t, i, e / 4, u);
                if (hn_at(&y, t, i, e) != (at > 0.0f && u[e % 4] <= at))
                    fail_msg("%d numbers, t %d, sample %d, position %d: u %.9g, p %.9g: got %g", (int)sizes[k], (int)t, (int)i, (int)e, (double)u[e % 4], (double)at, hn_at(&y, t, i, e));
            }
            drop(1, &p), drop(1, &y);
        }
}

/* Pictures with black and white parts, whose numbers are not drawn: quads of 0, of 1, of both, and between them. */
static void test_bernoulli_black_and_white(void **state) {
    (void)state;
    static const int64_t sizes[] = { 5, 64, 66, 784, 1500 };
    const int64_t T = 4, N = 3;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int way = 0; way < 4; way++) { /* runs of few or many, mostly black, mostly white */
            hn_value p = hn_new(HK_F32, HELD, T, N, SHAPE(sizes[k])), y = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(sizes[k]));
            for (int64_t j = 0, kind = 0; j < N * sizes[k]; j++) {
                if (hn_uniform() < (way % 2 ? 0.5 : 0.06)) kind = (int64_t)(hn_uniform() * 4);
                ((float *)p.mem)[j] = kind == 3 ? (float)hn_uniform() : kind == 2 ? (float)(way / 2) : kind == 1 ? 1.0f : 0.0f;
            }
            run("bernoulli", T, N, 1, &p, 1, &y, 0, NULL, 0);
            HN_EACH(y, t, i, e) {
                float u[4], at = (float)hn_at(&p, t, i, e);
                hk_random4(hk_random_key(42, 1234567), 7, t, i, e / 4, u);
                if (hn_at(&y, t, i, e) != (at > 0.0f && u[e % 4] <= at))
                    fail_msg("%d numbers, way %d, t %d, sample %d, position %d: u %.9g, p %.9g: got %g", (int)sizes[k], way, (int)t, (int)i, (int)e, (double)u[e % 4],
                        (double)at, hn_at(&y, t, i, e));
            }
            drop(1, &p), drop(1, &y);
        }
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bernoulli),
        cmocka_unit_test(test_bernoulli_edges),
        cmocka_unit_test(test_bernoulli_black_and_white),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu_random", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
