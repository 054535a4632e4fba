/* needs_missing.c - needs a plugin that is nowhere.
 * says: it needs plugin 'nobody.has.it', expected before it, and got none
 * says: put it on the plugin path */
static const char *const needs[] = { "good", "nobody.has.it", 0 };
#define BAD_NEEDS needs
#include "bad.h"
