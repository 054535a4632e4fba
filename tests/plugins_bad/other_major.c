/* other_major.c - built for another major version of the plugin ABI.
 * says: another plugin ABI: expected 0.
 * says: got 1.
 * says: install a newer Hillock */
#define BAD_MAJOR (HK_ABI_MAJOR + 1)
#include "bad.h"
