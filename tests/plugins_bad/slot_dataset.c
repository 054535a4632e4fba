/* slot_dataset.c - a data set type without its slot open.
 * says: data set 'Bad_slot_dataset': open is NULL, expected a function: fill this slot */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    const hk_dataset_type t = { .struct_size = sizeof t, .doc = "no slots" };
    return h->add(h->ctx, "hk.dataset/1", "Bad_" BAD_NAME, &t);
}
