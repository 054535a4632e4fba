/* config/typed.c - strict reading of typed values: all of the text, base ten, C locale, in range; no first-letter booleans. */
#include "config/conf.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *hk__parse_int(const char *t, int64_t *v) {
    const char *d = t + (t[0] == '-');
    size_t n = strspn(d, "0123456789");
    if (!n || d[n]) {
        double f;
        return !hk__parse_real(t, &f) ? "write it with digits only" : "not an integer";
    }
    if (n > 1 && d[0] == '0') return "a leading zero could mean octal; leave it out";
    errno = 0;
    long long x = strtoll(t, NULL, 10);
    if (errno == ERANGE) return "out of range";
    *v = x;
    return NULL;
}

const char *hk__parse_real(const char *t, double *v) {
    static locale_t c_locale;
    if (!c_locale) c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!t[0] || strspn(t, "0123456789.eE+-") != strlen(t)) return strchr(t, ',') ? "write a decimal point, not a comma" : "not a number";
    char *end;
    errno = 0;
    double x = c_locale ? strtod_l(t, &end, c_locale) : strtod(t, &end);
    if (*end || end == t) return "not a number";
    if (!isfinite(x)) return "out of range";
    *v = x;
    return NULL;
}

const char *hk__parse_bytes(const char *t, int64_t *v) {
    static const char *const unit[] = { "KiB", "MiB", "GiB" };
    size_t n = strlen(t);
    char digits[32];
    int shift = 0;
    for (int i = 0; i < 3 && !shift; i++)
        if (n > 3 && !strcmp(t + n - 3, unit[i])) shift = 10 * (i + 1), n -= 3;
    if (n >= sizeof digits) return "out of range";
    memcpy(digits, t, n), digits[n] = 0;
    int64_t x;
    const char *bad = hk__parse_int(digits, &x);
    if (bad) return "write an integer, with KiB, MiB or GiB right behind it or nothing";
    if (x > (INT64_MAX >> shift) || x < 0) return "out of range";
    *v = x << shift;
    return NULL;
}

/* Index of `word` in "a|b|c", or -1. */
static int choice(const char *choices, const char *word) {
    size_t n = strlen(word);
    int i = 0;
    for (const char *p = choices;; i++) {
        const char *bar = strchrnul(p, '|');
        if ((size_t)(bar - p) == n && !memcmp(p, word, n)) return i;
        if (!*bar) return -1;
        p = bar + 1;
    }
}

void hk__key_expect(const hk__key *k, char *buf, size_t size) {
    switch (k->kind) {
    case HK__INT: snprintf(buf, size, "an integer from %.0f to %.0f", k->lo, k->hi); break;
    case HK__REAL: snprintf(buf, size, "a number from %g to %g", k->lo, k->hi); break;
    case HK__SWITCH: snprintf(buf, size, "on or off"); break;
    case HK__BYTES: snprintf(buf, size, "a number of bytes, as 4096 or 512MiB, at most %.0f", k->hi); break;
    case HK__TEXT: snprintf(buf, size, "a text"); break;
    case HK__CHOICE: {
        size_t at = (size_t)snprintf(buf, size, "one of ");
        for (const char *p = k->choices; *p && at + 2 < size; p++) {
            buf[at++] = *p == '|' ? ',' : *p;
            if (*p == '|') buf[at++] = ' ';
        }
        buf[at] = 0;
    }
    }
}

static hk_status bad(hk__conf *c, const hk__key *k, const hk__entry *e, const char *why) {
    char expect[256], from[300] = "";
    hk__key_expect(k, expect, sizeof expect);
    if (strcmp(e->raw, e->value)) snprintf(from, sizeof from, " (from %.200s)", e->raw);
    return hk__conf_fail_entry(c, e, "expected %s, got '%.200s'%s%s%s", expect, e->value, from, why ? ": " : "", why ? why : "");
}

hk_status hk__conf_typed(hk__conf *c, const hk__key *k, hk__entry *e) {
    const char *why = NULL;
    switch (k->kind) {
    case HK__TEXT: return HK_OK;
    case HK__INT:
        if ((why = hk__parse_int(e->value, &e->i))) return bad(c, k, e, why);
        if ((double)e->i < k->lo || (double)e->i > k->hi) return bad(c, k, e, NULL);
        e->f = (double)e->i;
        return HK_OK;
    case HK__BYTES:
        if ((why = hk__parse_bytes(e->value, &e->i))) return bad(c, k, e, why);
        if ((double)e->i < k->lo || (double)e->i > k->hi) return bad(c, k, e, NULL);
        return HK_OK;
    case HK__REAL:
        if ((why = hk__parse_real(e->value, &e->f))) return bad(c, k, e, why);
        if (e->f < k->lo || e->f > k->hi) return bad(c, k, e, NULL);
        return HK_OK;
    case HK__SWITCH:
        if (strcmp(e->value, "on") && strcmp(e->value, "off")) return bad(c, k, e, NULL);
        e->i = !strcmp(e->value, "on");
        return HK_OK;
    case HK__CHOICE: e->i = choice(k->choices, e->value); return e->i < 0 ? bad(c, k, e, NULL) : HK_OK;
    }
    return hk__conf_fail_entry(c, e, "the table of keys is wrong");
}
