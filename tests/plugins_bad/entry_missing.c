/* entry_missing.c - any shared object: no symbol hk_plugin.
 * says: not a Hillock plugin: expected the symbol hk_plugin, got none
 * says: define it with HK_PLUGIN, or take the file off the path */
#include "hillock/plugin.h"
HK_EXPORT extern int not_a_plugin(void);
int not_a_plugin(void) { return 4; }
