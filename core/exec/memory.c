/* memory.c - what a network and its plans need, in bytes, refused by name before anything of it is allocated.
 *
 * The limit is [run] memory_limit; without one, it is the memory and swap of this machine, or of the control group (container) that the
 * process is in. Sizes are computed with saturation: what overflows is as good as too large. Planning itself takes memory by the number
 * of operations, not by their sizes. */
#include "exec/place.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

int64_t hk__sat_mul(int64_t a, int64_t b) {
    int64_t r;
    return __builtin_mul_overflow(a, b, &r) || r > HK__HUGE ? HK__HUGE : r;
}
int64_t hk__sat_add(int64_t a, int64_t b) {
    int64_t r;
    return __builtin_add_overflow(a, b, &r) || r > HK__HUGE ? HK__HUGE : r;
}

int64_t hk__sat_elems(int rank, const int64_t *shape) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n = hk__sat_mul(n, shape[i]);
    return n;
}

/* ---- the limit ---- */

/* The beginning of a small file, as text; no memory is taken for it. False: there is no such file. */
static bool read_text(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    return n >= 0;
}

/* A number in a file of the control group; HUGE: "max", or no such file. */
static int64_t cgroup_number(const char *folder, const char *name) {
    char path[640], text[32] = "";
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, name);
    if (!read_text(path, text, sizeof text) || text[0] < '0' || text[0] > '9') return HK__HUGE;
    long long v = strtoll(text, NULL, 10);
    return v < HK__HUGE ? v : HK__HUGE;
}

/* Memory and swap that the group and those above it allow (version 2; version 1 by its mount's own file). */
static int64_t cgroup_limit(int64_t swap) {
    char text[4096], folder[512] = "";
    const char *line = read_text("/proc/self/cgroup", text, sizeof text) ? text : NULL;
    for (; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (!strncmp(line, "0::", 3)) snprintf(folder, sizeof folder, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    int64_t least = cgroup_number("/memory", "memory.limit_in_bytes");
    if (least < HK__HUGE) least = hk__sat_add(least, swap);
    for (;;) {
        int64_t most = cgroup_number(folder, "memory.max"), more = cgroup_number(folder, "memory.swap.max");
        if (most < HK__HUGE) most = hk__sat_add(most, more < swap ? more : swap);
        if (most < least) least = most;
        char *slash = strrchr(folder, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

int64_t hk__machine_memory(void) {
    struct sysinfo s;
    if (sysinfo(&s)) return HK__HUGE;
    int64_t swap = hk__sat_mul((int64_t)s.totalswap, s.mem_unit), all = hk__sat_add(hk__sat_mul((int64_t)s.totalram, s.mem_unit), swap), group = cgroup_limit(swap);
    return group < all ? group : all;
}

static int64_t limit_of(hk_network *net) {
    if (net->cfg.memory_limit > 0) return net->cfg.memory_limit;
    if (!net->machine) net->machine = hk__machine_memory();
    return net->machine;
}

/* " bytes, and memory_limit is 1000" */
static const char *against(hk_network *net, int64_t bytes, char *buf, size_t size) {
    snprintf(buf, size, "%s%" PRId64 " bytes, and %s %" PRId64, bytes >= HK__HUGE ? "more than " : "", bytes,
        net->cfg.memory_limit > 0 ? "memory_limit is" : "the memory and swap of this machine are", limit_of(net));
    return buf;
}

/* ---- what is asked for ---- */

static void shape_text(int rank, const int64_t *shape, char *buf, size_t size) {
    size_t at = (size_t)snprintf(buf, size, "[");
    for (int i = 0; i < rank && at < size; i++) at += (size_t)snprintf(buf + at, size - at, "%s%" PRId64, i ? ", " : "", shape[i]);
    if (at < size) snprintf(buf + at, size - at, "]");
}

hk_status hk__memory_params(hk_network *net) {
    int64_t copies = hk__copies(net), bytes = hk__sat_mul(hk__sat_mul(net->region, net->real), copies), all = hk__sat_add(bytes, net->cfg.memory_used);
    int largest = 0;
    char shape[160], text[160];
    if (all <= limit_of(net)) return HK_OK;
    if (!net->n_param)
        return hk__fail(net->ctx, HK_ECONFIG, "data and batches need %s: take a smaller batch, or raise the limit", against(net, all, text, sizeof text));
    for (int i = 1; i < net->n_param; i++)
        if (net->param[i].elems > net->param[largest].elems) largest = i;
    shape_text(net->param[largest].rank, net->param[largest].shape, shape, sizeof shape);
    return hk__fail(net->ctx, HK_ECONFIG,
        "parameter %s of shape %s, and the %d others, with gradients and %d optimizer states and %" PRId64 " bytes of data, need %s: take a smaller layer, or raise the limit",
        net->param[largest].name, shape, net->n_param - 1, net->n_opt, net->cfg.memory_used, against(net, all, text, sizeof text));
}

void hk_network_hold(hk_network *net, int64_t bytes) { net->cfg.memory_used = hk__sat_add(net->cfg.memory_used, bytes); }

/* One sample must fit, over all its time steps; and the whole batch must be countable. */
void hk__memory_value(hk__builder *b, const hk_desc *d) {
    if (!b->net || !hk__known(d) || d->dtype == HK_ABSENT) return;
    int64_t row = hk__sat_mul(hk__sat_elems(d->rank, d->shape), b->net->real), sample = d->flags & HK_T ? hk__sat_mul(row, b->g->T) : row;
    int64_t batch = hk__sat_mul(hk__sat_mul(row, b->g->T), b->g->N);
    bool one = sample > limit_of(b->net);
    char shape[160], text[160], steps[64] = "";
    if (!one && batch < HK__HUGE) return;
    shape_text(d->rank, d->shape, shape, sizeof shape);
    if (!one || d->flags & HK_T) snprintf(steps, sizeof steps, " and T = %" PRId64, b->g->T);
    hk__builder_fail(&b->base, HK_ECONFIG, "a result of shape %s, for %s%s, needs %s: take a smaller layer or T, or raise the limit", shape, one ? "one sample" : "the batch",
        steps, against(b->net, one ? sample : batch, text, sizeof text));
}

hk_status hk__memory_input(hk_network *net, int64_t T, int64_t N, int rank, const int64_t *shape) {
    char s[160], text[160];
    int64_t bytes = hk__sat_mul(hk__sat_mul(hk__sat_mul(hk__sat_elems(rank, shape), net->real), N), T);
    if (bytes < HK__HUGE) return HK_OK;
    shape_text(rank, shape, s, sizeof s);
    return hk__fail(net->ctx, HK_ECONFIG, "an input of shape %s, for %" PRId64 " samples and %" PRId64 " time steps, needs %s", s, N, T, against(net, bytes, text, sizeof text));
}

static int64_t state_bytes(const hk__plan *p) {
    int64_t sum = 0;
    for (int i = 0; i < p->g->n_slot; i++)
        if (!p->g->slot[i].forgotten) sum = hk__sat_add(sum, hk__sat_mul(3 * p->N, hk__row_bytes(p->net, &p->g->slot[i].desc)));
    return sum;
}

static hk_status check_plan(hk__placer *q, int64_t arena, const char *at_least) {
    hk__plan *p = q->p;
    hk_network *net = q->net;
    int64_t params = hk__sat_add(hk__sat_mul(net->region * net->real, hk__copies(net)), p->guard || net->guard ? hk__guard_bytes(net) : 0), state = state_bytes(p);
    int64_t sum = hk__sat_add(hk__sat_add(arena, params), hk__sat_add(state, hk__sat_add(2 * q->const_used + q->kept_used, net->cfg.memory_used)));
    char text[160];
    if (sum <= limit_of(net)) return HK_OK;
    return hk__fail(net->ctx, HK_ECONFIG,
        "the %s plan for T = %" PRId64 " and %" PRId64 " samples (arena %" PRId64 ", parameters, gradients and optimizer state %" PRId64 ", sequence state %" PRId64 ", constants %" PRId64
        ", packed weights %" PRId64 ", data %" PRId64 ") needs %s%s: take a smaller batch, T or network,%s or raise the limit",
        q->b->phase_train ? "training" : "test", p->T, p->N, arena, params, state, 2 * q->const_used, q->kept_used, net->cfg.memory_used, at_least, against(net, sum, text, sizeof text),
        net->cfg.memory == HK_MEMORY_SMALL ? "" : " or memory = small,");
}

hk_status hk__memory_plan(hk__placer *q) { return check_plan(q, q->p->arena, ""); }

/* Before blocks and operations are planned: what is in the arena whole, if all of it lived at once, must be countable, and the input must fit. */
hk_status hk__memory_begin(hk__placer *q) {
    hk__plan *p = q->p;
    int64_t all = 0;
    for (hk_value v = 1; v < q->g->n_val; v++) {
        const hk_desc *d = &q->g->val[v].desc;
        if (q->g->val[v].live && hk__known(d)) all = hk__sat_add(all, hk__sat_mul(hk__rows(p, d, p->N), hk__row_bytes(q->net, d)));
    }
    if (all >= HK__HUGE) return check_plan(q, all, "");
    int64_t input = hk__sat_mul(hk__rows(p, &q->g->val[p->x].desc, p->N), hk__row_bytes(q->net, &q->g->val[p->x].desc));
    return check_plan(q, input, "at least ");
}
