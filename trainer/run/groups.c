/* groups.c - groups of parameters with their own learning rate and weight decay, from [groups], and the learning rate of each step.
 *
 *     [groups]
 *     plain = *.bias one_axis: weight_decay=0
 *     stem  = conv_fc.0.*: lr=0.01
 *
 * Left of the colon: names of parameters, with * for any text; one_axis is every parameter of at most one axis (biases and the weights of
 * normalisations). A parameter belongs to the first line that names it. Right of it: fields of the optimizer, in place of those of [train].
 * As the parameter groups of torch.optim. */
#include "trainer.h"
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hk__groups {
    int n;
    hk_module **optimizer; /* of groups 1 and on */
    double *lr;            /* of each, before the scheduler */
};

static hk_status fail(hk__job *j, const char *key, const char *what, const char *got, size_t n) {
    return hk__conf_fail_key(j->conf, HK_ECONFIG, "groups", key, "expected %s, got '%.*s'", what, (int)n, got);
}

static size_t name_length(const char *p) { return strcspn(p, "= \t,()"); }

/* Where the argument `name` stands in constructor text: its value, and *n its length; NULL: it is not there. */
static const char *find_argument(const char *text, const char *name, size_t n_name, size_t *n) {
    int depth = 0;
    for (const char *p = text; *p; p++) {
        depth += (*p == '(' || *p == '[') - (*p == ')' || *p == ']');
        if (depth != 1 || (*p != '(' && *p != ',')) continue;
        const char *at = p + 1 + strspn(p + 1, " ");
        if (strncmp(at, name, n_name) || at[n_name] != '=') continue;
        const char *end = at += n_name + 1;
        for (int inner = 0; *end && (inner || (*end != ',' && *end != ')')); end++) inner += (*end == '(' || *end == '[') - (*end == ')' || *end == ']');
        *n = (size_t)(end - at);
        return at;
    }
    return NULL;
}

/* The text of [train]'s optimizer with the fields of `over` in place of its own; malloc'ed. */
static hk_status override(hk__job *j, const char *key, const char *over, char **out) {
    int size = hk_module_to_text(j->optimizer, NULL, 0);
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    if (!text) return hk__conf_fail_key(j->conf, HK_ENOMEM, "groups", key, "out of memory");
    hk_module_to_text(j->optimizer, text, (size_t)size + 1);
    for (const char *p = over; *p;) {
        p += strspn(p, " \t,");
        size_t n_name = name_length(p), n_old;
        const char *value = p + n_name + strspn(p + n_name, " \t");
        if (!*p) break;
        if (*value != '=') {
            free(text);
            return fail(j, key, "fields of the optimizer behind the colon, as weight_decay=0, lr=0.01", over, strlen(over));
        }
        value++, value += strspn(value, " \t");
        const char *end = value;
        for (int inner = 0; *end && (inner || *end != ','); end++) inner += (*end == '(' || *end == '[') - (*end == ')' || *end == ']');
        const char *old = find_argument(text, p, n_name, &n_old);
        if (!old) {
            hk_status st = hk__conf_fail_key(j->conf, HK_ECONFIG, "groups", key, "the optimizer has no field '%.*s': it is %s", (int)n_name, p, text);
            free(text);
            return st;
        }
        char *with = NULL;
        int made = asprintf(&with, "%.*s%.*s%s", (int)(old - text), text, (int)(end - value), value, old + n_old);
        free(text);
        if (made < 0) return hk__conf_fail_key(j->conf, HK_ENOMEM, "groups", key, "out of memory");
        text = with, p = end;
    }
    *out = text;
    return HK_OK;
}

/* Puts the parameters that one pattern names, and that are in no group yet, into a group; returns how many it names. */
static int put(hk__job *j, const char *pattern, int group, int *group_of) {
    int n = 0;
    for (int i = 0; i < hk_network_n_param(j->net); i++) {
        const hk_param_info *p = hk_network_param(j->net, i);
        if (strcmp(pattern, "one_axis") ? fnmatch(pattern, p->name, 0) != 0 : p->rank > 1) continue;
        n += p->learnable != 0;
        if (!group_of[i]) group_of[i] = group;
    }
    return n;
}

static hk_status one_group(hk__job *j, hk__groups *g, int line, int *group_of) {
    const char *key = hk__conf_key_at(j->conf, "groups", line), *value = hk__conf_value_at(j->conf, "groups", line), *colon = strchr(value, ':');
    char *text = NULL, pattern[512];
    if (!colon) return fail(j, key, "names of parameters, a colon, and fields, as *.bias one_axis: weight_decay=0", value, strlen(value));
    hk_status st = override(j, key, colon + 1, &text);
    if (st) return st;
    st = hk_module_new_from_text(j->ctx, "hk.optimizer/1", text, &g->optimizer[g->n]);
    free(text);
    if (st) return hk__job_fail_ctx(j, st, "groups", key);
    g->lr[g->n] = hk_get_real(g->optimizer[g->n], "lr");
    g->n++;
    int group;
    if ((st = hk_network_add_group(j->net, g->optimizer[g->n - 1], &group))) return hk__job_fail_ctx(j, st, "groups", key);
    int any = 0;
    for (const char *p = value; p < colon;) {
        p += strspn(p, " \t");
        size_t n = strcspn(p, " \t:");
        if (!n) break;
        any = 1;
        snprintf(pattern, sizeof pattern, "%.*s", (int)n, p);
        if (!put(j, pattern, group, group_of)) return fail(j, key, "the name of a parameter that learns, or a pattern of some, as *.bias", p, n);
        p += n;
    }
    return any ? HK_OK : fail(j, key, "names of parameters before the colon", value, strlen(value));
}

hk_status hk__groups_new(hk__job *j) {
    int n = hk__conf_count(j->conf, "groups"), n_param = hk_network_n_param(j->net);
    if (!n) return HK_OK;
    hk__groups *g = j->groups = calloc(1, sizeof *g);
    int *group_of = calloc((size_t)n_param + 1, sizeof *group_of);
    if (g) g->optimizer = calloc((size_t)n, sizeof(hk_module *)), g->lr = calloc((size_t)n, sizeof *g->lr);
    hk_status st = g && group_of && g->optimizer && g->lr ? HK_OK : hk__conf_fail_key(j->conf, HK_ENOMEM, "groups", NULL, "out of memory");
    for (int i = 0; i < n && !st; i++) st = one_group(j, g, i, group_of);
    for (int i = 0; i < n_param && !st; i++)
        if ((st = hk_network_set_group(j->net, i, group_of[i]))) hk__job_fail_ctx(j, st, "groups", NULL);
    free(group_of);
    return st;
}

void hk__groups_free(hk__groups *g) {
    if (!g) return;
    for (int i = 0; g->optimizer && i < g->n; i++) hk_module_free(g->optimizer[i]);
    free(g->optimizer), free(g->lr), free(g);
}

static double scheduled(const hk__job *j, double lr, int64_t epoch, int64_t epochs) {
    if (!j->scheduler) return lr;
    const hk_scheduler_type *type = j->scheduler->api->type(j->scheduler);
    return type->lr(j->scheduler, lr, epoch, epochs);
}

void hk__job_set_lr(hk__job *j, double lr, int64_t epoch) {
    const int64_t epochs = hk__conf_int(j->conf, "train", "epochs");
    const double own = scheduled(j, j->lr, epoch, epochs), factor = own != 0 ? lr / own : 1;
    hk_network_set_lr(j->net, 0, lr);
    for (int k = 0; j->groups && k < j->groups->n; k++) hk_network_set_lr(j->net, 1 + k, factor * scheduled(j, j->groups->lr[k], epoch, epochs));
}
