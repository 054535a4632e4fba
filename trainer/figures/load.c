/* load.c - figures for the command: libhillock_plot is opened when the first one is drawn, so that a machine without cairo lacks pictures and nothing else. */
#include "trainer.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void (*hk__plot_function(const char *name, char *why, size_t size))(void) {
    static void *so;
    Dl_info own;
    char file[8192] = "";
    void (*function)(void) = NULL;
    if (!so && dladdr(hk_version, &own) && strrchr(own.dli_fname, '/')) {
        snprintf(file, sizeof file, "%.*s/libhillock_plot.so", (int)(strrchr(own.dli_fname, '/') - own.dli_fname), own.dli_fname);
        so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    }
    if (so) *(void **)&function = dlsym(so, name);
    if (function) return function;
    const char *text = dlerror();
    snprintf(why, size, "figures need %s, which was built without cairo or is not there (%s): install libcairo2-dev and build again",
        file[0] ? file : "libhillock_plot.so", text ? text : "no reason given");
    return NULL;
}

hk_status hk__figure_write(const hk_figure *f, const char *path, char *why, size_t size) {
    hk_status (*write_figure)(const hk_figure *, const char *, char *, size_t) =
        (hk_status(*)(const hk_figure *, const char *, char *, size_t))hk__plot_function("hk_figure_write", why, size);
    return write_figure ? write_figure(f, path, why, size) : HK_EUNSUPPORTED;
}
