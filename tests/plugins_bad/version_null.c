/* version_null.c - no version.
 * says: expected a version, got NULL
 * says: fill it with HK_PLUGIN */
#define BAD_VERSION NULL
#include "bad.h"
