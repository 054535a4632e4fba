/* load.c - shared objects that extend the Trainer, named by [hooks] load: the file's check, dlopen, the handshake, install.
 *
 * As with plugins: the entry is data and is checked before any code of it is called, a file that others may write is refused, nothing is ever
 * unloaded, the current directory is not searched. A bare name is one of those installed beside libhillock, in hillock/hooks. */
#include "core.h"
#include "extend/extend.h"
#include "plugin/context.h"
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static hk_status refuse(hk_trainer *t, const char *file, const char *fmt, ...) {
    char why[PATH_MAX + 512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    snprintf(t->err, sizeof t->err, "'%.300s' is refused: %.600s", file, why);
    return HK_EPLUGIN;
}

/* name, hillock/hooks/name.so beside libhillock */
static hk_status installed(hk_trainer *t, const char *name, char *path, size_t size) {
    Dl_info here;
    const char *slash = dladdr(&hk_version, &here) ? strrchr(here.dli_fname, '/') : NULL;
    const int folder = slash ? (int)(slash - here.dli_fname) : 1;
    snprintf(path, size, "%.*s/hillock/hooks/%s.so", folder, slash ? here.dli_fname : ".", name);
    return slash ? HK_OK : refuse(t, name, "the folder of libhillock is not known: name the file, as ./%s.so", name);
}

static hk_status handshake(hk_trainer *t, const char *file, const hk_trainer_extension *e) {
    if (e->magic != HK_TRAINER_MAGIC) return refuse(t, file, "its symbol hk_extension is no entry: define it with HK_TRAINER_EXTENSION");
    if (e->struct_size < sizeof *e || e->print != HK_TRAINER_PRINT)
        return refuse(t, file, "it was built for another Trainer: expected layout print %016" PRIx64 ", got %016" PRIx64 ": rebuild it with this Hillock's headers",
            (uint64_t)HK_TRAINER_PRINT, e->print);
    if (!e->id || !e->id[0] || !e->version || !e->install) return refuse(t, file, "its entry lacks an id, a version or an install function");
    return HK_OK;
}

static hk_status load_one(hk_trainer *t, const char *name) {
    char path[PATH_MAX], real[PATH_MAX], why[PATH_MAX + 256];
    hk_status st = HK_OK;
    const int bare = !strchr(name, '/');
    if (bare && strlen(name) > 3 && !strcmp(name + strlen(name) - 3, ".so"))
        return refuse(t, name, "expected a file with a folder, as ./%s, or the name of an installed one without .so", name);
    if (bare) st = installed(t, name, path, sizeof path);
    else snprintf(path, sizeof path, "%s", name);
    if (st) return st;
    if (!realpath(path, real)) return refuse(t, name, "%s: check its name%s%s", strerror(errno), bare ? "; looked for " : "", bare ? path : "");
    if (!hk__file_check(real, why, sizeof why)) return refuse(t, name, "%s", why);
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) return refuse(t, name, "%s", dlerror());
    const hk_trainer_extension *e = dlsym(handle, "hk_extension");
    if (!e) return refuse(t, name, "it has no symbol hk_extension: define it with HK_TRAINER_EXTENSION%s", dlsym(handle, "hk_plugin") ? "; this is a plugin: write it in [plugins] path" : "");
    if ((st = handshake(t, name, e))) return st;
    hk_trainer_hooks own = HK_TRAINER_HOOKS_DEFAULT;
    st = e->install(t, &own);
    if (!st) t->each[t->n_each++] = own;
    else {
        char text[512];
        snprintf(text, sizeof text, "%.500s", t->err);
        return refuse(t, name, "its install function failed: %s", text[0] ? text : hk_status_text(st));
    }
    const size_t at = strlen(t->loaded);
    snprintf(t->loaded + at, sizeof t->loaded - at, "%s%s %s", at ? ", " : "", e->id, e->version);
    return HK_OK;
}

hk_status hk__trainer_load(hk_trainer *t, const char *list) {
    char *copy = strdup(list), *rest = copy, *word;
    hk_status st = copy ? HK_OK : HK_ENOMEM;
    for (int n = 0; !st && (word = strsep(&rest, ",")); n++) {
        word += strspn(word, " \t");
        size_t len = strlen(word);
        while (len && (word[len - 1] == ' ' || word[len - 1] == '\t')) word[--len] = 0;
        if (!len) st = refuse(t, list, "expected names with ',' between, got an empty one");
        else if (n == HK__MAX_EXTENSION) st = refuse(t, word, "expected at most %d extensions", HK__MAX_EXTENSION);
        else st = load_one(t, word);
    }
    free(copy);
    return st;
}
