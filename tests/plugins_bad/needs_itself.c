/* needs_itself.c - the smallest circle.
 * says: need each other in a circle: expected an order to load them in, got bad.needs_itself -> bad.needs_itself
 * says: take one of the needs away */
static const char *const needs[] = { "bad.needs_itself", 0 };
#define BAD_NEEDS needs
#include "bad.h"
