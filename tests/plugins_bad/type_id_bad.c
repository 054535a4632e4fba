/* type_id_bad.c - a type's id that constructor text could not name.
 * says: expected as module's id letters, digits, '_' and '.'
 * says: got '9 lives': rename it */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "9 lives", &bad_layer); }
