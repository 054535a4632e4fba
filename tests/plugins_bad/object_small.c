/* object_small.c - an entry that says it is longer than the object that holds it.
 * says: symbol hk_plugin is too small: expected at least 4096 bytes, got
 * says: define it with HK_PLUGIN */
#define BAD_SIZE 4096
#include "bad.h"
