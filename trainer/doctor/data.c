/* data.c - data sets. A type is found when its test split opens with default fields; the reason why not is its own. Only a data
 * set that the configuration names must be there. */
#include "doctor/doctor.h"
#include <string.h>

static void open_test_split(hk__doctor *d, const char *key, const char *text, hk__finding missing) {
    hk_module *m = NULL;
    void *ds = NULL;
    hk_status st = hk_module_new_from_text(d->ctx, "hk.dataset/1", text, &m);
    const hk_dataset_type *type = m ? m->api->type(m) : NULL;
    if (!st) st = type->open(m, 0, &ds);
    if (st) hk__doctor_add(d, "data sets", key, missing, "not found: %s", hk_error(d->ctx));
    else hk__doctor_add(d, "data sets", key, HK__FINE, "found, %lld samples to test, %lld classes", (long long)type->size(ds), (long long)type->classes(ds));
    if (ds) type->close(ds);
    hk_module_free(m);
}

static void one_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    hk__doctor *d = arg;
    char text[256];
    (void)iface, (void)plugin, (void)vtable;
    if (d->data && !strncmp(d->data, id, strlen(id)) && d->data[strlen(id)] == '(') return; /* the configured one, with its fields, comes below */
    snprintf(text, sizeof text, "%s()", id);
    open_test_split(d, id, text, HK__NOTE);
}

void hk__doctor_data(hk__doctor *d) {
    hk_type_each(d->ctx, "hk.dataset/1", one_type, d);
    if (d->data) open_test_split(d, "[data] name", d->data, HK__PROBLEM);
}
