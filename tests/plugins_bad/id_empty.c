/* id_empty.c - an empty id.
 * says: expected an id, got ""
 * says: fill it with HK_PLUGIN */
#define BAD_ID ""
#include "bad.h"
