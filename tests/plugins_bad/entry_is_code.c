/* entry_is_code.c - the symbol is a function.
 * says: symbol hk_plugin is not data: expected a constant hk_plugin_entry, got a function
 * says: define it with HK_PLUGIN */
#include "hillock/plugin.h"
HK_EXPORT extern int hk_plugin(void);
int hk_plugin(void) { return 4; }
