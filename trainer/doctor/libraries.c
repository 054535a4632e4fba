/* libraries.c - libraries in this process that run threads of their own. Two OpenMP runtimes start two sets of threads, which
 * share the CPUs badly; a BLAS is not used here, but one that a plugin brought may start threads too. */
#include "doctor/doctor.h"
#include <dlfcn.h>
#include <link.h>
#include <string.h>

typedef struct family {
    const char *prefix, *name;
} family;
static const family openmp[] = { { "libgomp.so", "GNU libgomp" }, { "libiomp5.so", "Intel libiomp5" }, { "libomp.so", "LLVM libomp" }, { "libomp-", "LLVM libomp" } };
static const family blas[] = { { "libopenblas", "OpenBLAS" }, { "libmkl_rt.so", "Intel MKL" }, { "libmkl_core.so", "Intel MKL" }, { "libblis", "BLIS" },
    { "libflexiblas.so", "FlexiBLAS" }, { "libatlas.so", "ATLAS" }, { "libblas.so", "libblas" }, { "libnvpl_blas", "NVPL" } };

typedef struct search {
    hk__doctor *d;
    int n_openmp, n_blas;
} search;

static const char *find(const family *f, size_t n, const char *base) {
    for (size_t i = 0; i < n; i++)
        if (!strncmp(base, f[i].prefix, strlen(f[i].prefix))) return f[i].name;
    return NULL;
}

/* OpenBLAS says how it was built; NULL for others. */
static const char *openblas_config(const char *path) {
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    char *(*config)(void) = NULL;
    if (handle) *(void **)&config = dlsym(handle, "openblas_get_config");
    const char *text = config ? config() : NULL;
    if (handle) dlclose(handle);
    return text;
}

static int one(struct dl_phdr_info *info, size_t size, void *arg) {
    search *s = arg;
    const char *slash = strrchr(info->dlpi_name, '/'), *base = slash ? slash + 1 : info->dlpi_name, *name;
    (void)size;
    if ((name = find(openmp, sizeof openmp / sizeof *openmp, base))) {
        if (++s->n_openmp == 1) hk__doctor_add(s->d, "libraries", "OpenMP", HK__FINE, "%s (%s)", name, info->dlpi_name);
        else
            hk__doctor_add(s->d, "libraries", "OpenMP", HK__PROBLEM, "%s (%s) is a second runtime: its threads and the first one's take the CPUs from each other; "
                           "link every plugin with -fopenmp of one compiler, or without", name, info->dlpi_name);
    } else if ((name = find(blas, sizeof blas / sizeof *blas, base))) {
        const char *config = openblas_config(info->dlpi_name);
        s->n_blas++;
        hk__doctor_add(s->d, "libraries", "BLAS", HK__NOTE, "%s%s%s (%s), brought by a plugin or LD_PRELOAD; Hillock's own kernels use none", name,
            config ? ", " : "", config ? config : "", info->dlpi_name);
    }
    return 0;
}

void hk__doctor_libraries(hk__doctor *d) {
    search s = { d, 0, 0 };
    dl_iterate_phdr(one, &s);
    if (!s.n_openmp) hk__doctor_add(d, "libraries", "OpenMP", HK__NOTE, "linked statically, or none");
    if (!s.n_blas) hk__doctor_add(d, "libraries", "BLAS", HK__FINE, "none loaded, none needed");
}
