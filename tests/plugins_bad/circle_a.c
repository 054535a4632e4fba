/* circle_a.c - a needs b, b needs c, c needs a.
 * found: in a circle: expected an order to load them in, got bad.circle_a -> bad.circle_b -> bad.circle_c -> bad.circle_a: take one of the needs away
 * named: it needs plugin 'bad.circle_b', expected before it, and got none */
static const char *const needs[] = { "bad.circle_b", 0 };
#define BAD_NEEDS needs
#include "bad.h"
