/* struct_small.c - an entry that says it is shorter than the first published one.
 * says: entry is too small: expected at least 64 bytes, got 40
 * says: define it with HK_PLUGIN */
#define BAD_SIZE 40
#include "bad.h"
