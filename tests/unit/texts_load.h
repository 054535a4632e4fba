/* texts_load.h - loads the plugins' types by a host of the test's own: every neuron, surrogate and optimizer. */
#ifndef TEXTS_LOAD_H
#define TEXTS_LOAD_H

#include "hillock/plugin.h"
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TYPES = 200 };
static struct {
    char iface[32], id[64];
    const char *text, *prefix;
    union {
        hk_neuron_type n;
        hk_surrogate_type s;
        hk_optimizer_type o;
    } t;
} types[MAX_TYPES];
static int n_types;

static hk_status add(hk_context *ctx, const char *iface, const char *id, const void *vtable) {
    (void)ctx;
    if (n_types == MAX_TYPES) return HK_EINTERNAL;
    snprintf(types[n_types].iface, sizeof types[n_types].iface, "%s", iface);
    snprintf(types[n_types].id, sizeof types[n_types].id, "%s", id);
    if (strcmp(iface, "hk.neuron/1") == 0) {
        types[n_types].t.n = *(const hk_neuron_type *)vtable;
        types[n_types].text = types[n_types].t.n.text, types[n_types].prefix = types[n_types].t.n.prefix;
    } else if (strcmp(iface, "hk.surrogate/1") == 0) {
        types[n_types].t.s = *(const hk_surrogate_type *)vtable;
        types[n_types].text = types[n_types].t.s.text, types[n_types].prefix = types[n_types].t.s.prefix;
    } else if (strcmp(iface, "hk.optimizer/1") == 0) {
        types[n_types].t.o = *(const hk_optimizer_type *)vtable;
        types[n_types].text = types[n_types].t.o.text, types[n_types].prefix = types[n_types].t.o.prefix;
    } else return HK_OK;
    n_types++;
    return HK_OK;
}
static int seen_before(int i) { /* types may share a text */
    for (int j = 0; j < i; j++)
        if (strcmp(types[j].prefix, types[i].prefix) == 0) return 1;
    return 0;
}
static hk_status host_fail(hk_context *ctx, hk_status st, const char *fmt, ...) {
    (void)ctx, (void)fmt;
    return st;
}

/* 0, or -1 with a message. HK_TEST_PLUGINS: another folder of plugins. */
static int load_types(void) {
    const char *plugins = getenv("HK_TEST_PLUGINS") ? getenv("HK_TEST_PLUGINS") : HILLOCK_BUILD_PLUGIN_DIR;
    static hk_host host = { sizeof host, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ISA_AVX512, NULL, add, NULL, host_fail, NULL, NULL, NULL };
    DIR *d = opendir(plugins);
    if (!d) return -1;
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024];
        if (!strstr(e->d_name, ".so") || strncmp(e->d_name, "backend_", 8) == 0) continue;
        snprintf(path, sizeof path, "%s/%s", plugins, e->d_name);
        void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        const hk_plugin_entry *entry = so ? dlsym(so, "hk_plugin") : NULL;
        if (!entry || entry->abi_print != HK_ABI_PRINT || entry->init(&host)) {
            fprintf(stderr, "%s: %s\n", path, so ? "not loadable" : dlerror());
            return -1;
        }
    }
    closedir(d);
    printf("%d texts of %s\n", n_types, plugins);
    return n_types > 0 ? 0 : -1;
}

#endif
