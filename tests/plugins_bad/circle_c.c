/* circle_c.c - see circle_a.c.
 * found: bad.circle_a -> bad.circle_b -> bad.circle_c -> bad.circle_a
 * named: it needs plugin 'bad.circle_a', expected before it, and got none */
static const char *const needs[] = { "bad.circle_a", 0 };
#define BAD_NEEDS needs
#include "bad.h"
