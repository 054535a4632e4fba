/* error.c - status names, the context's error text, and the log.
 *
 * One text per context: the innermost failure writes it, each layer above puts where it happened in front. It is a fixed buffer, so
 * that "out of memory" can be said too. */
#include "plugin/context.h"
#include <stdio.h>
#include <string.h>

#ifndef HILLOCK_VERSION
#define HILLOCK_VERSION "0.1.0"
#endif

static const struct {
    hk_status status;
    int exit_code;
    const char *name, *text;
} status_table[] = {
#define HK_STATUS_ROW(name, value, code, text) { HK_##name, code, #name, text },
    HK_STATUS_MAP(HK_STATUS_ROW)
#undef HK_STATUS_ROW
};
enum { N_STATUS = sizeof status_table / sizeof status_table[0] };

static int status_index(hk_status st) {
    for (int i = 0; i < N_STATUS; i++)
        if (status_table[i].status == st) return i;
    return -1;
}

const char *hk_status_name(hk_status st) {
    int i = status_index(st);
    return i < 0 ? "EUNKNOWN" : status_table[i].name;
}

const char *hk_status_text(hk_status st) {
    int i = status_index(st);
    return i < 0 ? "unknown status" : status_table[i].text;
}

int hk_status_exit_code(hk_status st) {
    int i = status_index(st);
    return i < 0 ? 1 : status_table[i].exit_code;
}

const char *hk_version(void) { return HILLOCK_VERSION; }

const char *hk_error(const hk_context *ctx) { return ctx ? ctx->error : ""; }

/* The arguments of a message are often the text that it replaces, so it is put together aside. */
static void set_error(hk_context *ctx, const char *text, bool before) {
    char whole[HK__ERROR_SIZE];
    pthread_mutex_lock(&ctx->error_lock);
    int n = before && ctx->error[0] ? snprintf(whole, sizeof whole, "%s: %s", text, ctx->error) : snprintf(whole, sizeof whole, "%s", text);
    if (n >= (int)sizeof whole) memcpy(whole + sizeof whole - 4, "...", 4);
    for (char *p = whole; *p; p++) /* texts quote files: nothing of them may move the cursor or begin a line */
        if ((unsigned char)*p < 32 || *p == 127) *p = '?';
    memcpy(ctx->error, whole, sizeof whole);
    pthread_mutex_unlock(&ctx->error_lock);
}

void hk__error_clear(hk_context *ctx) {
    pthread_mutex_lock(&ctx->error_lock);
    ctx->error[0] = '\0';
    pthread_mutex_unlock(&ctx->error_lock);
}

hk_status hk__fail(hk_context *ctx, hk_status st, const char *fmt, ...) {
    char text[HK__ERROR_SIZE];
    va_list ap;
    if (!ctx) return st;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    set_error(ctx, text, false);
    return st;
}

hk_status hk__fail_in(hk_context *ctx, hk_status st, const char *fmt, ...) {
    char text[HK__ERROR_SIZE];
    va_list ap;
    if (!ctx) return st;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    set_error(ctx, text, true);
    return st;
}

void hk__log(hk_context *ctx, int level, const char *fmt, ...) {
    static const char *const names[] = { "error", "warning", "info", "debug" };
    char text[HK__ERROR_SIZE];
    va_list ap;
    if (!ctx || level < 0 || level > ctx->log_level) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "hillock: %s: %s\n", names[level > 3 ? 3 : level], text); /* one call: lines of threads do not mix */
}
