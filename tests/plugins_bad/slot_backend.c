/* slot_backend.c - a backend type without its slot probe.
 * says: backend 'Bad_slot_backend': probe is NULL, expected a function: fill this slot */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    const hk_backend t = { .struct_size = sizeof t, .real_bytes = 4, .doc = "no slots" };
    return h->add(h->ctx, "hk.backend/1", "Bad_" BAD_NAME, &t);
}
