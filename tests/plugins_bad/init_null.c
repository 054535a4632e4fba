/* init_null.c - no init function.
 * says: expected an init function, got NULL
 * says: fill it with HK_PLUGIN */
#include "hillock/plugin.h"
HK_EXPORT extern const hk_plugin_entry hk_plugin;
const hk_plugin_entry hk_plugin = { HK_PLUGIN_MAGIC, sizeof hk_plugin, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "bad." BAD_NAME, "1.0", "Apache-2.0", NULL, NULL, NULL };
