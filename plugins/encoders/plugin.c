/* plugin.c - the family of encoders. A new encoder is one file, one line in encoders.h and one here. */
#include "encoders.h"

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "Poisson", &poisson_type); }

HK_PLUGIN("hillock.encoders", "0.1.0", "Apache-2.0", init);
