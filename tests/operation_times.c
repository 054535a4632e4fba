/* operation_times.c - the time of single operations on one backend or several, beside each other: each shape is run by THREADS threads on a block each.
 * Usage: hillock-operation-times [--threads N] [--spikes PERCENT] [backend ...]   (default: cpu)
 * Prints the shortest of some runs in ms; with it the implementation. Backends are taken in turn, so that they meet the same machine. */
#include "unit/backend_harness.h"
#include <omp.h>
#include <time.h>

enum { RUNS = 7, MOST = 4 };
static int threads = 2, percent = -1;
static const char *backends[MOST] = { "cpu" };
static int n_backends;

typedef struct one {
    const hk_backend *be;
    hk_op_plan *plan;
    hk_query q;
    char *scratch[64];
} one;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void measure(const char *name, const char *op, int64_t N, int n_in, const hk_desc *in, const hk_desc *out, int n_attr, const hk_attr *attr, double gflop) {
    int64_t nb = N / threads;
    char *mem[MOST + 1];
    for (int k = 0; k <= n_in; k++) {
        const hk_desc *d = k < n_in ? &in[k] : out;
        int64_t n = hk_desc_elems(d) * (d->flags & HK_N ? N : d->flags & HK_G ? (N + 15) / 16 : 1);
        mem[k] = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
        for (int64_t i = 0; i < n; i++) {
            if (d->dtype == HK_F32) ((float *)(void *)mem[k])[i] = (float)(hn_uniform() - 0.5);
            else mem[k][i] = hn_uniform() * 100 < percent;
        }
    }
    double best[MOST];
    one o[MOST];
    for (int i = 0; i < n_backends; i++) {
        hk_opdesc d = { .struct_size = sizeof d, .scope = HK_SCOPE_BLOCK, .op = op, .path = "bench", .n_in = (uint32_t)n_in, .n_out = 1, .n_attr = (uint32_t)n_attr, .isa = hn_isa(), .in = in,
            .out = out, .attr = attr, .T = 1, .N = N, .nb = nb };
        hn_backend = hn_get(NULL, "hk.backend/1", backends[i]);
        hk_backend_config config = { sizeof config, HK_ISA_AVX512, threads, 0 };
        hk_device *dev = NULL;
        if (hn_backend->open(&hn_host, &config, &dev) != HK_OK) fprintf(stderr, "%s\n", hn_message), exit(1);
        hn_device = dev;
        if (hn_plan_new(&d, &o[i].be, &o[i].plan) != HK_OK) fprintf(stderr, "%s: %s\n", op, hn_message), exit(1);
        o[i].q = (hk_query){ .struct_size = sizeof(hk_query) };
        o[i].be->plan_query(o[i].plan, &o[i].q);
        for (int k = 0; k < threads; k++) o[i].scratch[k] = aligned_alloc(64, (o[i].q.scratch + 127) / 64 * 64);
        best[i] = 1e30;
    }
    for (int run = 0; run < RUNS; run++)
        for (int i = 0; i < n_backends; i++) {
            double t0 = now();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
            for (int b = 0; b < threads; b++) {
                void *ptr[MOST + 1];
                for (int k = 0; k <= n_in; k++) {
                    const hk_desc *d = k < n_in ? &in[k] : out;
                    size_t row = (size_t)hk_desc_elems(d) * (d->dtype == HK_F32 ? 4 : 1);
                    ptr[k] = mem[k] + (d->flags & HK_N ? (size_t)(b * nb) * row : d->flags & HK_G ? (size_t)(b * nb / 16) * row : 0);
                }
                hk_bind bind = { sizeof bind, (uint32_t)n_in + 1, 1, nb, 0, b * nb, (nb + 15) / 16, ptr, o[i].scratch[b], &hn_step };
                if (o[i].be->plan_run(o[i].plan, NULL, &bind) != HK_OK) fprintf(stderr, "%s\n", hn_message), exit(1);
            }
            double t = now() - t0;
            if (t < best[i]) best[i] = t;
        }
    printf("%-34s %-11s", name, op);
    for (int i = 0; i < n_backends; i++) printf(" | %8.2f ms %6.1f GF/s %-28s", best[i], gflop / best[i] * 1e3, o[i].q.impl);
    printf("\n");
    fflush(stdout);
    for (int i = 0; i < n_backends; i++) {
        o[i].be->plan_free(o[i].plan);
        for (int k = 0; k < threads; k++) free(o[i].scratch[k]);
    }
    for (int k = 0; k <= n_in; k++) free(mem[k]);
}

static hk_desc desc(int dtype, uint32_t flags, int rank, int64_t a, int64_t b, int64_t c, int64_t d) {
    return (hk_desc){ (uint8_t)dtype, (uint8_t)flags, (uint8_t)rank, 0, 0, { a, b, c, d } };
}

static void conv(int64_t N, int64_t C, int64_t O, int64_t S, int64_t K) {
    char name[64];
    snprintf(name, sizeof name, "%lld->%lld %lldx%lld, %lldx%lld, %lld rows", (long long)C, (long long)O, (long long)S, (long long)S, (long long)K, (long long)K, (long long)N);
    const hk_attr attr[] = { { "kernel_h", K, 0, NULL }, { "kernel_w", K, 0, NULL }, { "stride_h", 1, 0, NULL }, { "stride_w", 1, 0, NULL }, { "pad_top", K / 2, 0, NULL },
        { "pad_bottom", K / 2, 0, NULL }, { "pad_left", K / 2, 0, NULL }, { "pad_right", K / 2, 0, NULL }, { "dil_h", 1, 0, NULL }, { "dil_w", 1, 0, NULL }, { "groups", 1, 0, NULL } };
    hk_desc x = desc(percent < 0 ? HK_F32 : HK_SPIKE, HK_SEQ, 3, C, S, S, 0), gx = desc(HK_F32, HK_SEQ, 3, C, S, S, 0), w = desc(HK_F32, HK_STATIC, 4, O, C, K, K);
    hk_desc y = desc(HK_F32, HK_SEQ, 3, O, S, S, 0), dw = desc(HK_F32, HK_G, 4, O, C, K, K);
    double gf = 2e-9 * (double)(N * C * O * S * S * K * K);
    measure(name, "conv2d", N, 2, (hk_desc[]){ x, w }, &y, 11, attr, gf);
    if (percent < 0) measure(name, "conv2d_dx", N, 2, (hk_desc[]){ y, w }, &gx, 11, attr, gf);
    measure(name, "conv2d_dw", N, 2, (hk_desc[]){ y, x }, &dw, 11, attr, gf);
}

static void linear(int64_t N, int64_t K, int64_t O) {
    char name[64];
    snprintf(name, sizeof name, "%lld->%lld, %lld rows", (long long)K, (long long)O, (long long)N);
    hk_desc x = desc(percent < 0 ? HK_F32 : HK_SPIKE, HK_SEQ, 1, K, 0, 0, 0), gx = desc(HK_F32, HK_SEQ, 1, K, 0, 0, 0), w = desc(HK_F32, HK_STATIC, 2, O, K, 0, 0);
    hk_desc y = desc(HK_F32, HK_SEQ, 1, O, 0, 0, 0), dw = desc(HK_F32, HK_G, 2, O, K, 0, 0);
    double gf = 2e-9 * (double)(N * K * O);
    measure(name, "linear", N, 2, (hk_desc[]){ x, w }, &y, 0, NULL, gf);
    if (percent < 0) measure(name, "linear_dx", N, 2, (hk_desc[]){ y, w }, &gx, 0, NULL, gf);
    measure(name, "linear_dw", N, 2, (hk_desc[]){ y, x }, &dw, 0, NULL, gf);
}

static void pool(int64_t N, int64_t C, int64_t S) {
    char name[64];
    snprintf(name, sizeof name, "%lld of %lldx%lld, 2x2, %lld rows", (long long)C, (long long)S, (long long)S, (long long)N);
    const hk_attr attr[] = { { "kernel_h", 2, 0, NULL }, { "kernel_w", 2, 0, NULL }, { "stride_h", 2, 0, NULL }, { "stride_w", 2, 0, NULL }, { "pad_top", 0, 0, NULL },
        { "pad_bottom", 0, 0, NULL }, { "pad_left", 0, 0, NULL }, { "pad_right", 0, 0, NULL }, { "dil_h", 1, 0, NULL }, { "dil_w", 1, 0, NULL } };
    hk_desc x = desc(HK_F32, HK_SEQ, 3, C, S, S, 0), y = desc(HK_F32, HK_SEQ, 3, C, S / 2, S / 2, 0);
    measure(name, "maxpool2d", N, 1, &x, &y, 10, attr, 0);
    measure(name, "maxpool2d_bwd", N, 2, (hk_desc[]){ y, x }, &x, 10, attr, 0);
    measure(name, "avgpool2d", N, 1, &x, &y, 10, attr, 0);
    measure(name, "avgpool2d_bwd", N, 1, &y, &x, 10, attr, 0);
}

static void norm(int64_t N, int64_t C, int64_t S) {
    char name[64];
    snprintf(name, sizeof name, "%lld of %lldx%lld, %lld rows", (long long)C, (long long)S, (long long)S, (long long)N);
    hk_desc x = desc(HK_F32, HK_SEQ, 3, C, S, S, 0), c = desc(HK_F32, HK_STATIC, 1, C, 0, 0, 0);
    measure(name, "batchnorm", N, 3, (hk_desc[]){ x, c, c }, &x, 0, NULL, 0);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--threads") && i + 1 < argc) threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--spikes") && i + 1 < argc) percent = atoi(argv[++i]);
        else if (n_backends < MOST) backends[n_backends++] = argv[i];
    }
    if (threads < 1 || threads > 64) return fprintf(stderr, "--threads: expected 1 to 64\n"), 2;
    if (!n_backends) n_backends = 1;
    hn_host.isa = hn_isa();
    if (hn_load(HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so")) return 1;
    for (int i = 0; i < n_backends; i++) {
        char file[4096];
        snprintf(file, sizeof file, HILLOCK_BUILD_PLUGIN_DIR "/backend_%s.so", backends[i]);
        if (strcmp(backends[i], "cpu") != 0 && hn_load(file)) return 1;
    }
    conv(512, 64, 64, 14, 3);
    conv(64, 128, 128, 28, 3);
    conv(128, 12, 64, 12, 5);
    conv(128, 1, 64, 28, 3);
    linear(512, 3136, 1024);
    linear(64, 3136, 1024);
    linear(512, 784, 256);
    linear(512, 512, 512);
    linear(512, 128, 128);
    linear(7168, 64, 64);
    linear(512, 1024, 10);
    if (percent < 0) pool(128, 64, 28), norm(512, 64, 14);
    return 0;
}
