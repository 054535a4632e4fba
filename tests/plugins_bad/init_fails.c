/* init_fails.c - init adds a type and then fails.
 * says: its init failed: /dev/spinnaker: expected a board, got none: plug it in */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    hk_status st = h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &bad_layer);
    return st ? st : (h->fail)(h->ctx, HK_EIO, "/dev/spinnaker: expected a board, got none: plug it in");
}
