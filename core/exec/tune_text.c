/* tune_text.c - choices as text, a line for each: "train conv_fc.4 conv2d = cpu winograd spikes=27   # milliseconds that were measured". */
#include "exec/tune.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hk__tune_free(hk__tune *t) {
    for (int i = 0; t && i < t->n; i++) free(t->at[i].key), free(t->at[i].backend), free(t->at[i].way), free(t->at[i].times), free(t->at[i].shape);
    if (t) free(t->at), free(t->name);
    free(t);
}

hk__tuned *hk__tune_add(hk_network *net, const char *key) {
    hk__tune *t = net->tune;
    hk__tuned *grown = realloc(t->at, (size_t)(t->n + 1) * sizeof *grown);
    if (!grown) return NULL;
    t->at = grown;
    t->at[t->n] = (hk__tuned){ .key = strdup(key) };
    return t->at[t->n].key ? &t->at[t->n++] : NULL;
}

void hk__tune_print(const hk_network *net, bool train, FILE *f) {
    for (int i = 0; net->tune && i < net->tune->n; i++) {
        const hk__tuned *t = &net->tune->at[i];
        if (!strncmp(t->key, "train ", 6) != train || !t->used) continue;
        fprintf(f, "tuned: %s by %s %s (%s)\n", strchr(t->key, ' ') + 1, t->backend, t->way, t->times ? t->times : net->tune->name);
    }
}

int hk_network_tuned(const hk_network *net, int times, char *buf, size_t size) {
    size_t n = 0;
    if (size) buf[0] = 0;
    for (int i = 0; net->tune && i < net->tune->n; i++) {
        const hk__tuned *t = &net->tune->at[i];
        const bool tell = times && t->times;
        int m = snprintf(
            n < size ? buf + n : NULL, n < size ? size - n : 0, "%s = %s %s%s%s\n", t->key, t->backend, t->way, tell ? "   # ms: " : "", tell ? t->times : "");
        n += (size_t)m;
    }
    return (int)n;
}

const char *hk_network_tune_unused(const hk_network *net) {
    for (int i = 0; net->tune && i < net->tune->n; i++)
        if (!net->tune->at[i].used) return net->tune->at[i].key;
    return NULL;
}

static bool has_backend(const hk_network *net, const char *id, size_t n) {
    const char *at = net->cfg.backend;
    for (const hk_backend *be = net->be; be; at = be->extends, be = at ? hk__registry_get(net->ctx, "hk.backend/1", at, NULL) : NULL)
        if (strlen(at) == n && !memcmp(at, id, n)) return true;
    return false;
}

static const char *const expected = "expected 'train|test MODULE OPERATION = BACKEND WAY', as 'train conv_fc.4 conv2d = cpu winograd spikes=27'";

/* Up to four words of [p, end); returns how many there are, 5 for more. */
static int words(const char *p, const char *end, const char *at[4], int len[4]) {
    int n = 0;
    while (p < end) {
        size_t skip = strspn(p, " \t\r"), size;
        p += skip;
        if (p >= end) break;
        size = strcspn(p, " \t\r\n");
        if (p + size > end) size = (size_t)(end - p);
        if (n == 4) return 5;
        at[n] = p, len[n++] = (int)size, p += size;
    }
    return n;
}

static hk_status read_line(hk_network *net, const char *name, int line, const char *p, const char *end) {
    const char *eq = memchr(p, '=', (size_t)(end - p)), *at[4], *to[4];
    int len[4], to_len[4];
    char key[512], way[96];
    if (!eq || words(p, eq, at, len) != 3 || (strncmp(at[0], "train", (size_t)len[0]) && strncmp(at[0], "test", (size_t)len[0])) ||
        (len[0] != 5 && len[0] != 4))
        return hk__fail(net->ctx, HK_ECONFIG, "%s: line %d: %s, got '%.*s'", name, line, expected, (int)(end - p), p);
    int n = words(eq + 1, end, to, to_len);
    if (n < 2 || n > 3 || to_len[1] + (n == 3 ? to_len[2] : 0) > 90)
        return hk__fail(net->ctx, HK_ECONFIG, "%s: line %d: %s, got '%.*s'", name, line, expected, (int)(end - p), p);
    snprintf(key, sizeof key, "%.*s %.*s %.*s", len[0], at[0], len[1] > 300 ? 300 : len[1], at[1], len[2] > 100 ? 100 : len[2], at[2]);
    snprintf(way, sizeof way, "%.*s%s%.*s", to_len[1], to[1], n == 3 ? " " : "", n == 3 ? to_len[2] : 0, n == 3 ? to[2] : "");
    for (int i = 0; i < net->tune->n; i++)
        if (!strcmp(net->tune->at[i].key, key))
            return hk__fail(net->ctx, HK_ECONFIG, "%s: line %d: '%s' stands in line %d too", name, line, key, net->tune->at[i].line);
    if (!has_backend(net, to[0], (size_t)to_len[0]))
        return hk__fail(net->ctx, HK_EPLUGIN,
            "%s: line %d: '%s' is done by backend '%.*s', which backend '%s' is not and does not extend: set [backend] name = %.*s where it can be used "
            "(hillock doctor), or "
            "start a new run",
            name, line, key, to_len[0], to[0], net->cfg.backend, to_len[0], to[0]);
    hk__tuned *t = hk__tune_add(net, key);
    if (t) t->line = line, t->backend = strndup(to[0], (size_t)to_len[0]), t->way = strdup(way);
    return t && t->backend && t->way ? HK_OK : hk__fail(net->ctx, HK_ENOMEM, "out of memory for %s", name);
}

hk_status hk_network_tune(hk_network *net, const char *text, const char *name) {
    if (net->laid_out && net->arena) return hk__fail(net->ctx, HK_ESTATE, "tune: choices are given before the first plan is made");
    hk__tune_free(net->tune);
    net->tune = calloc(1, sizeof *net->tune);
    if (!net->tune || !(net->tune->name = strdup(name))) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for %s", name);
    net->tune->given = true;
    int line = 1;
    for (const char *p = text; *p; line++) {
        size_t all = strcspn(p, "\n"), n = strcspn(p, "#\n");
        if (strspn(p, " \t\r") < n) {
            hk_status st = read_line(net, name, line, p, p + n);
            if (st != HK_OK) return st;
        }
        p += all + (p[all] == '\n');
    }
    return HK_OK;
}
