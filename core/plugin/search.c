/* search.c - where plugins are looked for: the configuration's path, $HILLOCK_PLUGIN_PATH, the folder hillock/plugins beside
 * libhillock. Never the current directory, unless a path of the configuration says so by "." or "./". */
#include "plugin/context.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_plugin_name(const char *name) {
    size_t n = strlen(name);
    return name[0] != '.' && n > 3 && strcmp(name + n - 3, ".so") == 0;
}

/* Opens every NAME.so of a folder, in order of name, whatever the file system's order is. */
static hk_status open_folder(hk_context *ctx, const char *folder) {
    char **names = NULL;
    int n = 0, cap = 0;
    hk_status st = HK_OK;
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOMEM) return hk__fail(ctx, HK_ENOMEM, "out of memory while reading the folder '%s'", folder);
    if (!dir) return hk__loader_refuse_file(ctx, folder, false, strerror(errno));
    for (struct dirent *e; !st && (e = readdir(dir));) {
        if (!is_plugin_name(e->d_name)) continue;
        if (n == cap) {
            char **grown = realloc(names, (size_t)(cap = cap ? 2 * cap : 16) * sizeof *grown);
            if (grown) names = grown;
            else st = HK_ENOMEM;
        }
        if (!st && asprintf(&names[n], "%s/%s", folder, e->d_name) < 0) st = HK_ENOMEM;
        if (!st) n++;
    }
    closedir(dir);
    if (n) qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) {
        if (!st) st = hk__loader_open(ctx, names[i], false);
        free(names[i]);
    }
    free(names);
    return st == HK_ENOMEM ? hk__fail(ctx, st, "out of memory while reading the folder '%s'", folder) : st;
}

bool hk__bare_name(const char *path) { return !strchr(path, '/') && strcmp(path, ".") != 0 && strcmp(path, "..") != 0; }

static hk_status place_add(hk_context *ctx, const char *path, const char *named_by) {
    hk__place *grown = realloc(ctx->places, (size_t)(ctx->n_places + 1) * sizeof *grown);
    char *copy = strdup(path);
    if (grown) ctx->places = grown;
    if (!grown || !copy) {
        free(copy);
        return hk__fail(ctx, HK_ENOMEM, "out of memory while reading the plugin path");
    }
    ctx->places[ctx->n_places++] = (hk__place){ copy, named_by };
    return HK_OK;
}

void hk_plugin_each_place(const hk_context *ctx, void (*cb)(void *, const char *, const char *), void *arg) {
    for (int i = 0; i < ctx->n_places; i++) cb(arg, ctx->places[i].path, ctx->places[i].named_by);
}

/* One entry of a path: a folder or a file, each named by the user, so that a failure is an error. */
static hk_status open_named(hk_context *ctx, const char *entry, const char *named_by) {
    char real[PATH_MAX], why[PATH_MAX + 128];
    struct stat s;
    bool bare = hk__bare_name(entry), found = !bare && realpath(entry, real) && stat(real, &s) == 0;
    int error = errno;
    hk_status st = place_add(ctx, found ? real : entry, named_by);
    if (st) return st;
    if (bare) return hk__loader_refuse_file(ctx, entry, true, HK__BARE_NAME);
    if (!found) {
        snprintf(why, sizeof why, "%s: check its name", strerror(error));
        return hk__loader_refuse_file(ctx, entry, true, why);
    }
    if (!S_ISDIR(s.st_mode)) return hk__loader_open(ctx, real, true);
    if (!hk__folder_check(real, why, sizeof why)) return hk__loader_refuse_file(ctx, real, true, why);
    return open_folder(ctx, real);
}

static hk_status open_path(hk_context *ctx, const char *path, const char *named_by, bool absolute_only) {
    hk_status st = HK_OK;
    for (const char *p = path; !st && *p;) {
        size_t n = strcspn(p, ":");
        char *entry = strndup(p, n);
        if (!entry) return hk__fail(ctx, HK_ENOMEM, "out of memory while reading the plugin path");
        if (n && absolute_only && entry[0] != '/')
            st = hk__loader_refuse_file(ctx, entry, true, "a relative path in $HILLOCK_PLUGIN_PATH would depend on the current directory: expected it to begin with '/'");
        else if (n) st = open_named(ctx, entry, named_by);
        free(entry);
        p += n + (p[n] == ':');
    }
    return st;
}

static bool is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Beside the file this very function came from: libhillock.so, or, linked statically, a program of a build folder's bin. */
static bool default_folder(char out[PATH_MAX]) {
    static const char here = 0; /* any address inside this file */
    char self[PATH_MAX];
    char *tries[3] = { NULL, NULL, NULL };
    bool found = false;
    Dl_info info;
    if (dladdr(&here, &info) && info.dli_fname && realpath(info.dli_fname, self)) {
        char *slash = strrchr(self, '/');
        if (slash) *slash = '\0';
        if (asprintf(&tries[0], "%s/hillock/plugins", self) < 0) tries[0] = NULL;
        if (asprintf(&tries[1], "%s/../lib/hillock/plugins", self) < 0) tries[1] = NULL;
    }
#ifdef HILLOCK_BUILD_PLUGIN_DIR
    tries[2] = strdup(HILLOCK_BUILD_PLUGIN_DIR);
#endif
    for (int i = 0; i < 3; i++) {
        if (!found && tries[i] && is_folder(tries[i]) && realpath(tries[i], out)) found = true;
        free(tries[i]);
    }
    return found;
}

hk_status hk__loader_search(hk_context *ctx, const char *plugin_path, bool defaults) {
    char folder[PATH_MAX], why[PATH_MAX + 128];
    hk_status st = plugin_path ? open_path(ctx, plugin_path, "the configured path", false) : HK_OK;
    if (!st && defaults) {
        const char *env = secure_getenv("HILLOCK_PLUGIN_PATH");
        if (env) st = open_path(ctx, env, "$HILLOCK_PLUGIN_PATH", true);
        bool beside = !st && default_folder(folder);
        if (beside) st = place_add(ctx, folder, "beside libhillock");
        if (beside && !st) {
            if (hk__folder_check(folder, why, sizeof why)) st = open_folder(ctx, folder);
            else st = hk__loader_refuse_file(ctx, folder, false, why);
        }
    }
    return st ? st : hk__loader_init_all(ctx, 0);
}
