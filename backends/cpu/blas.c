/* blas.c - OpenBLAS for large matrices, opened at run time: without it the own kernels do everything.
 *
 * Only one thread may work inside a call, or bits would depend on the thread count. Debian's OpenMP flavour asks omp_get_max_threads()
 * at each call made outside a parallel region, and its openblas_set_num_threads() changes the caller's OpenMP setting; so that
 * setting is 1 around each call and is put back afterwards. */
#include "gemm.h"
#include <dlfcn.h>
#include <stdlib.h>

typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
struct cpu_blas {
    sgemm_fn *sgemm;
    int (*omp_get)(void);
    void (*omp_set)(int);
};

static void *symbol(void *lib, const char *name) { return lib ? dlsym(lib, name) : NULL; }
#define SYMBOL(to, lib, name) (*(void **)&(to) = symbol((lib), (name)))

static int blas_load(hk_device *dev, cpu_blas *b) {
    static const char *const core[3] = { "Nehalem", "Haswell", NULL };
    int named = dev->isa < 2 && !getenv("OPENBLAS_CORETYPE");
    if (named) setenv("OPENBLAS_CORETYPE", core[dev->isa], 0);
    void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (named) unsetenv("OPENBLAS_CORETYPE");
    if (!lib) {
        dev->host->log(dev->host->ctx, 3, "cpu: no OpenBLAS (%s); own kernels do all products", dlerror());
        return 0;
    }
    void (*set_threads)(int) = NULL;
    int (*parallel)(void) = NULL;
    char *(*config)(void) = NULL;
    SYMBOL(b->sgemm, lib, "cblas_sgemm");
    SYMBOL(set_threads, lib, "openblas_set_num_threads");
    SYMBOL(parallel, lib, "openblas_get_parallel");
    SYMBOL(config, lib, "openblas_get_config");
    int kind = parallel ? parallel() : -1;
    if (kind == 2) SYMBOL(b->omp_get, lib, "omp_get_max_threads"), SYMBOL(b->omp_set, lib, "omp_set_num_threads");
    if (!b->sgemm || (kind == 2 && (!b->omp_get || !b->omp_set))) {
        dev->host->log(dev->host->ctx, 1, "cpu: libopenblas.so.0 lacks a symbol; own kernels do all products");
        dlclose(lib);
        return 0;
    }
    int keep = b->omp_get ? b->omp_get() : 0;
    if (set_threads) set_threads(1);
    if (b->omp_set) b->omp_set(keep);
    dev->host->log(dev->host->ctx, 3, "cpu: OpenBLAS %s, flavour %s", config ? config() : "?", kind == 2 ? "OpenMP" : kind == 1 ? "pthread" : "sequential");
    return 1;
}

const cpu_blas *cpu_blas_get(hk_device *dev) {
    static cpu_blas blas;
    static int state; /* 0 not tried, 1 there, 2 missing */
    if (!state) state = blas_load(dev, &blas) ? 1 : 2;
    return state == 1 ? &blas : NULL;
}

void cpu_blas_sgemm(const cpu_blas *s, int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                    int64_t ldc) {
    int keep = s->omp_get ? s->omp_get() : 1;
    if (keep != 1) s->omp_set(1);
    s->sgemm(101, ta ? 112 : 111, tb ? 112 : 111, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
    if (keep != 1) s->omp_set(keep);
}
