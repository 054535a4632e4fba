/* init_fails_silent.c - init adds a type and then fails without a text.
 * says: its init failed: not supported */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &bad_layer);
    return HK_EUNSUPPORTED;
}
