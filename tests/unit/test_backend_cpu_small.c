/* test_backend_cpu_small.c - what small networks are made of: tables of spikes, products with the columns of a picture, at every ISA level, with the same bits
 * for every block size and scope. Usage: test_backend_cpu_small [backend_cpu.so] */
#include "backend_run.h"

static void check_table(int64_t T, int64_t N, int64_t K, int64_t O, uint32_t flags, int bias) {
    int64_t wide = (O + 15) / 16 * 16, rows = (K + 3) / 4 * 16;
    hn_value w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), table = hn_new(HK_F32, STATIC, T, N, SHAPE(rows, wide));
    run("spike_table", T, N, 1, &w, 1, &table, 0, NULL, 1);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t o = 0; o < wide; o++) {
            float sum = 0;
            for (int64_t j = 0; j < 4; j++)
                if (r % 16 >> j & 1 && r / 16 * 4 + j < K && o < O) sum += (float)hn_at(&w, 0, 0, o * K + r / 16 * 4 + j);
            if (((float *)table.mem)[r * wide + o] != sum) fail_msg("table of %dx%d, row %d, number %d: got %.9g, expected %.9g", (int)O, (int)K, (int)r, (int)o,
                                                                    (double)((float *)table.mem)[r * wide + o], (double)sum);
        }
    hn_value in[5] = { hn_new(HK_SPIKE, flags, T, N, SHAPE(K)), w, bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(O)) : hn_absent(), table, hn_new(HK_F32, flags, T, N, SHAPE(O)) };
    hn_value y = hn_new(HK_F32, flags, T, N, SHAPE(O)), more = hn_new(HK_F32, flags, T, N, SHAPE(O));
    run("linear", T, N, 4, in, 1, &y, 0, NULL, 0);
    run("linear", T, N, 5, in, 1, &more, 0, NULL, 0);
    HN_EACH(y, t, i, o) {
        if ((float)hn_at(&more, t, i, o) != (float)hn_at(&y, t, i, o) + (float)hn_at(&in[4], t, i, o))
            fail_msg("linear and a summand: got %.9g, expected %.9g + %.9g", hn_at(&more, t, i, o), hn_at(&y, t, i, o), hn_at(&in[4], t, i, o));
        double sum = bias ? hn_at(&in[2], 0, 0, o) : 0;
        for (int64_t k = 0; k < K; k++) sum += hn_at(&in[0], t, i, k) * hn_at(&w, 0, 0, o * K + k);
        near("linear with a table", hn_at(&y, t, i, o), sum, 1e-5 * sqrt((double)K));
    }
    drop(5, in), drop(1, &y), drop(1, &more);
}

static void test_tables_of_spikes(void **state) {
    (void)state;
    static const int64_t KO[][2] = { { 1, 1 }, { 3, 7 }, { 32, 10 }, { 32, 32 }, { 17, 41 }, { 31, 33 }, { 64, 64 }, { 63, 16 }, { 40, 100 } };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof KO / sizeof *KO; k++) {
        check_table(T, N, KO[k][0], KO[k][1], SEQ, 1);
        check_table(T, N, KO[k][0], KO[k][1], HELD, 0);
    }
    check_table(3, 150, 32, 32, SEQ, 1);
}

/* linear and linear_dw of a picture's columns have the bits of those of column_as_time. */
static void check_columns(int64_t N, int64_t H, int64_t T, int64_t O, int rank, int bias) {
    const int64_t shape[3] = { 1, H, T };
    const hk_attr columns[1] = { { "columns", 1, 0, NULL } };
    hn_value picture = hn_new(HK_F32, HELD, T, N, rank, shape + 3 - rank), rows = hn_new(HK_F32, SEQ, T, N, SHAPE(H)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, H));
    hn_value b = bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(O)) : hn_absent(), g = hn_new(HK_F32, SEQ, T, N, SHAPE(O));
    hn_value y[2], dw[2];
    for (int k = 0; k < 2; k++) y[k] = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), dw[k] = hn_new(HK_F32, G, T, N, SHAPE(O, H));
    run("column_as_time", T, N, 1, &picture, 1, &rows, 0, NULL, 0);
    for (int k = 0; k < 2; k++) {
        hn_value in[3] = { k ? picture : rows, w, b }, win[2] = { g, in[0] };
        run("linear", T, N, 3, in, 1, &y[k], k, columns, 0);
        run("linear_dw", T, N, 2, win, 1, &dw[k], k, columns, 0);
    }
    if (memcmp(y[0].mem, y[1].mem, y[0].bytes)) fail_msg("linear of columns, %dx%d, T %d, N %d: other bits", (int)O, (int)H, (int)T, (int)N);
    if (memcmp(dw[0].mem, dw[1].mem, dw[0].bytes)) fail_msg("linear_dw of columns, %dx%d, T %d, N %d: other bits", (int)O, (int)H, (int)T, (int)N);
    drop(1, &picture), drop(1, &rows), drop(1, &w), drop(1, &b), drop(1, &g), drop(2, y), drop(2, dw);
}

static void test_columns_of_pictures(void **state) {
    (void)state;
    static const int64_t HTO[][3] = { { 28, 28, 32 }, { 1, 1, 1 }, { 5, 9, 3 }, { 13, 8, 17 }, { 30, 31, 33 }, { 7, 23, 50 } };
    for (size_t k = 0; k < sizeof HTO / sizeof *HTO; k++)
        for (int rank = 2; rank <= 3; rank++) {
            check_columns(33, HTO[k][0], HTO[k][1], HTO[k][2], rank, 1);
            check_columns(1, HTO[k][0], HTO[k][1], HTO[k][2], rank, 0);
        }
}

/* linear and linear_dw of spikes to few outputs have the bits of the same products with numbers; `silent` per cent of the inputs never spike. */
static void check_few_outputs(int64_t T, int64_t N, int64_t K, int64_t O, int bias, double silent, double spiking) {
    hn_value x = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(K)), f = hn_new(HK_F32, SEQ, T, N, SHAPE(K)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K));
    hn_value b = bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(O)) : hn_absent(), g = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), y[2], dw[2];
    for (int64_t j = 0; j < N * K; j++) {
        int never = 100 * hn_uniform() < silent;
        for (int64_t t = 0; t < T; t++) x.mem[t * N * K + j] = !never && 100 * hn_uniform() < spiking, ((float *)f.mem)[t * N * K + j] = (float)x.mem[t * N * K + j];
    }
    for (uint32_t isa = 0; isa <= hn_isa(); isa++) {
        for (int k = 0; k < 2; k++) {
            y[k] = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), dw[k] = hn_new(HK_F32, G, T, N, SHAPE(O, K));
            hn_value in[3] = { k ? f : x, w, b }, win[2] = { g, in[0] };
            assert_int_equal(hn_run("linear", HK_SCOPE_BLOCK, isa, 16, T, N, 3, in, 1, &y[k], 0, NULL), HK_OK);
            assert_int_equal(hn_run("linear_dw", HK_SCOPE_BLOCK, isa, 16, T, N, 2, win, 1, &dw[k], 0, NULL), HK_OK);
        }
        if (memcmp(y[0].mem, y[1].mem, y[0].bytes)) fail_msg("linear %dx%d, T %d, N %d, isa %u: other bits for spikes", (int)O, (int)K, (int)T, (int)N, isa);
        if (memcmp(dw[0].mem, dw[1].mem, dw[0].bytes)) fail_msg("linear_dw %dx%d, T %d, N %d, isa %u: other bits for spikes", (int)O, (int)K, (int)T, (int)N, isa);
        drop(2, y), drop(2, dw);
    }
    hn_value in[3] = { x, w, b }, out = hn_new(HK_F32, SEQ, T, N, SHAPE(O));
    run("linear", T, N, 3, in, 1, &out, 0, NULL, 0);
    drop(1, &x), drop(1, &f), drop(1, &w), drop(1, &b), drop(1, &g), drop(1, &out);
}

static void test_spikes_to_few_outputs(void **state) {
    (void)state;
    static const int64_t KT[][2] = { { 784, 100 }, { 64, 16 }, { 65, 32 }, { 79, 33 }, { 127, 48 }, { 1024, 50 }, { 63, 20 } };
    for (size_t k = 0; k < sizeof KT / sizeof *KT; k++) check_few_outputs(KT[k][1], k ? 19 : 3, KT[k][0], 10, k % 2 == 0, 50, 30);
    for (int64_t O = 1; O <= 17; O++) check_few_outputs(35, 17, 100, O, O % 2, O % 3 ? 30 : 0, O % 4 ? 20 : 100);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so";
    if (hn_open(file, 3)) return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_tables_of_spikes), cmocka_unit_test(test_columns_of_pictures), cmocka_unit_test(test_spikes_to_few_outputs) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
