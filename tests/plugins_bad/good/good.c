/* good.c - a plugin with one layer, so that the bad ones have a neighbour. */
#define BAD_ID "good"
#define BAD_INIT init
#include "../bad.h"

static hk_status init(const hk_host *h) { return h->add(h->ctx, "hk.module/1", "Good", &bad_layer); }
