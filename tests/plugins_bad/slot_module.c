/* slot_module.c - a module type without its slot build.
 * says: module 'Bad_slot_module': build is NULL, expected a function: fill this slot */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    const hk_module_type t = { .struct_size = sizeof t, .role = HK_LAYER, .doc = "no build" };
    return h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &t);
}
