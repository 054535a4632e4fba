/* plot_load.c - figures for the command: libhillock_plot is opened when the first one is drawn, so that a machine without cairo lacks pictures and nothing else. */
#include "trainer.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

hk_status hk__figure_write(const hk_figure *f, const char *path, char *why, size_t size) {
    static hk_status (*write_figure)(const hk_figure *, const char *, char *, size_t);
    Dl_info own;
    char file[8192] = "";
    if (!write_figure && dladdr(hk_version, &own) && strrchr(own.dli_fname, '/')) {
        snprintf(file, sizeof file, "%.*s/libhillock_plot.so", (int)(strrchr(own.dli_fname, '/') - own.dli_fname), own.dli_fname);
        void *so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        if (so) *(void **)&write_figure = dlsym(so, "hk_figure_write");
    }
    if (write_figure) return write_figure(f, path, why, size);
    const char *text = dlerror();
    snprintf(why, size, "figures need %s, which was built without cairo or is not there (%s): install libcairo2-dev and build again",
        file[0] ? file : "libhillock_plot.so", text ? text : "no reason given");
    return HK_EUNSUPPORTED;
}
