/* field_default.c - a field whose default is no constructor text.
 * says: default of field 'k': column 2 */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    static const hk_field k[] = { { "k", HK_INT, 0, "3)", 0, 0, NULL, "a number" } };
    hk_module_type t = bad_layer;
    t.fields = k, t.n_fields = 1;
    return h->add(h->ctx, "hk.module/1", "Bad_" BAD_NAME, &t);
}
