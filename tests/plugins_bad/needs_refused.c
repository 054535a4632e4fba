/* needs_refused.c - needs one whose init fails.
 * found: it needs plugin 'bad.init_fails', which was refused: its init failed: /dev/spinnaker
 * named: it needs plugin 'bad.init_fails', expected before it, and got none */
static const char *const needs[] = { "bad.init_fails", 0 };
#define BAD_NEEDS needs
#include "bad.h"
