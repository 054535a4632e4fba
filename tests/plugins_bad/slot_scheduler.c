/* slot_scheduler.c - a scheduler type without its slot lr.
 * says: scheduler 'Bad_slot_scheduler': lr is NULL, expected a function: fill this slot */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    const hk_scheduler_type t = { .struct_size = sizeof t, .doc = "no lr" };
    return h->add(h->ctx, "hk.scheduler/1", "Bad_" BAD_NAME, &t);
}
