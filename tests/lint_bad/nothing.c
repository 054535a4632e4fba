/* nothing.c - an init that registers nothing.
 * expect: fail entry: registers nothing */
#include <hillock/plugin.h>

static hk_status init(const hk_host *host) { return (void)host, HK_OK; }

HK_PLUGIN("bad", "0.1", "Apache-2.0", init);
