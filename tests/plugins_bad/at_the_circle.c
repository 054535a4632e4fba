/* at_the_circle.c - needs a member of a circle without standing in it; before it in the order of names.
 * found: it needs plugin 'bad.circle_a', which was refused: plugins need each other in a circle
 * named: it needs plugin 'bad.circle_a', expected before it, and got none */
static const char *const needs[] = { "bad.circle_a", 0 };
#define BAD_NEEDS needs
#include "bad.h"
