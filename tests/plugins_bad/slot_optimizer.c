/* slot_optimizer.c - an optimizer type without its slot constants.
 * says: optimizer 'Bad_slot_optimizer': constants is NULL, expected a function: fill this slot */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    static const hk_field lr[] = { { "lr", HK_REAL, 0, "0.1", 0, 0, NULL, "learning rate" } };
    const hk_optimizer_type t = { .struct_size = sizeof t, .fields = lr, .n_fields = 1 };
    return h->add(h->ctx, "hk.optimizer/1", "Bad_" BAD_NAME, &t);
}
