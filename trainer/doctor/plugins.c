/* plugins.c - the folders and files in which plugins were looked for, in order, and what came of it. */
#include "doctor/doctor.h"
#include <string.h>

typedef struct place {
    hk__doctor *d;
    const char *path;
    int found, loaded;
} place;

static bool is_in(const char *file, const char *path) {
    size_t n = strlen(path);
    return !strcmp(file, path) || (!strncmp(file, path, n) && file[n] == '/' && !strchr(file + n + 1, '/'));
}

static void count(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    place *p = arg;
    (void)id, (void)version;
    if (p->path && !is_in(file, p->path)) return;
    p->found++, p->loaded += !refused;
}

static void one_place(void *arg, const char *path, const char *named_by) {
    place p = { arg, path, 0, 0 };
    hk_plugin_each(p.d->ctx, count, &p);
    hk__doctor_add(p.d, "plugins", path, HK__FINE, "(%s) %d loaded, %d refused", named_by, p.loaded, p.found - p.loaded);
}

static void one_refused(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    (void)version;
    if (refused) hk__doctor_add(arg, "plugins", file, id ? HK__NOTE : HK__PROBLEM, "%s", refused);
}

void hk__doctor_plugins(hk__doctor *d) {
    place all = { d, NULL, 0, 0 };
    hk_plugin_each_place(d->ctx, one_place, d);
    hk_plugin_each(d->ctx, one_refused, d);
    hk_plugin_each(d->ctx, count, &all);
    if (!all.loaded)
        hk__doctor_add(d, "plugins", "none", HK__PROBLEM, "no plugin is loaded: expected them in the folder hillock/plugins beside libhillock; install Hillock "
                       "again, or set $HILLOCK_PLUGIN_PATH");
    else if (d->ctx_status && d->ctx_status != HK_EPLUGIN) hk__doctor_add(d, "plugins", "search", HK__PROBLEM, "%s", hk_error(d->ctx));
}
