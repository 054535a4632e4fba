/* runtime.c - looks for OpenMP runtimes among the loaded libraries: two of them keep two sets of threads that fight for the processors. */
#include "onednn.h"
#include <link.h>
#include <stdio.h>
#include <string.h>

typedef struct found {
    int n;
    char names[512];
} found;

static int look(struct dl_phdr_info *info, size_t size, void *arg) {
    static const char *const runtimes[] = { "libgomp", "libomp", "libiomp5" };
    (void)size;
    found *f = arg;
    const char *name = info->dlpi_name, *file = name ? strrchr(name, '/') : NULL;
    if (!name || !name[0]) return 0;
    file = file ? file + 1 : name;
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
        size_t n = strlen(runtimes[i]), used = strlen(f->names);
        if (strncmp(file, runtimes[i], n) != 0 || (file[n] != '.' && file[n] != '-')) continue;
        snprintf(f->names + used, sizeof f->names - used, "%s%s", f->n++ ? ", " : "", name);
    }
    return 0;
}

void od_check_runtimes(const hk_host *host) {
    found f = { 0, "" };
    dl_iterate_phdr(look, &f);
    if (f.n > 1)
        host->log(host->ctx, 1,
            "onednn: %d OpenMP runtimes are loaded (%s): their threads fight for the processors; make everything use the one that libdnnl uses", f.n, f.names);
}
