/* needs_needs_missing.c - needs one that needs what is missing; before it in the order of names.
 * found: it needs plugin 'bad.waits_for_missing', which was refused: it needs plugin 'nobody.has.it'
 * named: it needs plugin 'bad.waits_for_missing', expected before it, and got none
 * says: put it on the plugin path */
static const char *const needs[] = { "bad.waits_for_missing", 0 };
#define BAD_NEEDS needs
#include "bad.h"
