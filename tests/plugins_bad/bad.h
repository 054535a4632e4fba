/* bad.h - a plugin that would be good, were it not for what the including file defines before. It adds one layer, named after the
 * file (CMake defines BAD_NAME). A new bad plugin is a new .c file here; in its first comment each line " * says: TEXT" is a text
 * that the reason must contain, however the plugin is loaded; " * named: TEXT" when its file is named, " * found: TEXT" when it is
 * found in a folder. */
#include "hillock/plugin.h"

static hk_status bad_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)b, (void)self, (void)n_in, (void)n_out;
    out[0] = in[0];
    return HK_OK;
}
static const hk_module_type bad_layer = { .struct_size = sizeof bad_layer, .role = HK_LAYER, .doc = "passes on what it gets", .build = bad_build };

#ifndef BAD_INIT
#define BAD_INIT bad_init
static hk_status bad_init(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &bad_layer); }
#else
static hk_status BAD_INIT(const hk_host *h);
#endif

#ifndef BAD_MAGIC
#define BAD_MAGIC HK_PLUGIN_MAGIC
#endif
#ifndef BAD_SIZE
#define BAD_SIZE sizeof(hk_plugin_entry)
#endif
#ifndef BAD_MAJOR
#define BAD_MAJOR HK_ABI_MAJOR
#endif
#ifndef BAD_MINOR
#define BAD_MINOR HK_ABI_MINOR
#endif
#ifndef BAD_PRINT
#define BAD_PRINT HK_ABI_PRINT
#endif
#ifndef BAD_ID
#define BAD_ID "bad." BAD_NAME
#endif
#ifndef BAD_VERSION
#define BAD_VERSION "1.0"
#endif
#ifndef BAD_NEEDS
#define BAD_NEEDS NULL
#endif
#ifndef BAD_NO_ENTRY
HK_EXPORT extern const hk_plugin_entry hk_plugin;
const hk_plugin_entry hk_plugin = { BAD_MAGIC, BAD_SIZE, BAD_MAJOR, BAD_MINOR, BAD_PRINT, BAD_ID, BAD_VERSION, "Apache-2.0", BAD_NEEDS, BAD_INIT, NULL };
#endif
