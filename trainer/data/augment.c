/* augment.c - [augment]: what changes samples on their way into a batch, in torchvision's order and meaning: RandomCrop with padding,
 * RandomHorizontalFlip, Normalize, RandomErasing for each sample, then RandomMixup or RandomCutmix for the batch (one of the two at random where
 * both are on). Tests are normalised and nothing else. A sequence is changed in the same way at each step.
 *
 * Every draw is a function of (seed, epoch, sample), those of a batch of (seed, epoch, batch): the same for any number of loader threads and
 * for a run that was taken up again. Source: torchvision 0.20, transforms and references/classification/transforms.py. */
#include "trainer.h"
#include <math.h>
#include <string.h>

#define FAIL(c, key, ...) hk__conf_fail_key(c, HK_ECONFIG, "augment", key, __VA_ARGS__)

/* Numbers with commas or spaces between; -1 after an error. */
static int numbers(hk__conf *c, const char *key, double *v) {
    const char *p = hk__conf_opt_text(c, "augment", key);
    int n = 0;
    while (p && *(p += strspn(p, " \t,[]"))) {
        char word[64];
        size_t len = strcspn(p, " \t,[]");
        snprintf(word, sizeof word, "%.*s", (int)len, p);
        if (n == HK__MAX_NORM) return FAIL(c, key, "expected at most %d numbers", HK__MAX_NORM), -1;
        if (len >= sizeof word || hk__parse_real(word, &v[n]) || !isfinite(v[n])) return FAIL(c, key, "expected numbers, as 0.4914 0.4822 0.4465, got '%s'", word), -1;
        n++, p += len;
    }
    return n;
}

hk_status hk__augment_read(hk__conf *c, hk__augment *a) {
    *a = (hk__augment){ .flip = hk__conf_real(c, "augment", "flip"), .erase = hk__conf_real(c, "augment", "random_erase"), .mixup = hk__conf_real(c, "augment", "mixup_alpha"),
        .cutmix = hk__conf_real(c, "augment", "cutmix_alpha"), .crop = hk__conf_int(c, "augment", "crop_padding") };
    int n = numbers(c, "mean", a->mean), n_std = n < 0 ? -1 : numbers(c, "std", a->std);
    if (n_std < 0) return HK_ECONFIG;
    if (n != n_std) return FAIL(c, n ? "mean" : "std", "mean has %d numbers and std %d, expected as many of both", n, n_std);
    for (int i = 0; i < n; i++)
        if (!(a->std[i] > 0)) return FAIL(c, "std", "expected numbers above 0, got %g", a->std[i]);
    a->n_norm = n;
    return HK_OK;
}

hk_status hk__augment_check(hk__conf *c, const hk__augment *a, int rank, const int64_t *shape) {
    const struct {
        const char *key;
        int on;
    } plane[] = { { "flip", a->flip > 0 }, { "crop_padding", a->crop > 0 }, { "random_erase", a->erase > 0 }, { "cutmix_alpha", a->cutmix > 0 } };
    for (size_t i = 0; i < sizeof plane / sizeof *plane; i++)
        if (plane[i].on && rank < 2) return FAIL(c, plane[i].key, "it is for pictures [C,H,W] or [H,W], but a sample (of one step) has %d axes; write 0", rank);
    const int64_t channels = rank >= 3 ? shape[0] : 1;
    if (a->n_norm > 1 && a->n_norm != channels)
        return FAIL(c, "mean", "expected one number, or one for each of the %lld channels, got %d", (long long)channels, a->n_norm);
    return HK_OK;
}

int hk__augment_each(const hk__augment *a, int train) { return a->n_norm || (train && (a->flip > 0 || a->crop || a->erase > 0)); }

static double draw(hk__draw d, const char *what, int64_t sample, int64_t k) { return (double)hk_random(d.seed, hk_random_stream(what), d.epoch, 0, sample, k); }
/* An integer of [lo, hi]. */
static int64_t draw_int(hk__draw d, const char *what, int64_t sample, int64_t k, int64_t lo, int64_t hi) { return lo + (int64_t)(draw(d, what, sample, k) * (double)(hi - lo + 1)); }

typedef struct plane { /* a sample is `n` pictures of H x W, channels of a step one after the other */
    int64_t n, channels, H, W;
} plane;

static plane planes(const hk__sample_shape *s) {
    plane p = { .n = s->T ? s->T : 1, .channels = 1, .H = 1, .W = s->row };
    if (s->rank >= 2) p.H = s->shape[s->rank - 2], p.W = s->shape[s->rank - 1];
    if (s->rank >= 3) p.channels = s->shape[0];
    p.n *= s->row / (p.H * p.W);
    return p;
}

/* to[y][x] = from[y + dy][x + dx], mirrored where flip is set; 0 outside. */
static void shift(const plane *p, int64_t dy, int64_t dx, int flip, const float *from, float *to) {
    for (int64_t k = 0; k < p->n; k++, from += p->H * p->W)
        for (int64_t y = 0; y < p->H; y++)
            for (int64_t x = 0; x < p->W; x++, to++) {
                const int64_t fy = y + dy, fx = (flip ? p->W - 1 - x : x) + dx;
                *to = fy >= 0 && fy < p->H && fx >= 0 && fx < p->W ? from[fy * p->W + fx] : 0.0f;
            }
}

static void normalise(const hk__augment *a, const plane *p, int64_t row, float *x) {
    const int64_t size = p->H * p->W, each = row / size / p->channels; /* pictures of a channel */
    for (int64_t k = 0; k < p->n; k++) {
        const int64_t c = a->n_norm > 1 ? k % (each * p->channels) / each : 0;
        const float mean = (float)a->mean[c], std = (float)a->std[c];
        for (int64_t i = 0; i < size; i++, x++) *x = (*x - mean) / std;
    }
}

/* RandomErasing(scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0): ten tries for a rectangle that fits. */
static void erase(const hk__augment *a, hk__draw d, int64_t sample, const plane *p, float *x) {
    static const char what[] = "hk.augment.erase";
    if (!(draw(d, what, sample, 0) < a->erase)) return;
    for (int64_t k = 1; k <= 10; k++) {
        const double area = (double)(p->H * p->W) * (0.02 + 0.31 * draw(d, what, sample, 4 * k)), low = log(0.3), high = log(3.3);
        const double ratio = exp(low + (high - low) * draw(d, what, sample, 4 * k + 1));
        const int64_t h = (int64_t)nearbyint(sqrt(area * ratio)), w = (int64_t)nearbyint(sqrt(area / ratio));
        if (h >= p->H || w >= p->W) continue;
        const int64_t top = draw_int(d, what, sample, 4 * k + 2, 0, p->H - h), left = draw_int(d, what, sample, 4 * k + 3, 0, p->W - w);
        for (int64_t i = 0; i < p->n; i++)
            for (int64_t y = 0; y < h; y++) memset(x + (i * p->H + top + y) * p->W + left, 0, (size_t)w * sizeof *x);
        return;
    }
}

void hk__augment_sample(const hk__augment *a, int train, hk__draw d, int64_t sample, const hk__sample_shape *s, const float *from, float *to) {
    const plane p = planes(s);
    const int64_t dy = train && a->crop ? draw_int(d, "hk.augment.crop", sample, 0, -a->crop, a->crop) : 0;
    const int64_t dx = train && a->crop ? draw_int(d, "hk.augment.crop", sample, 1, -a->crop, a->crop) : 0;
    const int flip = train && a->flip > 0 && draw(d, "hk.augment.flip", sample, 0) < a->flip;
    if (dy || dx || flip) shift(&p, dy, dx, flip, from, to);
    else memcpy(to, from, (size_t)(p.n * p.H * p.W) * sizeof *to);
    if (a->n_norm) normalise(a, &p, s->row, to);
    if (train && a->erase > 0) erase(a, d, sample, &p, to);
}

/* ---- mixup and cutmix ---- */

static const char mix_stream[] = "hk.augment.mix";

/* A number of law Gamma(shape, 1), shape > 0. Source: Marsaglia, Tsang 2000, "A simple method for generating gamma variables"; their boost for shape < 1. */
static double gamma_law(hk__draw d, int64_t batch, int64_t k, double shape) {
    const double boost = shape < 1 ? pow(1 - draw(d, mix_stream, batch, k), 1 / shape) : 1, a = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * a);
    for (k++;; k += 3) {
        const double n = sqrt(-2 * log(1 - draw(d, mix_stream, batch, k))) * cos(6.283185307179586 * draw(d, mix_stream, batch, k + 1)), v = pow(1 + c * n, 3);
        if (v > 0 && log(1 - draw(d, mix_stream, batch, k + 2)) < n * n / 2 + a * (1 - v + log(v))) return boost * a * v;
    }
}

static double beta_law(hk__draw d, int64_t batch, double alpha) {
    const double x = gamma_law(d, batch, 16, alpha), y = gamma_law(d, batch, 1 << 20, alpha);
    return x + y > 0 ? x / (x + y) : draw(d, mix_stream, batch, 1) < 0.5; /* both too small for a number: alpha near 0 */
}

typedef struct box {
    int64_t top, bottom, left, right;
} box;

/* Sample i gets part of sample i - 1, the first of the last: torch.roll(batch, 1). box NULL: lam x[i] + (1 - lam) x[i-1]. */
static void mix(const hk__sample_shape *s, int64_t n, double lam, const box *cut, float *x, float *row) {
    const plane p = planes(s);
    const float one = (float)lam, other = (float)(1 - lam);
    for (int64_t t = 0; t < (s->T ? s->T : 1); t++, x += n * s->row) {
        memcpy(row, x + (n - 1) * s->row, (size_t)s->row * sizeof *row);
        for (int64_t i = n - 1; i >= 0; i--) {
            float *to = x + i * s->row;
            const float *from = i ? to - s->row : row;
            if (!cut)
                for (int64_t k = 0; k < s->row; k++) to[k] = one * to[k] + other * from[k];
            else
                for (int64_t k = 0; k < s->row / (p.H * p.W); k++)
                    for (int64_t y = cut->top; y < cut->bottom; y++)
                        memcpy(to + (k * p.H + y) * p.W + cut->left, from + (k * p.H + y) * p.W + cut->left, (size_t)(cut->right - cut->left) * sizeof *to);
        }
    }
}

/* The part of a picture that cutmix replaces, 1 - *lam of it, around a place drawn; *lam: what is left after it is clipped. */
static box cut_out(hk__draw d, int64_t batch, const plane *p, double *lam) {
    const int64_t cx = draw_int(d, mix_stream, batch, 2, 0, p->W - 1), cy = draw_int(d, mix_stream, batch, 3, 0, p->H - 1);
    const double r = 0.5 * sqrt(1 - *lam);
    const int64_t w = (int64_t)(r * (double)p->W), h = (int64_t)(r * (double)p->H);
    const box b = { cy - h < 0 ? 0 : cy - h, cy + h > p->H ? p->H : cy + h, cx - w < 0 ? 0 : cx - w, cx + w > p->W ? p->W : cx + w };
    *lam = 1 - (double)((b.right - b.left) * (b.bottom - b.top)) / (double)(p->H * p->W);
    return b;
}

void hk__augment_batch(const hk__augment *a, hk__draw d, int64_t batch, const hk__sample_shape *s, int64_t n, float *x, const int64_t *y, float *soft, int64_t classes, float *row) {
    const int cut = a->cutmix > 0 && (a->mixup <= 0 || draw(d, mix_stream, batch, 0) < 0.5);
    double lam = beta_law(d, batch, cut ? a->cutmix : a->mixup);
    if (cut) {
        const plane p = planes(s);
        const box b = cut_out(d, batch, &p, &lam);
        mix(s, n, lam, &b, x, row);
    } else mix(s, n, lam, NULL, x, row);
    memset(soft, 0, (size_t)(n * classes) * sizeof *soft);
    for (int64_t i = 0; i < n; i++) soft[i * classes + y[i]] += (float)lam, soft[i * classes + y[i ? i - 1 : n - 1]] += (float)(1 - lam);
}
