/* test_texts.c - every text of the plugins: compiles as C11, C++17 and by NVRTC (sm_80, sm_90; where libnvrtc is found), its adjoints are
 * the derivatives of its functions, and the kernels made from it agree bit for bit with the text run in a scalar loop, at every
 * instruction set level this CPU has. The plugins are loaded by a host of the test's own. */
#include "hillock/plugin.h"
#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "texts_load.h"
#include "kit/text_wrap.h"

/* The prelude as a string; the assembler looks in the folders of -I. */
__asm__(".section .rodata\n.global test_prelude\n.hidden test_prelude\ntest_prelude:\n.incbin \"hillock/prelude.hk.h\"\n.byte 0\n.previous\n");
extern const char test_prelude[];

enum { ROWS = 1027 };
static char dir[] = "/tmp/hk_texts_XXXXXX";
static void *lib[2]; /* texts in float, in double */

static int load(void **state) {
    (void)state;
    return mkdtemp(dir) ? load_types() : -1;
}
static int unload(void **state) {
    (void)state;
    char cmd[100];
    snprintf(cmd, sizeof cmd, "rm -r %s", dir);
    return system(cmd);
}

/* ---- compiling ---- */

static FILE *open_file(const char *name) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    return f;
}
/* Text i and the functions by which the test calls it. */
static void write_text(FILE *f, int i) {
    const char *p = types[i].prefix;
    fprintf(f, "%s\n#define T(f) %s_##f\n#define W(f) call_%s_##f\n", types[i].text, p, p);
    if (types[i].iface[3] == 'n') fputs(wrap_neuron, f);
    else if (types[i].iface[3] == 'o') fputs(wrap_optimizer, f);
    else {
        fputs(wrap_grad, f);
        if (types[i].t.s.has_primitive) fputs(wrap_primitive, f);
        if (types[i].t.s.has_forward) fputs(wrap_forward, f);
    }
    fputs("#undef T\n#undef W\n", f);
}
static int shell(const char *what, const char *fmt, ...) {
    char cmd[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd, sizeof cmd, fmt, ap);
    va_end(ap);
    int rc = system(cmd);
    if (rc) fprintf(stderr, "%s failed: %s\n", what, cmd);
    return rc;
}
/* All texts in one file, each in its namespace. */
static void write_namespaces(FILE *f, const char *head) {
    fprintf(f, "%s%s", head, test_prelude);
    for (int i = 0; i < n_types; i++) {
        if (seen_before(i)) continue;
        fprintf(f, "namespace text_%d {\n", i);
        write_text(f, i);
        fputs("}\n", f);
    }
    fclose(f);
}

static void compile_as_c11(void **state) {
    (void)state;
    const char *cc = getenv("CC") ? getenv("CC") : "cc";
    for (int wide = 0; wide < 2; wide++) {
        char so[100];
        for (int i = 0; i < n_types; i++) {
            char name[100];
            if (seen_before(i)) continue;
            snprintf(name, sizeof name, "%s.c", types[i].prefix);
            FILE *f = open_file(name);
            fprintf(f, "#define hk_real %s\n#define hk_fn static inline\n#define WRAP\n%s", wide ? "double" : "float", test_prelude);
            write_text(f, i);
            fclose(f);
        }
        assert_int_equal(
            shell("C11", "%s -std=c11 -O1 -Wall -Wextra -Werror -ffp-contract=off -shared -fPIC -o %s/texts%d.so %s/*.c -lm", cc, dir, wide, dir), 0);
        snprintf(so, sizeof so, "%s/texts%d.so", dir, wide);
        lib[wide] = dlopen(so, RTLD_NOW | RTLD_LOCAL);
        assert_non_null(lib[wide]);
    }
}
static void compile_as_cpp17(void **state) {
    (void)state;
    const char *cxx = getenv("CXX") ? getenv("CXX") : "c++";
    if (shell("looking for a C++ compiler", "command -v %s >/dev/null", cxx)) skip();
    write_namespaces(open_file("all.cpp"), "#define hk_real float\n#define hk_fn static inline\n#define WRAP\n");
    assert_int_equal(shell("C++17", "%s -std=c++17 -Wall -Wextra -Werror -fsyntax-only %s/all.cpp", cxx, dir), 0);
}

static void compile_by_nvrtc(void **state) {
    (void)state;
    static const char *const names[] = { "libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "/usr/local/cuda/lib64/libnvrtc.so" };
    void *so = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !so; i++) so = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        printf("skip: no libnvrtc here\n");
        skip();
    }
    int (*create)(void **, const char *, const char *, int, const char *const *, const char *const *);
    int (*compile)(void *, int, const char *const *);
    int (*log_size)(void *, size_t *), (*log_text)(void *, char *), (*destroy)(void **);
    *(void **)&create = dlsym(so, "nvrtcCreateProgram"), *(void **)&compile = dlsym(so, "nvrtcCompileProgram");
    *(void **)&log_size = dlsym(so, "nvrtcGetProgramLogSize"), *(void **)&log_text = dlsym(so, "nvrtcGetProgramLog");
    *(void **)&destroy = dlsym(so, "nvrtcDestroyProgram");
    assert_true(create && compile && log_size && log_text && destroy);
    char *source;
    size_t size;
    write_namespaces(open_memstream(&source, &size), "#define hk_real float\n#define hk_fn static __device__ __forceinline__\n#define WRAP __device__\n");
    for (int k = 0; k < 2; k++) {
        const char *const options[] = { k ? "--gpu-architecture=compute_90" : "--gpu-architecture=compute_80", "--fmad=false", "--relocatable-device-code=true",
            "--std=c++17" };
        void *program = NULL;
        assert_int_equal(create(&program, source, "texts.cu", 0, NULL, NULL), 0);
        int rc = compile(program, 4, options);
        log_size(program, &size);
        char *log = calloc(size + 1, 1);
        log_text(program, log);
        if (rc) fprintf(stderr, "%s\n", log);
        free(log);
        destroy(&program);
        assert_int_equal(rc, 0);
    }
    free(source);
}

/* ---- running ---- */

static uint64_t seed = 88172645463325252u;
static double uniform(double lo, double hi) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return lo + (hi - lo) * (double)(seed >> 11) * 0x1p-53;
}
static float some(void) { return uniform(0, 1) < 0.1 ? (float)(int)uniform(-2, 3) : (float)uniform(-3, 3); }
static float param(void) { return uniform(0, 1) < 0.3 ? 0.0f : (float)uniform(0.1, 1.5); }
static void fill(float *x, int n) {
    for (int i = 0; i < n; i++) x[i] = some();
}
static void fill_rows(float (*x)[ROWS], int n) {
    for (int i = 0; i < n; i++) fill(x[i], ROWS);
}
static int same_bits(const char *what, const char *id, unsigned level, const float *got, const float *want, int n) {
    for (int i = 0; i < n; i++)
        if (memcmp(got + i, want + i, 4) != 0 && !(isnan(got[i]) && isnan(want[i]))) {
            fprintf(stderr, "%s, level %u, %s[%d]: kernel %.9g (%a), text %.9g (%a)\n", id, level, what, i, (double)got[i], (double)got[i], (double)want[i],
                (double)want[i]);
            return 0;
        }
    return 1;
}
static int has_level(uint32_t isa) {
#ifdef __x86_64__
    __builtin_cpu_init();
    if (isa == HK_ISA_AVX2) return __builtin_cpu_supports("avx2");
    if (isa == HK_ISA_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
#endif
    return isa == HK_ISA_BASELINE;
}
static void *call(int wide, int i, const char *name) {
    char symbol[160];
    snprintf(symbol, sizeof symbol, "call_%s_%s", types[i].prefix, name);
    return lib[wide] ? dlsym(lib[wide], symbol) : NULL;
}

static float X[ROWS], S[HK_MAX_STATE][ROWS], P[HK_MAX_P][ROWS], F[HK_MAX_FIRE][ROWS], D[HK_MAX_FIRE][ROWS], GY[ROWS], GS[HK_MAX_STATE][ROWS];
static float want[4 + 2 * HK_MAX_FIRE + 2 * HK_MAX_STATE + HK_MAX_P][ROWS], got[4 + 2 * HK_MAX_FIRE + 2 * HK_MAX_STATE + HK_MAX_P][ROWS];
enum { OUT_Y, OUT_GX, OUT_SPIKE, OUT_S1 = 4, OUT_GS = OUT_S1 + HK_MAX_STATE, OUT_Z = OUT_GS + HK_MAX_STATE, OUT_GP = OUT_Z + 2 * HK_MAX_FIRE };

/* One step and its adjoint by the text, row by row. */
static void neuron_by_text(int i, uint32_t p_row, int detach, int given) {
    const hk_neuron_type *t = &types[i].t.n;
    void (*pre)(const float *, const float *, const float *, float *, float *);
    void (*post)(const float *, const float *, const float *, const float *, const float *, float *, float *);
    void (*pre_bwd)(const float *, const float *, const float *, const float *, const float *, float *, float *, float *);
    void (*post_bwd)(
        const float *, const float *, const float *, const float *, const float *, const float *, const float *, float *, float *, float *, float *, float *);
    *(void **)&pre = call(0, i, "pre"), *(void **)&post = call(0, i, "post"), *(void **)&pre_bwd = call(0, i, "pre_bwd"),
           *(void **)&post_bwd = call(0, i, "post_bwd");
    assert_true(pre && post && pre_bwd && post_bwd);
    for (int r = 0; r < ROWS; r++) {
        float s[HK_MAX_STATE], p[HK_MAX_P], h[HK_MAX_H], z[HK_MAX_FIRE], f[HK_MAX_FIRE], y[1], s1[HK_MAX_STATE], gs1[HK_MAX_STATE];
        float gh[HK_MAX_H] = { 0 }, gf[HK_MAX_FIRE] = { 0 }, gr[HK_MAX_FIRE] = { 0 }, gz[HK_MAX_FIRE] = { 0 }, gx[1] = { 0 }, gs[HK_MAX_STATE] = { 0 },
              gp[HK_MAX_P] = { 0 };
        for (uint32_t k = 0; k < t->n_state; k++) s[k] = S[k][r], gs1[k] = GS[k][r];
        for (uint32_t k = 0; k < t->n_param; k++) p[k] = P[k][p_row >> k & 1 ? r : 0];
        pre(&X[r], s, p, h, z);
        for (uint32_t k = 0; k < t->n_fire; k++) {
            want[OUT_Z + k][r] = z[k];
            f[k] = given ? F[k][r] : (t->flags & HK_NEURON_STRICT ? z[k] > 0 : z[k] >= 0) ? 1.0f : 0.0f;
        }
        post(h, f, f, s, p, y, s1);
        post_bwd(h, f, f, s, p, &GY[r], gs1, gh, gf, gr, gs, gp);
        for (uint32_t k = 0; k < t->n_fire; k++) gz[k] = (detach ? gf[k] : gf[k] + gr[k]) * D[k][r];
        pre_bwd(&X[r], s, p, gh, gz, gx, gs, gp);
        want[OUT_Y][r] = y[0], want[OUT_GX][r] = gx[0];
        for (uint32_t k = 0; k < t->n_state; k++) want[OUT_S1 + k][r] = s1[k], want[OUT_GS + k][r] = gs[k];
        for (uint32_t k = 0; k < t->n_param; k++) want[OUT_GP + k][r] = 0.25f + gp[k];
    }
}
/* The same by the kernels, in place where the contract allows it; gp row `skip` is NULL. */
static int neuron_by_kernel(int i, const hk_neuron_kernel *k, uint32_t p_row, int detach, int given, int skip_gp) {
    const hk_neuron_type *t = &types[i].t.n;
    hk_neuron_args a = { .n = ROWS, .p_row = p_row, .detach = (uint32_t)detach, .strict = (t->flags & HK_NEURON_STRICT) != 0 };
    static uint8_t spike[ROWS];
    int ok = 1;
    const char *id = types[i].id;
    a.x[0] = X, a.y = got[OUT_Y], a.spike = spike, a.gy = got[OUT_GX], a.gx[0] = got[OUT_GX];
    for (uint32_t j = 0; j < t->n_param; j++) a.p[j] = P[j];
    for (uint32_t j = 0; j < t->n_fire; j++) a.z[j] = got[OUT_Z + j], a.f[j] = given ? F[j] : NULL, a.d[j] = D[j];
    for (uint32_t j = 0; j < t->n_state; j++) a.s[j] = a.s1[j] = got[OUT_S1 + j];
    memcpy(got[OUT_S1], S, sizeof S);
    k->pre(&a);
    for (uint32_t j = 0; j < t->n_fire; j++) ok &= same_bits("z", id, k->isa, got[OUT_Z + j], want[OUT_Z + j], ROWS);
    if (given) k->post(&a);
    else k->step(&a);
    if (!given && (t->flags & HK_NEURON_SPIKES))
        for (int r = 0; r < ROWS; r++) got[OUT_Y][r] = spike[r];
    ok &= same_bits("y", id, k->isa, got[OUT_Y], want[OUT_Y], ROWS);
    for (uint32_t j = 0; j < t->n_state; j++) ok &= same_bits("s1", id, k->isa, got[OUT_S1 + j], want[OUT_S1 + j], ROWS);
    for (int learn = 0; learn < 2; learn++) {
        for (uint32_t j = 0; j < t->n_state; j++) a.s[j] = S[j], a.gs[j] = got[OUT_GS + j];
        memcpy(got[OUT_GX], GY, sizeof GY), memcpy(got[OUT_GS], GS, sizeof GS);
        for (uint32_t j = 0; j < t->n_param; j++) {
            a.gp[j] = (int)j == skip_gp ? NULL : got[OUT_GP + j];
            for (int r = 0; r < ROWS; r++) got[OUT_GP + j][r] = 0.25f;
        }
        if (learn) k->bwd_gp(&a);
        else k->bwd(&a);
        ok &= same_bits("gx", id, k->isa, got[OUT_GX], want[OUT_GX], ROWS);
        for (uint32_t j = 0; j < t->n_state; j++) ok &= same_bits("gs", id, k->isa, got[OUT_GS + j], want[OUT_GS + j], ROWS);
        for (uint32_t j = 0; j < t->n_param && learn; j++)
            if ((int)j != skip_gp) ok &= same_bits(t->param_names[j], id, k->isa, got[OUT_GP + j], want[OUT_GP + j], ROWS);
    }
    return ok;
}
static void neurons_agree(void **state) {
    (void)state;
    int ok = 1, runs = 0;
    for (int i = 0; i < n_types; i++) {
        const hk_neuron_type *t = &types[i].t.n;
        if (types[i].iface[3] != 'n') continue;
        for (int config = 0; config < 24; config++) {
            const uint32_t all = (1u << t->n_param) - 1, p_row = config % 3 == 0 ? 0 : config % 3 == 1 ? all : 0x5u & all;
            int detach = config / 3 % 2, given = config / 6 % 2 && t->n_fire;
            fill(X, ROWS), fill(GY, ROWS), fill_rows(S, HK_MAX_STATE), fill_rows(GS, HK_MAX_STATE), fill_rows(F, HK_MAX_FIRE), fill_rows(D, HK_MAX_FIRE);
            for (int j = 0; j < HK_MAX_P; j++)
                for (int r = 0; r < ROWS; r++) P[j][r] = param();
            neuron_by_text(i, p_row, detach, given);
            for (uint32_t k = 0; k < t->n_kernel; k++)
                if (has_level(t->kernels[k].isa)) ok &= neuron_by_kernel(i, &t->kernels[k], p_row, detach, given, config - 12), runs++;
        }
    }
    printf("%d runs of neuron kernels\n", runs);
    assert_true(ok && runs > 0);
}

static void surrogates_and_optimizers_agree(void **state) {
    (void)state;
    int ok = 1;
    for (int i = 0; i < n_types; i++) {
        if (types[i].iface[3] == 'n') continue;
        const hk_surrogate_type *t = &types[i].t.s;
        const hk_optimizer_type *o = &types[i].t.o;
        float p[HK_MAX_OPT_CONST], w[ROWS], g[ROWS];
        for (int k = 0; k < HK_MAX_OPT_CONST; k++) p[k] = (float)uniform(0.1, 0.9);
        fill(X, ROWS), fill(g, ROWS);
        if (types[i].iface[3] == 'o') {
            void (*update)(float *, float, float *, const float *);
            *(void **)&update = call(0, i, "update");
            assert_non_null((void *)update);
            for (int zero = -1; zero < (int)o->n_const; zero++) {
                for (int k = 0; k < HK_MAX_OPT_CONST; k++) p[k] = k == zero ? 0 : (float)uniform(0.1, 0.9);
                for (int j = 0; j < HK_MAX_STATE; j++)
                    for (int r = 0; r < ROWS; r++) S[j][r] = fabsf(some());
                for (int r = 0; r < ROWS; r++) {
                    float s[HK_MAX_STATE];
                    for (uint32_t k = 0; k < o->n_state; k++) s[k] = S[k][r];
                    want[OUT_Y][r] = X[r];
                    update(&want[OUT_Y][r], g[r], s, p);
                    for (uint32_t k = 0; k < o->n_state; k++) want[OUT_S1 + k][r] = s[k];
                }
                for (uint32_t k = 0; k < o->n_kernel; k++) {
                    if (!has_level(o->kernels[k].isa)) continue;
                    float *s[HK_MAX_STATE] = { got[OUT_S1], got[OUT_S1 + 1], got[OUT_S1 + 2], got[OUT_S1 + 3] };
                    memcpy(got[OUT_S1], S, sizeof S), memcpy(w, X, sizeof w);
                    o->kernels[k].update(ROWS, w, g, s, p);
                    ok &= same_bits("w", types[i].id, o->kernels[k].isa, w, want[OUT_Y], ROWS);
                    for (uint32_t j = 0; j < o->n_state; j++) ok &= same_bits("s", types[i].id, o->kernels[k].isa, s[j], want[OUT_S1 + j], ROWS);
                }
            }
            continue;
        }
        for (uint32_t k = 0; k < t->n_fields; k++) p[k] = t->fields[k].def ? strtof(t->fields[k].def, NULL) : 4;
        for (uint32_t k = 0; k < t->n_fields; k++)
            if (t->fields[k].def && strcmp(t->fields[k].def, "none") == 0) p[k] = NAN;
        for (int what = 0; what < 3; what++) {
            float (*f)(float, const float *);
            *(void **)&f = call(0, i, what == 0 ? "grad" : what == 1 ? "primitive" : "forward");
            for (int r = 0; r < ROWS && f; r++) want[0][r] = f(X[r], p);
            for (uint32_t k = 0; k < t->n_kernel; k++) {
                void (*row)(int64_t, const float *, const float *, float *) = what == 0 ? t->kernels[k].grad
                    : what == 1                                                         ? t->kernels[k].primitive
                                                                                        : t->kernels[k].forward;
                assert_int_equal(f != NULL, row != NULL);
                if (!f || !has_level(t->kernels[k].isa)) continue;
                memcpy(got[0], X, sizeof X);
                row(ROWS, got[0], p, got[0]); /* in place */
                ok &= same_bits(what == 0 ? "grad" : what == 1 ? "primitive" : "forward", types[i].id, t->kernels[k].isa, got[0], want[0], ROWS);
            }
        }
    }
    assert_true(ok);
}

/* ---- adjoints, in double, against differences ---- */

typedef void pre_d(const double *, const double *, const double *, double *, double *);
typedef void post_d(const double *, const double *, const double *, const double *, const double *, double *, double *);
typedef void pre_bwd_d(const double *, const double *, const double *, const double *, const double *, double *, double *, double *);
typedef void post_bwd_d(const double *, const double *, const double *, const double *, const double *, const double *, const double *, double *, double *,
    double *, double *, double *);
/* all inputs in one row: x, s, p */
enum { IN_X, IN_S, IN_P = 1 + HK_MAX_STATE, N_IN = IN_P + HK_MAX_P };

/* gy y + sum gs1 s1, with a fire that is linear in z around z0: its derivative is what the adjoint returns. */
static double objective(const hk_neuron_type *t, pre_d *pre, post_d *post, const double *in, const double *z0, const double *f0, const double *d, int detach,
    double gy, const double *gs1) {
    double h[HK_MAX_H] = { 0 }, z[HK_MAX_FIRE] = { 0 }, f[HK_MAX_FIRE], y[1], s1[HK_MAX_STATE], sum;
    pre(in + IN_X, in + IN_S, in + IN_P, h, z);
    for (int k = 0; k < HK_MAX_FIRE; k++) f[k] = f0[k] + d[k] * (z[k] - z0[k]);
    post(h, f, detach ? f0 : f, in + IN_S, in + IN_P, y, s1);
    sum = gy * y[0];
    for (uint32_t k = 0; k < t->n_state; k++) sum += gs1[k] * s1[k];
    return sum;
}
static void adjoints_are_derivatives(void **state) {
    (void)state;
    double worst = 0;
    for (int i = 0; i < n_types; i++) {
        const hk_neuron_type *t = &types[i].t.n;
        if (types[i].iface[3] != 'n') continue;
        pre_d *pre;
        post_d *post;
        pre_bwd_d *pre_bwd;
        post_bwd_d *post_bwd;
        *(void **)&pre = call(1, i, "pre"), *(void **)&post = call(1, i, "post"), *(void **)&pre_bwd = call(1, i, "pre_bwd"),
               *(void **)&post_bwd = call(1, i, "post_bwd");
        assert_true(pre && post && pre_bwd && post_bwd);
        for (int trial = 0; trial < 200; trial++) {
            double in[N_IN], h[HK_MAX_H] = { 0 }, z[HK_MAX_FIRE] = { 0 }, f[HK_MAX_FIRE], d[HK_MAX_FIRE], gs1[HK_MAX_STATE], gy = uniform(-1, 1);
            double gh[HK_MAX_H] = { 0 }, gf[HK_MAX_FIRE] = { 0 }, gr[HK_MAX_FIRE] = { 0 }, gz[HK_MAX_FIRE], g[N_IN] = { 0 };
            const int detach = trial % 2;
            for (int k = 0; k < N_IN; k++) in[k] = k < IN_P ? uniform(-2, 2) : uniform(0, 1) < 0.3 ? 0 : uniform(0.2, 1.5);
            for (int k = 0; k < HK_MAX_STATE; k++) gs1[k] = uniform(-1, 1);
            pre(in + IN_X, in + IN_S, in + IN_P, h, z);
            for (int k = 0; k < HK_MAX_FIRE; k++) f[k] = uniform(0, 1), d[k] = uniform(0, 1);
            post_bwd(h, f, f, in + IN_S, in + IN_P, &gy, gs1, gh, gf, gr, g + IN_S, g + IN_P);
            for (int k = 0; k < HK_MAX_FIRE; k++) gz[k] = (detach ? gf[k] : gf[k] + gr[k]) * d[k];
            pre_bwd(in + IN_X, in + IN_S, in + IN_P, gh, gz, g + IN_X, g + IN_S, g + IN_P);
            for (int k = 0; k < IN_P + (int)t->n_param; k++) {
                if (k > (int)t->n_state && k < IN_P) continue;
                if (k >= IN_P && in[k] == 0) continue; /* perhaps a switch */
                const double keep = in[k], e = 1e-5;
                in[k] = keep + e;
                double up = objective(t, pre, post, in, z, f, d, detach, gy, gs1);
                in[k] = keep - e;
                double down = objective(t, pre, post, in, z, f, d, detach, gy, gs1);
                in[k] = keep;
                worst = fmax(worst, fabs((up - down) / (2 * e) - g[k]));
                if (fabs((up - down) / (2 * e) - g[k]) > 1e-8)
                    fail_msg("%s: derivative by %s is %.12g, the adjoint gives %.12g", types[i].id,
                        k == 0         ? "x"
                            : k < IN_P ? t->states[k - IN_S].name
                                       : t->param_names[k - IN_P],
                        (up - down) / (2 * e), g[k]);
            }
        }
    }
    printf("largest difference %.3g\n", worst);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compile_as_c11),
        cmocka_unit_test(compile_as_cpp17),
        cmocka_unit_test(compile_by_nvrtc),
        cmocka_unit_test(neurons_agree),
        cmocka_unit_test(surrogates_and_optimizers_agree),
        cmocka_unit_test(adjoints_are_derivatives),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
