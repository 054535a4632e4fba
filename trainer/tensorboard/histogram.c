/* histogram.c - numbers in TensorFlow's buckets (tensorflow/core/lib/histogram), so that TensorBoard shows them as it shows its own: limits 1e-12 times powers of
 * 1.1 on both sides of 0. A bucket holds what is below its limit and not below the one before. Empty ones are left out as far as its neighbours tell. */
#include "tensorboard.h"
#include <float.h>
#include <math.h>

enum { SIDE = 774, LIMITS = 2 * SIDE + 2 }; /* 1e-12 * 1.1^k < 1e20 */

static double limit[LIMITS];

static void fill(void) {
    double v = 1e-12;
    for (int k = 0; k < SIDE; k++, v *= 1.1) limit[SIDE + 1 + k] = v, limit[SIDE - k] = -v;
    limit[0] = -DBL_MAX, limit[LIMITS - 1] = DBL_MAX;
}

/* The first limit above v. */
static int bucket(double v) {
    int lo = 0, hi = LIMITS - 1;
    while (lo < hi) {
        const int mid = (lo + hi) / 2;
        if (limit[mid] > v) hi = mid;
        else lo = mid + 1;
    }
    return lo;
}

void hk__histogram_proto(hk__bytes *out, const float *v, int64_t n) {
    double count[LIMITS] = { 0 }, lo = INFINITY, hi = -INFINITY, sum = 0, squares = 0;
    int64_t num = 0;
    if (limit[0] == 0) fill();
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)v[i];
        if (!isfinite(x)) continue;
        lo = fmin(lo, x), hi = fmax(hi, x), sum += x, squares += x * x, num++;
        count[bucket(x)]++;
    }
    if (!num) return;
    int first = bucket(lo), last = bucket(hi), k = 0;
    double limits[LIMITS], counts[LIMITS];
    if (first > 0) limits[k] = limit[first - 1], counts[k] = 0, k++;
    for (int i = first; i <= last; i++) {
        const int empty_run = k > 0 && count[i] == 0 && counts[k - 1] == 0 && i > first;
        if (empty_run) k--;
        limits[k] = limit[i], counts[k] = count[i], k++;
    }
    hk__proto_double(out, 1, lo), hk__proto_double(out, 2, hi), hk__proto_double(out, 3, (double)num);
    hk__proto_double(out, 4, sum), hk__proto_double(out, 5, squares);
    hk__proto_doubles(out, 6, limits, (size_t)k), hk__proto_doubles(out, 7, counts, (size_t)k);
}
