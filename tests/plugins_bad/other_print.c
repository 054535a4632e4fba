/* other_print.c - its structs are laid out differently.
 * says: laid out differently: expected layout print 
 * says: , got 0123456789abcdef
 * says: rebuild the plugin */
#define BAD_PRINT UINT64_C(0x0123456789abcdef)
#include "bad.h"
