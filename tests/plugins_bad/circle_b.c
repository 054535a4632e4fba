/* circle_b.c - see circle_a.c.
 * found: bad.circle_a -> bad.circle_b -> bad.circle_c -> bad.circle_a
 * named: it needs plugin 'bad.circle_c', expected before it, and got none */
static const char *const needs[] = { "bad.circle_c", 0 };
#define BAD_NEEDS needs
#include "bad.h"
