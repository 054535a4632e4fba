/* check.c - looks at a vtable when it is registered, so that its users need not: names the member at fault. */
#include "module/grammar.h"
#include "plugin/context.h"
#include "plugin/registry.h"
#include <string.h>

bool hk__type_info_of(const char *iface, const void *vtable, hk__type_info *info) {
    *info = (hk__type_info){ NULL, 0, NULL };
#define INFO(T, with_init) *info = (hk__type_info){ ((const T *)vtable)->fields, (int)((const T *)vtable)->n_fields, with_init }
    if (strcmp(iface, "hk.module/1") == 0) INFO(hk_module_type, ((const hk_module_type *)vtable)->init);
    else if (strcmp(iface, "hk.neuron/1") == 0) INFO(hk_neuron_type, ((const hk_neuron_type *)vtable)->init);
    else if (strcmp(iface, "hk.surrogate/1") == 0) INFO(hk_surrogate_type, ((const hk_surrogate_type *)vtable)->init);
    else if (strcmp(iface, "hk.optimizer/1") == 0) INFO(hk_optimizer_type, ((const hk_optimizer_type *)vtable)->init);
    else if (strcmp(iface, "hk.learner/1") == 0) INFO(hk_learner_type, ((const hk_learner_type *)vtable)->init);
    else if (strcmp(iface, "hk.scheduler/1") == 0) INFO(hk_scheduler_type, ((const hk_scheduler_type *)vtable)->init);
    else if (strcmp(iface, "hk.dataset/1") == 0) INFO(hk_dataset_type, NULL);
    else return false;
#undef INFO
    return true;
}

static const hk_field *field_find(const hk__type_info *t, const char *name) {
    for (int i = 0; i < t->n_fields; i++)
        if (strcmp(t->fields[i].name, name) == 0) return &t->fields[i];
    return NULL;
}

static hk_status check_fields(hk_context *ctx, const hk__type_info *t) {
    if (t->n_fields < 0 || (t->n_fields > 0 && !t->fields)) return hk__fail(ctx, HK_EPLUGIN, "n_fields is %d and fields is NULL", t->n_fields);
    for (int i = 0; i < t->n_fields; i++) {
        const hk_field *f = &t->fields[i];
        if (!f->name || !f->name[0]) return hk__fail(ctx, HK_EPLUGIN, "field %d has no name", i);
        for (int j = 0; j < i; j++)
            if (strcmp(t->fields[j].name, f->name) == 0) return hk__fail(ctx, HK_EPLUGIN, "field '%s' stands in the table twice", f->name);
        if (f->kind < HK_BOOL || f->kind > HK_REALS) return hk__fail(ctx, HK_EPLUGIN, "field '%s' has the unknown kind %u", f->name, (unsigned)f->kind);
        if ((f->kind == HK_ENUM || f->kind == HK_OBJECT) && (!f->choices || !f->choices[0]))
            return hk__fail(ctx, HK_EPLUGIN, "field '%s' has no choices (ENUM: \"a|b\"; OBJECT: an interface)", f->name);
        if (f->def) {
            hk__node *node = NULL;
            hk_status st = hk__parse(ctx, f->def, &node);
            hk__node_free(node);
            if (st) return hk__fail_in(ctx, st, "default of field '%s'", f->name);
        }
    }
    return HK_OK;
}

/* In a function with ctx and t: a slot that must be there. */
#define NEED(slot) \
    if (!t->slot) return hk__fail(ctx, HK_EPLUGIN, #slot " is NULL, expected a function: fill this slot of the vtable")

static hk_status check_module(hk_context *ctx, const hk_module_type *t) {
    NEED(build);
    if (t->role < HK_LAYER || t->role > HK_NEURON) return hk__fail(ctx, HK_EPLUGIN, "role is %u, expected an hk_role", (unsigned)t->role);
    if (t->min_child > t->max_child) return hk__fail(ctx, HK_EPLUGIN, "min_child %u is above max_child %u", (unsigned)t->min_child, (unsigned)t->max_child);
    if (t->child_names && t->max_child > 64)
        return hk__fail(ctx, HK_EPLUGIN, "child_names needs a name for each child, and max_child is %u", (unsigned)t->max_child);
    return HK_OK;
}

static hk_status check_limit(hk_context *ctx, const char *what, uint32_t n, uint32_t limit) {
    return n <= limit ? HK_OK : hk__fail(ctx, HK_EPLUGIN, "%s is %u, expected at most %u", what, (unsigned)n, (unsigned)limit);
}

static hk_status check_neuron(hk_context *ctx, const hk_neuron_type *t, const hk__type_info *info) {
    hk_status st;
    if ((st = check_limit(ctx, "n_state", t->n_state, HK_MAX_STATE))) return st;
    if ((st = check_limit(ctx, "n_fire", t->n_fire, HK_MAX_FIRE))) return st;
    if ((st = check_limit(ctx, "n_param", t->n_param, HK_MAX_P))) return st;
    if ((st = check_limit(ctx, "n_h", t->n_h, HK_MAX_H))) return st;
    if (t->n_state && !t->states) return hk__fail(ctx, HK_EPLUGIN, "states is NULL");
    for (uint32_t i = 0; i < t->n_state; i++)
        if (!t->states[i].name) return hk__fail(ctx, HK_EPLUGIN, "state %u has no name", (unsigned)i);
    if (t->n_param && (!t->operands || !t->param_names))
        return hk__fail(ctx, HK_EPLUGIN, "n_param is %u, and operands or param_names is NULL", (unsigned)t->n_param);
    if (!t->n_kernel || !t->kernels) return hk__fail(ctx, HK_EPLUGIN, "it has no kernels, expected at least one: take kernels and n_kernel from the HK_*_KERNELS macro");
    if (!(t->flags & HK_NEURON_NO_FIRE)) {
        const hk_field *surrogate = field_find(info, "surrogate"), *detach = field_find(info, "detach_reset");
        if (!surrogate || surrogate->kind != HK_OBJECT)
            return hk__fail(ctx, HK_EPLUGIN, "a neuron that fires needs the field 'surrogate' (OBJECT, hk.surrogate/1)");
        if (detach && detach->kind != HK_BOOL) return hk__fail(ctx, HK_EPLUGIN, "the field 'detach_reset' must be BOOL");
    }
    return HK_OK;
}

static hk_status check_surrogate(hk_context *ctx, const hk_surrogate_type *t) {
    hk_status st = check_limit(ctx, "n_fields", t->n_fields, HK_MAX_P);
    if (st) return st;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].kind != HK_REAL && t->fields[i].kind != HK_INT)
            return hk__fail(ctx, HK_EPLUGIN, "field '%s': a surrogate's fields are REAL or INT", t->fields[i].name);
    if (t->noise > t->n_fields) return hk__fail(ctx, HK_EPLUGIN, "noise is %u, expected 0 or 1 + the number of one of its %u fields", (unsigned)t->noise, (unsigned)t->n_fields);
    return t->n_kernel && t->kernels ? HK_OK : hk__fail(ctx, HK_EPLUGIN, "it has no kernels, expected at least one: take kernels and n_kernel from the HK_*_KERNELS macro");
}

static hk_status check_optimizer(hk_context *ctx, const hk_optimizer_type *t, const hk__type_info *info) {
    hk_status st = check_limit(ctx, "n_const", t->n_const, HK_MAX_OPT_CONST);
    if (st) return st;
    if (!field_find(info, "lr")) return hk__fail(ctx, HK_EPLUGIN, "an optimizer needs the field 'lr'");
    if (t->n_state && !t->state_names) return hk__fail(ctx, HK_EPLUGIN, "state_names is NULL");
    NEED(constants);
    return t->n_kernel && t->kernels ? HK_OK : hk__fail(ctx, HK_EPLUGIN, "it has no kernels, expected at least one: take kernels and n_kernel from the HK_*_KERNELS macro");
}

static hk_status check_backend(hk_context *ctx, const hk_backend *t) {
    NEED(probe); NEED(open); NEED(close); NEED(buf_new); NEED(buf_free); NEED(upload); NEED(download); NEED(block);
    NEED(plan_new); NEED(plan_query); NEED(plan_run); NEED(plan_free);
    if (t->real_bytes != 4 && t->real_bytes != 8) return hk__fail(ctx, HK_EPLUGIN, "real_bytes is %u, expected 4 or 8", (unsigned)t->real_bytes);
    if (t->extends && !t->base) return hk__fail(ctx, HK_EPLUGIN, "it extends '%s', but base is NULL", t->extends);
    return HK_OK;
}

static hk_status check_dataset(hk_context *ctx, const hk_dataset_type *t) {
    NEED(open); NEED(close); NEED(size); NEED(shape); NEED(classes); NEED(read);
    return HK_OK;
}

static hk_status check_scheduler(hk_context *ctx, const hk_scheduler_type *t) {
    NEED(lr);
    return HK_OK;
}
#undef NEED

static hk_status check_op(hk_context *ctx, const char *id, const hk_op_type *t) {
    size_t n = strlen(id);
    if (hk__op_is_core(id)) return hk__fail(ctx, HK_EPLUGIN, "the core has an operation of this name: choose another, such as my.%s", id);
    if (n > 4 && strcmp(id + n - 4, "_bwd") == 0) return hk__fail(ctx, HK_EPLUGIN, "names that end in _bwd are kept for the adjoints of operations: choose another");
    if (!t->infer) return hk__fail(ctx, HK_EPLUGIN, "infer is NULL");
    if (t->time > HK_TIME_WHOLE) return hk__fail(ctx, HK_EPLUGIN, "time is %u, expected an hk_time", (unsigned)t->time);
    if (t->min_in > t->max_in) return hk__fail(ctx, HK_EPLUGIN, "min_in %u is above max_in %u", (unsigned)t->min_in, (unsigned)t->max_in);
    if (!t->n_out) return hk__fail(ctx, HK_EPLUGIN, "n_out is 0");
    if (!t->grad && t->backward && !t->forward) return hk__fail(ctx, HK_EPLUGIN, "backward is given and forward is NULL");
    if (t->forward64 && !t->forward) return hk__fail(ctx, HK_EPLUGIN, "forward64 is given and forward is NULL");
    if (!t->grad && t->forward64 && t->backward && !t->backward64) return hk__fail(ctx, HK_EPLUGIN, "forward64 and backward are given and backward64 is NULL");
    /* The adjoint has the inputs, the outputs, a gradient of each output and of each input. */
    uint32_t most = t->max_in > HK_MAX_OPERANDS || t->n_out > HK_MAX_OPERANDS ? HK_MAX_OPERANDS + 1
                    : t->backward && !t->grad ? 2 * (t->max_in + t->n_out) : t->max_in + t->n_out;
    return check_limit(ctx, "the number of operands", most, HK_MAX_OPERANDS);
}

hk_status hk__type_check(hk_context *ctx, const char *iface, const char *id, const void *vtable) {
    hk__type_info info;
    if (hk__type_info_of(iface, vtable, &info)) {
        hk_status st = check_fields(ctx, &info);
        if (st) return st;
    }
    if (strcmp(iface, "hk.module/1") == 0) return check_module(ctx, vtable);
    if (strcmp(iface, "hk.neuron/1") == 0) return check_neuron(ctx, vtable, &info);
    if (strcmp(iface, "hk.surrogate/1") == 0) return check_surrogate(ctx, vtable);
    if (strcmp(iface, "hk.optimizer/1") == 0) return check_optimizer(ctx, vtable, &info);
    if (strcmp(iface, "hk.backend/1") == 0) return check_backend(ctx, vtable);
    if (strcmp(iface, "hk.learner/1") == 0) return ((const hk_learner_type *)vtable)->build ? HK_OK : hk__fail(ctx, HK_EPLUGIN, "build is NULL");
    if (strcmp(iface, "hk.op/1") == 0) return check_op(ctx, id, vtable);
    if (strcmp(iface, "hk.dataset/1") == 0) return check_dataset(ctx, vtable);
    return check_scheduler(ctx, vtable);
}
