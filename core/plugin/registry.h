/* registry.h - what core/module/ needs to know of registered types beyond core.h. */
#ifndef HK_PLUGIN_REGISTRY_H
#define HK_PLUGIN_REGISTRY_H

#include "core.h"

/* What the interfaces that can be constructed from text have in common. */
typedef struct hk__type_info {
    const hk_field *fields;
    int n_fields;
    hk_status (*init)(hk_module *);
} hk__type_info;

/* false when types of this interface are not constructed from text (backends). */
bool hk__type_info_of(const char *iface, const void *vtable, hk__type_info *info);
/* Like hk__registry_get, but "hk.module/1" finds neurons too; *found (may be NULL) gets the interface, as kept by the registry. */
const void *hk__registry_resolve(const hk_context *, const char *iface, const char *id, const char **found, const char **own_id);

#endif
