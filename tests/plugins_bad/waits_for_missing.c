/* waits_for_missing.c - what needs_needs_missing needs.
 * says: it needs plugin 'nobody.has.it', expected before it, and got none
 * says: put it on the plugin path */
static const char *const needs[] = { "nobody.has.it", 0 };
#define BAD_NEEDS needs
#include "bad.h"
