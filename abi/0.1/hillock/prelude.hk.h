/* hillock/prelude.hk.h - the mathematics of the portable dialect, written in the dialect itself, so that every compiler gives equal bits.
 *
 * Before it: hk_real (float or double) and hk_fn (what goes before a function). Valid as C11, C++17 and for NVRTC. No libc, no tables, no
 * branches that stop a vectoriser; needs round-to-nearest, and no contraction of a * b + c. Whoever compiles texts at run time puts this
 * file's bytes (.incbin) before them.
 *
 * Float functions are good to about 2 ulp, double ones to about 1e-15 relative (sin, cos: |x| < 8000, then losing digits slowly).
 * Polynomials are Taylor series on a reduced range, but for erfc: a Chebyshev fit of erfc(x) exp(x^2) / t in y = 2 t - 1, t = 2 / (2 + x),
 * the variable of W. H. Press et al., "Numerical Recipes", 6.2. Each function exists as _f and _d; hk_exp and so on choose by sizeof(hk_real). */
#ifndef HILLOCK_DIALECT_H
#define hk_text_fn hk_fn /* hk_fn inside texts that a macro of dialect.h completed */
#endif
#define HK_PI ((hk_real)3.14159265358979323846)

/* ---- the only operations that are spelled differently by compilers ---- */
#ifdef __CUDACC__
hk_fn int hk_bits_f(float x) { return __float_as_int(x); }
hk_fn float hk_from_bits_f(int b) { return __int_as_float(b); }
hk_fn long long hk_bits_d(double x) { return __double_as_longlong(x); }
hk_fn double hk_from_bits_d(long long b) { return __longlong_as_double(b); }
hk_fn float hk_abs_f(float x) { return fabsf(x); }
hk_fn double hk_abs_d(double x) { return fabs(x); }
hk_fn float hk_sqrt_f(float x) { return sqrtf(x); }
hk_fn double hk_sqrt_d(double x) { return sqrt(x); }
#else
hk_fn int hk_bits_f(float x) {
    int b;
    __builtin_memcpy(&b, &x, 4);
    return b;
}
hk_fn float hk_from_bits_f(int b) {
    float x;
    __builtin_memcpy(&x, &b, 4);
    return x;
}
hk_fn long long hk_bits_d(double x) {
    long long b;
    __builtin_memcpy(&b, &x, 8);
    return b;
}
hk_fn double hk_from_bits_d(long long b) {
    double x;
    __builtin_memcpy(&x, &b, 8);
    return x;
}
hk_fn float hk_abs_f(float x) { return __builtin_fabsf(x); }
hk_fn double hk_abs_d(double x) { return __builtin_fabs(x); }
hk_fn float hk_sqrt_f(float x) { return __builtin_sqrtf(x); }
hk_fn double hk_sqrt_d(double x) { return __builtin_sqrt(x); }
#endif

/* 2^n for a normal result, and x 2^n for n in [-252, 254] (double: [-2044, 2046]) in two exact steps */
hk_fn float hk_pow2_f(int n) { return hk_from_bits_f((int)((unsigned)(n + 127) << 23)); }
hk_fn double hk_pow2_d(int n) { return hk_from_bits_d((long long)((unsigned long long)(n + 1023) << 52)); }
hk_fn float hk_scale_f(float x, int n) { return x * hk_pow2_f(n >> 1) * hk_pow2_f(n - (n >> 1)); }
hk_fn double hk_scale_d(double x, int n) { return x * hk_pow2_d(n >> 1) * hk_pow2_d(n - (n >> 1)); }

/* nearest integer, ties to even: adding 2^23 (2^52) leaves no room for a fraction */
hk_fn float hk_round_f(float x) {
    float m = x < 0.0f ? -8388608.0f : 8388608.0f;
    float t = (x + m) - m;
    return hk_abs_f(x) < 8388608.0f ? t : x;
}
hk_fn double hk_round_d(double x) {
    double m = x < 0.0 ? -4503599627370496.0 : 4503599627370496.0;
    double t = (x + m) - m;
    return hk_abs_d(x) < 4503599627370496.0 ? t : x;
}
hk_fn float hk_floor_f(float x) {
    float t = hk_round_f(x);
    return t > x ? t - 1.0f : t;
}
hk_fn double hk_floor_d(double x) {
    double t = hk_round_d(x);
    return t > x ? t - 1.0 : t;
}

/* ---- exp: x = n ln2 + r, |r| <= ln2 / 2; exp(r) - 1 by its series ---- */
hk_fn float hk_expm1_core_f(float r) {
    float q = 1.0f / 5040.0f;
    q = q * r + 1.0f / 720.0f;
    q = q * r + 1.0f / 120.0f;
    q = q * r + 1.0f / 24.0f;
    q = q * r + 1.0f / 6.0f;
    q = q * r + 0.5f;
    return q * (r * r) + r;
}
hk_fn double hk_expm1_core_d(double r) {
    double q = 1.0 / 6227020800.0;
    q = q * r + 1.0 / 479001600.0;
    q = q * r + 1.0 / 39916800.0;
    q = q * r + 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    return q * (r * r) + r;
}
hk_fn float hk_exp_f(float x) {
    float c = x > 89.0f ? 89.0f : x < -104.0f ? -104.0f : x;
    float n = hk_round_f(c * 1.44269504f);
    float r = (c - n * 0.693145751953125f) - n * 1.42860682e-6f;
    return hk_scale_f(1.0f + hk_expm1_core_f(r), (int)n);
}
hk_fn double hk_exp_d(double x) {
    double c = x > 710.0 ? 710.0 : x < -746.0 ? -746.0 : x;
    double n = hk_round_d(c * 1.4426950408889634074);
    double r = (c - n * 0.693147180559208209160715) - n * 7.37100256516779690183404e-13;
    return hk_scale_d(1.0 + hk_expm1_core_d(r), (int)n);
}
/* exp(x) - 1 for x in [-80, 80] */
hk_fn float hk_expm1_f(float x) {
    float n = hk_round_f(x * 1.44269504f);
    float r = (x - n * 0.693145751953125f) - n * 1.42860682e-6f;
    float t = hk_pow2_f((int)n);
    return t * hk_expm1_core_f(r) + (t - 1.0f);
}
hk_fn double hk_expm1_d(double x) {
    double n = hk_round_d(x * 1.4426950408889634074);
    double r = (x - n * 0.693147180559208209160715) - n * 7.37100256516779690183404e-13;
    double t = hk_pow2_d((int)n);
    return t * hk_expm1_core_d(r) + (t - 1.0);
}

/* ---- log: x = 2^e m, m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1) ---- */
hk_fn float hk_log_f(float x) {
    float big = x < 1.17549435e-38f ? x * 8388608.0f : x;
    unsigned u = (unsigned)hk_bits_f(big) - 0x3f3504f3u;
    int e = (int)u >> 23;
    float f = hk_from_bits_f((int)((u - ((unsigned)e << 23)) + 0x3f3504f3u)) - 1.0f;
    float n = (float)(x < 1.17549435e-38f ? e - 23 : e);
    float s = f / (2.0f + f), z = s * s;
    float q = 2.0f / 9.0f;
    q = q * z + 2.0f / 7.0f;
    q = q * z + 2.0f / 5.0f;
    q = q * z + 2.0f / 3.0f;
    float h = 0.5f * f * f;
    /* 2 s = f - s f, and s f = h - s h */
    float y = n * 0.693145751953125f - ((h - (s * (h + q * z) + n * 1.42860682e-6f)) - f);
    y = x == 0.0f ? -1.0f / 0.0f : y;
    y = x < 0.0f ? hk_sqrt_f(-1.0f) : y;
    return x <= 3.40282347e38f ? y : x;
}
hk_fn double hk_log_d(double x) {
    double big = x < 2.2250738585072014e-308 ? x * 4503599627370496.0 : x;
    unsigned long long u = (unsigned long long)hk_bits_d(big) - 0x3fe6a09e667f3bcdull;
    long long e = (long long)u >> 52;
    double f = hk_from_bits_d((long long)((u - ((unsigned long long)e << 52)) + 0x3fe6a09e667f3bcdull)) - 1.0;
    double n = (double)(int)(x < 2.2250738585072014e-308 ? e - 52 : e);
    double s = f / (2.0 + f), z = s * s;
    double q = 2.0 / 21.0;
    q = q * z + 2.0 / 19.0;
    q = q * z + 2.0 / 17.0;
    q = q * z + 2.0 / 15.0;
    q = q * z + 2.0 / 13.0;
    q = q * z + 2.0 / 11.0;
    q = q * z + 2.0 / 9.0;
    q = q * z + 2.0 / 7.0;
    q = q * z + 2.0 / 5.0;
    q = q * z + 2.0 / 3.0;
    double h = 0.5 * f * f;
    double y = n * 0.693147180559208209160715 - ((h - (s * (h + q * z) + n * 7.37100256516779690183404e-13)) - f);
    y = x == 0.0 ? -1.0 / 0.0 : y;
    y = x < 0.0 ? hk_sqrt_d(-1.0) : y;
    return x <= 1.7976931348623157e308 ? y : x;
}

/* ---- sin, cos: x = n pi/2 + r, |r| <= pi/4 ---- */
hk_fn float hk_sin_core_f(float r) {
    float z = r * r, q = 1.0f / 362880.0f;
    q = q * z - 1.0f / 5040.0f;
    q = q * z + 1.0f / 120.0f;
    q = q * z - 1.0f / 6.0f;
    return q * z * r + r;
}
hk_fn double hk_sin_core_d(double r) {
    double z = r * r, q = 1.0 / 355687428096000.0;
    q = q * z - 1.0 / 1307674368000.0;
    q = q * z + 1.0 / 6227020800.0;
    q = q * z - 1.0 / 39916800.0;
    q = q * z + 1.0 / 362880.0;
    q = q * z - 1.0 / 5040.0;
    q = q * z + 1.0 / 120.0;
    q = q * z - 1.0 / 6.0;
    return q * z * r + r;
}
hk_fn float hk_cos_core_f(float r) {
    float z = r * r, q = -1.0f / 3628800.0f;
    q = q * z + 1.0f / 40320.0f;
    q = q * z - 1.0f / 720.0f;
    q = q * z + 1.0f / 24.0f;
    return q * z * z + (1.0f - 0.5f * z);
}
hk_fn double hk_cos_core_d(double r) {
    double z = r * r, q = -1.0 / 6402373705728000.0;
    q = q * z + 1.0 / 20922789888000.0;
    q = q * z - 1.0 / 87178291200.0;
    q = q * z + 1.0 / 479001600.0;
    q = q * z - 1.0 / 3628800.0;
    q = q * z + 1.0 / 40320.0;
    q = q * z - 1.0 / 720.0;
    q = q * z + 1.0 / 24.0;
    return q * z * z + (1.0 - 0.5 * z);
}
/* sin(x + quarter pi/2) */
hk_fn float hk_sin_quarter_f(float x, int quarter) {
    float n = hk_round_f(x * 0.636619772f);
    float r = ((x - n * 1.5703125f) - n * 4.837512969970703125e-4f) - n * 7.54978995489e-8f;
    unsigned k = (unsigned)(int)n + (unsigned)quarter;
    float y = k % 2u == 1u ? hk_cos_core_f(r) : hk_sin_core_f(r);
    return k / 2u % 2u == 1u ? -y : y;
}
hk_fn double hk_sin_quarter_d(double x, int quarter) {
    double n = hk_round_d(x * 0.63661977236758134308);
    double r = ((x - n * 1.57079632580280303955078) - n * 9.92093579163522143460341e-10) - n * 5.17018297918028e-19;
    unsigned k = (unsigned)(int)n + (unsigned)quarter;
    double y = k % 2u == 1u ? hk_cos_core_d(r) : hk_sin_core_d(r);
    return k / 2u % 2u == 1u ? -y : y;
}

/* ---- atan: 0, pi/4 or pi/2 plus atan(t), |t| <= tan(pi/8) ---- */
hk_fn float hk_atan_f(float x) {
    float a = hk_abs_f(x);
    float num = a <= 0.414213562f ? a : a <= 2.41421356f ? a - 1.0f : -1.0f;
    float den = a <= 0.414213562f ? 1.0f : a <= 2.41421356f ? a + 1.0f : a;
    float off = a <= 0.414213562f ? 0.0f : a <= 2.41421356f ? 0.785398163f : 1.57079633f;
    float low = a <= 0.414213562f ? 0.0f : a <= 2.41421356f ? -2.18556941e-8f : -4.37113883e-8f; /* pi/4 - off, pi/2 - off */
    float t = num / den, z = t * t, q = 1.0f / 19.0f;
    q = 1.0f / 17.0f - q * z;
    q = 1.0f / 15.0f - q * z;
    q = 1.0f / 13.0f - q * z;
    q = 1.0f / 11.0f - q * z;
    q = 1.0f / 9.0f - q * z;
    q = 1.0f / 7.0f - q * z;
    q = 1.0f / 5.0f - q * z;
    q = 1.0f / 3.0f - q * z;
    float y = off + (t - (q * z * t - low));
    y = x < 0.0f ? -y : y;
    return x == x ? y : x;
}
hk_fn double hk_atan_d(double x) {
    double a = hk_abs_d(x);
    double num = a <= 0.41421356237309504880 ? a : a <= 2.41421356237309504880 ? a - 1.0 : -1.0;
    double den = a <= 0.41421356237309504880 ? 1.0 : a <= 2.41421356237309504880 ? a + 1.0 : a;
    double off = a <= 0.41421356237309504880 ? 0.0 : a <= 2.41421356237309504880 ? 0.78539816339744830962 : 1.57079632679489661923;
    double t = num / den, z = t * t, q = 0.0;
    for (int k = 43; k >= 3; k -= 2) q = 1.0 / k - q * z;
    double y = off + (t - q * z * t);
    y = x < 0.0 ? -y : y;
    return x == x ? y : x;
}

/* ---- erfc(x) = t exp(-x^2) Q(2 t - 1), t = 2 / (2 + x), x >= 0; x^2 in two parts, so that the tail keeps its digits ---- */
hk_fn float hk_erfc_f(float x) {
    float a = hk_abs_f(x), t = 2.0f / (2.0f + a), y = 2.0f * t - 1.0f;
    float q = -1.327395518e-6f;
    q = q * y + 4.21611972e-5f;
    q = q * y - 3.295153927e-5f;
    q = q * y - 2.993827121e-4f;
    q = q * y + 4.270201508e-4f;
    q = q * y + 1.529157161e-3f;
    q = q * y - 3.241854895e-3f;
    q = q * y - 1.075162619e-2f;
    q = q * y + 1.822138425e-2f;
    q = q * y + 1.397357335e-1f;
    q = q * y + 3.43580333e-1f;
    q = q * y + 5.107913569e-1f;
    float c = a > 12.0f ? 12.0f : a, hi = hk_round_f(c * 64.0f) * 0.015625f;
    float v = t * (hk_exp_f(-hi * hi) * hk_exp_f((hi - c) * (hi + c))) * q;
    v = x < 0.0f ? 2.0f - v : v;
    return x == x ? v : x;
}
hk_fn double hk_erfc_d(double x) {
    double a = hk_abs_d(x), t = 2.0 / (2.0 + a), y = 2.0 * t - 1.0;
    double q = -2.0568250908502414489e-10;
    q = q * y - 3.3888695546308688491e-10;
    q = q * y + 2.6449441631835326843e-9;
    q = q * y + 1.22845363501865661e-9;
    q = q * y - 1.4244061512167160966e-8;
    q = q * y + 6.3538646695051392166e-9;
    q = q * y + 3.7320706434881307497e-8;
    q = q * y - 5.7601466971756245011e-8;
    q = q * y - 1.165860859319608351e-8;
    q = q * y + 1.6491163111184632914e-7;
    q = q * y - 2.7732007857270963747e-7;
    q = q * y - 3.0587196456747097464e-9;
    q = q * y + 9.9615002610238959066e-7;
    q = q * y - 1.8208078384029821516e-6;
    q = q * y - 5.6087034243234531096e-7;
    q = q * y + 8.0600404910281462479e-6;
    q = q * y - 0.000010848610762481446365;
    q = q * y - 0.000017074336530735700106;
    q = q * y + 0.000072235457428937957282;
    q = q * y - 0.000017185737594548939107;
    q = q * y - 0.00033153676097127950799;
    q = q * y + 0.0004186480332964868087;
    q = q * y + 0.0015453060300572451169;
    q = q * y - 0.0032395925339865131725;
    q = q * y - 0.010755330944755410809;
    q = q * y + 0.018221115753442496732;
    q = q * y + 0.13973604627802749203;
    q = q * y + 0.34358034220690527304;
    q = q * y + 0.51079135262101148757;
    double c = a > 30.0 ? 30.0 : a, hi = hk_round_d(c * 65536.0) * 1.52587890625e-5;
    double v = t * (hk_exp_d(-hi * hi) * hk_exp_d((hi - c) * (hi + c))) * q;
    v = x < 0.0 ? 2.0 - v : v;
    return x == x ? v : x;
}

/* tanh(x) = -m / (m + 2), m = exp(-2 x) - 1, x >= 0 */
hk_fn float hk_tanh_f(float x) {
    float a = hk_abs_f(x), m = hk_expm1_f(-2.0f * (a > 20.0f ? 20.0f : a)), y = -m / (m + 2.0f);
    return x < 0.0f ? -y : y;
}
hk_fn double hk_tanh_d(double x) {
    double a = hk_abs_d(x), m = hk_expm1_d(-2.0 * (a > 20.0 ? 20.0 : a)), y = -m / (m + 2.0);
    return x < 0.0 ? -y : y;
}

/* ---- what texts call ---- */
hk_fn hk_real hk_abs(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_abs_f((float)x) : (hk_real)hk_abs_d((double)x); }
hk_fn hk_real hk_sqrt(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_sqrt_f((float)x) : (hk_real)hk_sqrt_d((double)x); }
hk_fn hk_real hk_min(hk_real a, hk_real b) { return a < b ? a : b; }
hk_fn hk_real hk_max(hk_real a, hk_real b) { return a > b ? a : b; }
hk_fn hk_real hk_round_even(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_round_f((float)x) : (hk_real)hk_round_d((double)x); }
hk_fn hk_real hk_floor(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_floor_f((float)x) : (hk_real)hk_floor_d((double)x); }
hk_fn hk_real hk_exp(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_exp_f((float)x) : (hk_real)hk_exp_d((double)x); }
hk_fn hk_real hk_log(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_log_f((float)x) : (hk_real)hk_log_d((double)x); }
hk_fn hk_real hk_sin(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_sin_quarter_f((float)x, 0) : (hk_real)hk_sin_quarter_d((double)x, 0); }
hk_fn hk_real hk_cos(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_sin_quarter_f((float)x, 1) : (hk_real)hk_sin_quarter_d((double)x, 1); }
hk_fn hk_real hk_atan(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_atan_f((float)x) : (hk_real)hk_atan_d((double)x); }
hk_fn hk_real hk_erfc(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_erfc_f((float)x) : (hk_real)hk_erfc_d((double)x); }
hk_fn hk_real hk_tanh(hk_real x) { return sizeof(hk_real) == 4 ? (hk_real)hk_tanh_f((float)x) : (hk_real)hk_tanh_d((double)x); }
/* 1 / (1 + exp(-x)); the name hk_sigmoid belongs to the builder's operation */
hk_fn hk_real hk_sigm(hk_real x) { return (hk_real)1 / ((hk_real)1 + hk_exp(-x)); }
/* x^y for x >= 0; for float by way of double */
hk_fn hk_real hk_pow(hk_real x, hk_real y) { return y == (hk_real)0 ? (hk_real)1 : (hk_real)hk_exp_d((double)y * hk_log_d((double)x)); }
/* z >= 0, or with strict z > 0: the framework's step */
hk_fn hk_real hk_heaviside(hk_real z, int strict) { return (strict ? z > (hk_real)0 : z >= (hk_real)0) ? (hk_real)1 : (hk_real)0; }
