/* context.h - what is inside an hk_context. Private to core/util/error.c and core/plugin/. */
#ifndef HK_PLUGIN_CONTEXT_H
#define HK_PLUGIN_CONTEXT_H

#include "core.h"
#include <pthread.h>

#define HK__ERROR_SIZE 4096

typedef struct hk__type {
    const char *iface, *id; /* iface: the registry's own string; id: the plugin's */
    void *vtable;           /* a copy of the host's size */
    int plugin;             /* index of the plugin that brought it */
} hk__type;

typedef enum hk__plugin_state { HK__PLUGIN_PENDING, HK__PLUGIN_LOADED, HK__PLUGIN_REFUSED } hk__plugin_state;

typedef struct hk__plugin {
    char *file;            /* resolved path, or "(linked)" */
    hk_plugin_entry entry; /* a copy, zero beyond the plugin's struct_size; id is NULL until the handshake succeeded */
    hk__plugin_state state;
    bool named;            /* asked for by its own name: a refusal is an error */
    bool shadowed;         /* its id was found earlier on the path: how a user replaces a plugin, no reason to warn */
    char *refused;         /* the reason; NULL when it was not refused */
} hk__plugin;

/* Where plugins were looked for: a folder or a file. */
typedef struct hk__place {
    char *path;
    const char *named_by; /* static text */
} hk__place;

struct hk_context {
    hk_host *host; /* lives on after the context, as plugins may keep it */
    pthread_mutex_t error_lock;
    char error[HK__ERROR_SIZE];
    int log_level;
    bool frozen;     /* no more registration */
    hk_status add_failed; /* an add of the running init failed: the plugin is refused even if it ignores that */
    int initialising; /* index of the plugin whose init runs; -1: none */
    hk__type *types;  /* in order of interface, then id */
    int n_types, cap_types;
    hk__plugin *plugins; /* in the order they were found */
    int n_plugins, cap_plugins;
    hk__place *places; /* in the order of the search */
    int n_places;
};

/* ---- core/util/error.c ---- */
void hk__error_clear(hk_context *);

/* ---- registry.c ---- */
/* hk_host.add */
hk_status hk__registry_add(hk_context *, const char *iface, const char *id, const void *vtable);
/* Takes back all that plugin `plugin` added. */
void hk__registry_remove(hk_context *, int plugin);

/* ---- check.c ---- */
/* Refuses a vtable that would break its users later: EPLUGIN, with the member at fault. vtable has the host's size. */
hk_status hk__type_check(hk_context *, const char *iface, const char *id, const void *vtable);

/* ---- loader.c ---- */
/* Finds a plugin file and checks it; a PENDING or REFUSED record is added. Only ENOMEM is an error. */
hk_status hk__loader_open(hk_context *, const char *file, bool named);
/* Records that `file` (a plugin or a folder) is refused, with the reason. */
hk_status hk__loader_refuse_file(hk_context *, const char *file, bool named, const char *why);
/* Calls init of all PENDING plugins in the order of their needs. EPLUGIN: a named one (at index `first` or later) was refused. */
hk_status hk__loader_init_all(hk_context *, int first);

/* ---- search.c ---- */
/* "x.so", without a folder: it would be taken from the current directory, whatever that is. */
bool hk__bare_name(const char *path);
#define HK__BARE_NAME "a name without a folder would mean the current directory: expected a path, as '/opt/x/x.so' or './x.so'"
/* Opens the plugins of plugin_path (may be NULL) and, with `defaults`, of the other places, and initialises them. */
hk_status hk__loader_search(hk_context *, const char *plugin_path, bool defaults);

/* ---- file_check.c ---- */
/* Each says whether `path` may be loaded from; if not, why. */
bool hk__file_check(const char *path, char *why, size_t size);
bool hk__folder_check(const char *path, char *why, size_t size);

/* ---- elf_check.c ---- */
/* Whether the open file of so many bytes is a whole shared object for this machine; if not, why. */
bool hk__elf_check(int fd, uint64_t bytes, char *why, size_t size);

#endif
