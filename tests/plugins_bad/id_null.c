/* id_null.c - no id.
 * says: expected an id, got NULL
 * says: fill it with HK_PLUGIN */
#define BAD_ID NULL
#include "bad.h"
