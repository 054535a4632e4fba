/* duplicate_id.c - another plugin has its id already.
 * says: a plugin 'good' (version 1.0) was found before, in '
 * says: expected each id once; remove one of the two */
#define BAD_ID "good"
#include "bad.h"
