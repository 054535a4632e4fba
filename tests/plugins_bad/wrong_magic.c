/* wrong_magic.c - the entry begins with another number.
 * says: expected it to begin with 4b4c4c48, got 0badc0de
 * says: define it with HK_PLUGIN */
#define BAD_MAGIC 0x0badc0deu
#include "bad.h"
