/* ticks.c - where the ticks of an axis are, and how their numbers are written: steps of 1, 2 or 5 times a power of ten, as many digits as the step needs, a true minus sign,
 * powers of ten for what is very large or small. */
#include "draw.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUS "\xe2\x88\x92"

double hk__place(const hk__axis *a, double v) { return a->from + (v - a->lo) / (a->hi - a->lo) * (a->to - a->from); }

void hk__axis_fit(hk__axis *a, double lo, double hi, double margin) {
    if (!(isfinite(lo) && isfinite(hi) && hi >= lo)) lo = 0, hi = 1;
    if (!(hi > lo)) {
        double m = lo != 0 ? 0.1 * fabs(lo) : 0.5;
        if (a->integer) m = 0.5;
        lo -= m, hi += m;
    } else lo -= margin * (hi - lo), hi += margin * (hi - lo);
    a->lo = lo, a->hi = hi;
}

void hk__axis_ticks(hk__axis *a, double most) {
    static const double nice[] = { 1, 2, 5, 10 };
    if (most < 1.5) most = 1.5;
    double raw = (a->hi - a->lo) / most, power = pow(10, floor(log10(raw)));
    int i = 0;
    while (i < 3 && nice[i] * power < raw * (1 - 1e-9)) i++;
    a->step = nice[i] * power;
    if ((a->integer || a->n_name) && a->step < 1) a->step = 1;
}

double hk__axis_first(const hk__axis *a) { return ceil(a->lo / a->step - 1e-9) * a->step; }
double hk__axis_last(const hk__axis *a) {
    double hi = a->hi + a->step * 1e-9;
    return a->n_name > 0 ? fmin(hi, (double)a->n_name - 0.5) : hi;
}

/* 2.5x10^-3, with the digits above. */
static void power_text(double v, double step, char *buf, size_t size) {
    static const char *const up[] = { "\xe2\x81\xb0", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3", "\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8",
        "\xe2\x81\xb9" };
    int e = (int)floor(log10(fabs(v)) + 1e-9), digits = e - (int)floor(log10(step) + 1e-9);
    char power[16], out[48] = "";
    if (digits < 0) digits = 0;
    if (digits > 4) digits = 4;
    snprintf(power, sizeof power, "%d", e);
    for (const char *p = power; *p; p++) strncat(out, *p == '-' ? "\xe2\x81\xbb" : up[*p - '0'], sizeof out - strlen(out) - 1);
    if (snprintf(buf, size, "%.*f\xc3\x97" "10%s", digits, fabs(v) / pow(10, e), out) >= (int)size) buf[0] = 0; /* (never: 4 digits, 4 signs of the exponent) */
}

void hk__axis_text(const hk__axis *a, double v, char buf[48]) {
    char number[48];
    if (a->n_name > 0 && a->name) {
        int64_t i = (int64_t)llround(v);
        snprintf(buf, 48, "%.47s", i >= 0 && i < a->n_name && a->name[i] ? a->name[i] : "");
        return;
    }
    const double most = fmax(fabs(a->lo), fabs(a->hi));
    if (fabs(v) < a->step * 1e-6) v = 0;
    int digits = a->step >= 1 ? 0 : (int)ceil(-log10(a->step) - 1e-9);
    if (v != 0 && (most >= 999999.5 || most < 1e-3)) power_text(v, a->step, number, sizeof number);
    else snprintf(number, sizeof number, "%.*f", v == 0 && most < 1e-3 ? 0 : digits > 9 ? 9 : digits, fabs(v));
    snprintf(buf, 48, "%s%.40s", v < 0 ? MINUS : "", number);
}

double hk__axis_widest(hk__page *p, const hk__axis *a) {
    double w = 0;
    char buf[48];
    for (double v = hk__axis_first(a); v <= hk__axis_last(a); v += a->step) {
        hk__axis_text(a, v, buf);
        w = fmax(w, hk__text_width(p, buf));
    }
    return w;
}
