/* vtable_null.c - a type without a vtable.
 * says: expected a vtable of hk.module/1, got nothing: give it to add */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, NULL); }
