/* vtable_size_0.c - a vtable whose struct_size was forgotten.
 * says: struct_size is 0, expected at least 
 * says: fill it with sizeof */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    hk_module_type t = bad_layer;
    t.struct_size = 0;
    return h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &t);
}
