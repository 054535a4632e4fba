/* type_id_null.c - a type without an id.
 * says: expected as module's id letters, digits, '_' and '.'
 * says: got '(null)': rename it */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) { return h->add(h->ctx, "hk.module/1", NULL, &bad_layer); }
