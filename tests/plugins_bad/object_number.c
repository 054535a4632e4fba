/* object_number.c - the symbol is one number, the right magic.
 * says: symbol hk_plugin is too small: expected at least 64 bytes, got 4
 * says: define it with HK_PLUGIN */
#include "hillock/plugin.h"
HK_EXPORT extern const uint32_t hk_plugin;
const uint32_t hk_plugin = HK_PLUGIN_MAGIC;
