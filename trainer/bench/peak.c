/* peak.c - what this machine can do, measured in the same run as what is compared with it.
 *
 * Arithmetic: chains of multiply-adds that never leave the registers, on vectors of the instruction set level in use, all threads at once; the
 * best of several short runs. Memory: the triad a = b + s c over three arrays far larger than the caches, three numbers moved for each element
 * (McCalpin, STREAM); the best pass. */
#include "bench/bench.h"
#include <stdlib.h>

enum { CHAINS = 10, ROUNDS = 1 << 16, TRIES = 12, PASSES = 6 }; /* latency 4, two units: 8 chains are enough, 10 leave registers to spare */
#define TRIAD_BYTES ((size_t)64 << 20)                          /* of one array */

typedef float v4 __attribute__((vector_size(16)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v16 __attribute__((vector_size(64)));

/* The sum is returned, so that nothing can be left out. The empty asm keeps each chain in a register of its own. */
#define CHAIN_LOOP(type, lanes, constraint)                                                                                                                    \
    type a[CHAINS];                                                                                                                                            \
    for (int k = 0; k < CHAINS; k++) a[k] = (type){ 0 } + 1e-3f * (float)(k + 1);                                                                              \
    type m = (type){ 0 } + 0.999f, c = (type){ 0 } + 1e-3f;                                                                                                    \
    __asm__ volatile("" : "+" constraint(m), "+" constraint(c));                                                                                               \
    for (int i = 0; i < ROUNDS; i++) { _Pragma("GCC unroll 10") for (int k = 0; k < CHAINS; k++) a[k] = a[k] * m + c; }                                        \
    float sum = 0;                                                                                                                                             \
    for (int k = 0; k < CHAINS; k++)                                                                                                                           \
        for (int l = 0; l < lanes; l++) sum += a[k][l];                                                                                                        \
    return sum

#define CHAIN_OPT __attribute__((noinline, optimize("O3", "fp-contract=fast")))
#if defined(__x86_64__)
CHAIN_OPT static float chains_base(void) { CHAIN_LOOP(v4, 4, "x"); }
CHAIN_OPT __attribute__((target("avx2,fma"))) static float chains_avx2(void) { CHAIN_LOOP(v8, 8, "x"); }
CHAIN_OPT __attribute__((target("avx512f,avx512vl"))) static float chains_avx512(void) { CHAIN_LOOP(v16, 16, "v"); }
static float (*const chains[])(void) = { chains_base, chains_avx2, chains_avx512 };
static const int lanes[] = { 4, 8, 16 };
#else
CHAIN_OPT static float chains_base(void) {
    v4 a[CHAINS];
    for (int k = 0; k < CHAINS; k++) a[k] = (v4){ 0 } + 1e-3f * (float)(k + 1);
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < CHAINS; k++) a[k] = a[k] * 0.999f + 1e-3f;
    float sum = 0;
    for (int k = 0; k < CHAINS; k++)
        for (int l = 0; l < 4; l++) sum += a[k][l];
    return sum;
}
static float (*const chains[])(void) = { chains_base, chains_base, chains_base };
static const int lanes[] = { 4, 4, 4 };
#endif

static volatile float kept;

static double measure_flops(int threads, uint32_t isa) {
    double best = 0, flop = 2.0 * CHAINS * ROUNDS * lanes[isa] * threads;
    for (int i = 0; i < TRIES; i++) {
        float sum = 0;
        double t0 = hk__now();
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += chains[isa]();
        double t = hk__now() - t0;
        kept = sum;
        if (flop / t > best) best = flop / t;
    }
    return best;
}

static double measure_triad(int threads, float *a, float *b, float *c) {
    int64_t n = (int64_t)(TRIAD_BYTES / sizeof(float));
    double best = 0;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < n; i++) a[i] = 0, b[i] = 1, c[i] = 2; /* pages lie where they are used */
    for (int k = 0; k < PASSES; k++) {
        double t0 = hk__now();
#pragma omp parallel for simd schedule(static) num_threads(threads)
        for (int64_t i = 0; i < n; i++) a[i] = b[i] + 3.0f * c[i];
        double t = hk__now() - t0;
        kept = a[n / 2];
        if (3.0 * (double)TRIAD_BYTES / t > best) best = 3.0 * (double)TRIAD_BYTES / t;
    }
    return best;
}

hk_status hk__peak_measure(hk__bench *b, int threads, uint32_t isa, hk__peak *p) {
    float *x = malloc(3 * TRIAD_BYTES);
    size_t n = TRIAD_BYTES / sizeof(float);
    if (!x) return hk__conf_fail(b->conf, HK_ENOMEM, "out of memory to measure the memory's speed");
    p->flops = measure_flops(threads, isa < 3 ? isa : 0);
    p->bytes = measure_triad(threads, x, x + n, x + 2 * n);
    free(x);
    return HK_OK;
}

void hk__peak_print(const hk__bench *b, const hk__peak *p, int threads, uint32_t isa) {
    static const char *const level[] = { "baseline", "avx2", "avx512" };
    if (b->o->json)
        printf("{\"name\": \"%s\", \"peak\": {\"threads\": %d, \"isa\": \"%s\", \"gflops\": %.3f, \"gbs\": %.3f}}\n", b->name, threads,
            level[isa < 3 ? isa : 0], 1e-9 * p->flops, 1e-9 * p->bytes);
    else
        printf("%s peak threads=%d: %.1f GFLOP/s (multiply-adds in registers, %s)  %.1f GB/s (triad, three arrays of %zu MB)\n", b->name, threads,
            1e-9 * p->flops, level[isa < 3 ? isa : 0], 1e-9 * p->bytes, TRIAD_BYTES >> 20);
    fflush(stdout);
}
