/* op.c - the list of the core's operation types, and how to find one and its attributes. Those of plugins: plugin.c. */
#include "op/op.h"
#include <stdio.h>
#include <string.h>

/* One line for each file of this folder. */
#define HK_OP_FILES(X) X(linear) X(conv) X(pool) X(norm) X(reduce) X(pointwise) X(shape) X(time) X(fire) X(neuron) X(fused_neuron) X(linear_neuron) X(bits) X(random) X(moment) X(loss) X(pairs) X(optimizer) X(guard) X(loop)

#define DECLARE(file) extern const hk__op hk__ops_##file[];
HK_OP_FILES(DECLARE)
#define ADDRESS(file) hk__ops_##file,
static const hk__op *const files[] = { HK_OP_FILES(ADDRESS) };

const hk__op *hk__op_find(const char *name) {
    for (size_t f = 0; f < sizeof files / sizeof *files; f++)
        for (const hk__op *op = files[f]; op->name; op++)
            if (strcmp(op->name, name) == 0) return op;
    return NULL;
}

bool hk__op_is_core(const char *name) { return hk__op_find(name) != NULL; }

const hk_attr *hk__attr(const hk__node *n, const char *name) {
    for (int i = 0; i < n->n_attr; i++)
        if (strcmp(n->attr[i].name, name) == 0) return &n->attr[i];
    return NULL;
}

int64_t hk__attr_int(const hk__node *n, const char *name) {
    const hk_attr *a = hk__attr(n, name);
    return a ? a->i : 0;
}

double hk__attr_real(const hk__node *n, const char *name) {
    const hk_attr *a = hk__attr(n, name);
    return a ? a->f : 0.0;
}

hk_attr hk__shape_attr(hk_builder *b, const hk_desc *d) { return (hk_attr){ "shape", d->rank, 0, hk_keep(b, d->shape, sizeof d->shape) }; }

hk_desc hk__shape_from(const hk__node *n, uint32_t flags) {
    const hk_attr *a = hk__attr(n, "shape");
    return hk__desc(HK_F32, flags, (int)a->i, a->p);
}

const char *hk__shape_text(const hk_desc *d, char *buf) {
    if (!hk__known(d)) return "[?]";
    int at = snprintf(buf, 96, "[");
    for (int i = 0; i < d->rank && at < 90; i++) at += snprintf(buf + at, (size_t)(96 - at), "%s%lld", i ? "," : "", (long long)d->shape[i]);
    snprintf(buf + at, (size_t)(96 - at), "]");
    return buf;
}
