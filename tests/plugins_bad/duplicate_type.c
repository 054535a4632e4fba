/* duplicate_type.c - adds a type of its own, and one that another plugin has added.
 * says: adds module 'Good', which plugin 'good' has added already
 * says: load one of the two */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    hk_status st = h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &bad_layer);
    return st ? st : h->add(h->ctx, "hk.module/1", "Good", &bad_layer);
}
