/* add_ignored.c - adds a good type, fails to add a bad one, and says all is well.
 * says: to an interface that this Hillock does not have: expected one of hk.backend/1, 
 * says: got 'hk.module/99': rebuild it */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &bad_layer);
    h->add(h->ctx, "hk.module/99", "Bad_" BAD_NAME "_new", &bad_layer);
    return HK_OK;
}
