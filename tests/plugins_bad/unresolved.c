/* unresolved.c - uses a function that nobody gives.
 * says: undefined symbol: nobody_defines_this
 * says: link what it uses */
#include "hillock/plugin.h"
extern hk_status nobody_defines_this(const hk_host *);
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) { return nobody_defines_this(h); }
