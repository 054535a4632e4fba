/* newer_minor.c - built for a minor version that this Hillock doesn't know yet.
 * says: another plugin ABI: expected 0.
 * says: got 0.1000
 * says: install a newer Hillock, or rebuild */
#define BAD_MINOR 1000
#include "bad.h"
