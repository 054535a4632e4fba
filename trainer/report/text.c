/* text.c - escaping for JSON and HTML, base64, and numbers as people read them. */
#include "report.h"
#include <math.h>
#include <string.h>

void hk__json_text(FILE *f, const char *s) {
    putc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < ' ') fprintf(f, "\\u%04x", (unsigned char)*s);
        else putc(*s, f);
    }
    putc('"', f);
}

void hk__base64(FILE *f, const void *data, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i += 3) {
        const size_t k = n - i;
        const uint32_t v = (uint32_t)p[i] << 16 | (k > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (k > 2 ? p[i + 2] : 0);
        putc(digit[v >> 18], f), putc(digit[v >> 12 & 63], f);
        putc(k > 1 ? digit[v >> 6 & 63] : '=', f), putc(k > 2 ? digit[v & 63] : '=', f);
    }
}

void hk__html_text(FILE *f, const char *s) {
    for (; *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else if (*s == '"') fputs("&quot;", f);
        else putc(*s, f);
    }
}

const char *hk__count_text(char buf[32], int64_t v) {
    char plain[24];
    const int n = snprintf(plain, sizeof plain, "%lld", (long long)v);
    char *to = buf;
    for (int i = 0; i < n && to < buf + 27; i++) {
        if (i && n > 4 && (n - i) % 3 == 0 && plain[i - 1] != '-') memcpy(to, "\u202f", 3), to += 3;
        *to++ = plain[i];
    }
    *to = 0;
    return buf;
}

const char *hk__bytes_text(char buf[32], double v) {
    static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int k = 0;
    while (v >= 1024 && k < 4) v /= 1024, k++;
    snprintf(buf, 32, v < 10 && k ? "%.1f %s" : "%.0f %s", v, unit[k]);
    return buf;
}

const char *hk__seconds_text(char buf[32], double s) {
    const long long m = (long long)(s / 60);
    if (!isfinite(s)) snprintf(buf, 32, "–");
    else if (s < 0.0995) snprintf(buf, 32, "%.1f ms", s * 1000);
    else if (s < 59.95) snprintf(buf, 32, s < 9.95 ? "%.2f s" : "%.1f s", s);
    else if (m < 60) snprintf(buf, 32, "%lld min %02d s", m, (int)s % 60);
    else snprintf(buf, 32, "%lld h %02lld min", m / 60, m % 60);
    return buf;
}
