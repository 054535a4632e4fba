/* color.c - the ten colours of lines, and three ways from numbers to colours. The first colours are Okabe and Ito's (2008), the others Tol's muted ones; viridis by
 * eleven of its points, the diverging map by nine of ColorBrewer's RdBu. */
#include "draw.h"
#include <math.h>

#define RGB(x) { (((x) >> 16) & 255) / 255.0, (((x) >> 8) & 255) / 255.0, ((x) & 255) / 255.0 }
const hk__rgb hk__palette[HK__N_COLOR] = { RGB(0x0072b2), RGB(0xd55e00), RGB(0x009e73), RGB(0xaa4499), RGB(0xe69f00), RGB(0x56b4e9), RGB(0x882255), RGB(0x6b6b6b),
    RGB(0x332288), RGB(0x999933) };
const hk__rgb hk__black = RGB(0x1a1a1a), hk__dark = RGB(0x404040), hk__grey = RGB(0x8c8c8c), hk__light = RGB(0xe3e3e3);

static const hk__rgb viridis[] = { RGB(0x440154), RGB(0x482475), RGB(0x414487), RGB(0x355f8d), RGB(0x2a788e), RGB(0x21918c), RGB(0x22a884), RGB(0x44bf70),
    RGB(0x7ad151), RGB(0xbddf26), RGB(0xfde725) };
static const hk__rgb diverging[] = { RGB(0x2166ac), RGB(0x4393c3), RGB(0x92c5de), RGB(0xd1e5f0), RGB(0xf7f7f7), RGB(0xfddbc7), RGB(0xf4a582), RGB(0xd6604d), RGB(0xb2182b) };
static const hk__rgb grey[] = { RGB(0x000000), RGB(0xffffff) };

hk__rgb hk__mix(hk__rgb a, hk__rgb b, double t) { return (hk__rgb){ a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t }; }

hk__rgb hk__map_color(uint32_t map, double t) {
    const hk__rgb *stop = map == HK_GREY ? grey : map == HK_DIVERGING ? diverging : viridis;
    const int n = (int)(map == HK_GREY ? sizeof grey : map == HK_DIVERGING ? sizeof diverging : sizeof viridis) / (int)sizeof *stop;
    if (isnan(t)) return hk__light;
    t = fmin(fmax(t, 0), 1) * (n - 1);
    int i = (int)t < n - 1 ? (int)t : n - 2;
    return hk__mix(stop[i], stop[i + 1], t - i);
}

void hk__value_range(const double *v, const float *f, int64_t n, uint32_t map, double *lo, double *hi) {
    double l = INFINITY, h = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double x = v ? v[i] : (double)f[i];
        if (isfinite(x)) l = fmin(l, x), h = fmax(h, x);
    }
    if (map == HK_DIVERGING && h >= l) h = fmax(fabs(l), fabs(h)), l = -h;
    if (!(h >= l)) l = 0, h = 1;
    if (!(h > l)) h = l + fmax(1, fabs(l)) * 1e-3, l = l == 0 ? 0 : l, h = l == 0 ? 1 : h;
    *lo = l, *hi = h;
}
