/* text.c - compiles texts of the portable dialect in double, at run time, with the machine's C compiler ($CC, else cc).
 *
 * A plugin's row kernels are float; its text is not bound to a type. prelude + text + wrappers of one fixed name each are compiled in a
 * folder of their own (mode 0700), loaded, and kept for the life of the process, found again by the source. Failures are never
 * HK_EUNSUPPORTED, which would be a silent decline. */
#include "ref.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* include/hillock/prelude.hk.h as bytes; the assembler looks in the compiler's -I folders. */
__asm__(".section .rodata\n"
        ".global hk_ref_prelude\n.hidden hk_ref_prelude\n"
        "hk_ref_prelude:\n.incbin \"hillock/prelude.hk.h\"\n.byte 0\n"
        ".previous\n");
extern const char hk_ref_prelude[];

extern char **environ;

typedef struct entry {
    struct entry *next;
    uint64_t hash;
    char *source;
    ref_code code;
} entry;

static entry *cache;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char head[] = "typedef double hk_real;\n#define hk_fn static inline\n";
static const char neuron_tail[] =
    "\nvoid ref_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) { HK_P(_pre)(x, s, p, h, z); }\n"
    "void ref_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) { HK_P(_post)(h, f, r, "
    "s, p, y, s1); }\n"
    "void ref_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp)\n"
    "{ HK_P(_pre_bwd)(x, s, p, gh, gz, gx, gs, gp); }\n"
    "void ref_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,\n"
    "                  hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) { HK_P(_post_bwd)(h, f, r, s, p, gy, gs1, gh, gf, gr, gs, gp); }\n";
static const char grad_tail[] = "\nhk_real ref_grad(hk_real x, const hk_real *p) { return HK_P(_grad)(x, p); }\n";
static const char primitive_tail[] = "\nhk_real ref_primitive(hk_real x, const hk_real *p) { return HK_P(_primitive)(x, p); }\n";
static const char forward_tail[] = "\nhk_real ref_forward(hk_real x, const hk_real *p) { return HK_P(_forward)(x, p); }\n";
static const char update_tail[] = "\nvoid ref_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c) { HK_P(_update)(w, g, s, c); }\n";

static hk_status write_file(hk_device *dev, const char *path, const char *text) {
    FILE *f = fopen(path, "wx");
    if (!f) return ref_fail(dev, HK_EIO, "ref: %s: %s", path, strerror(errno));
    int bad = fputs(text, f) < 0;
    if (fclose(f) || bad) return ref_fail(dev, HK_EIO, "ref: %s: cannot write", path);
    return HK_OK;
}

/* The first lines of what the compiler said. */
static void read_message(const char *path, char *buf, size_t size) {
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(buf, 1, size - 1, f) : 0;
    buf[n] = 0;
    if (f) fclose(f);
}

static hk_status compile(hk_device *dev, const char *dir, const char *source, const char *prefix) {
    char c[128], so[128], err[128], said[1024];
    const char *cc = getenv("CC");
    if (!cc || !*cc || strpbrk(cc, " \t")) cc = "cc";
    snprintf(c, sizeof c, "%s/text.c", dir), snprintf(so, sizeof so, "%s/text.so", dir), snprintf(err, sizeof err, "%s/text.err", dir);
    hk_status st = write_file(dev, c, source);
    if (st) return st;
    const char *argv[] = { cc, "-std=gnu11", "-O1", "-ffp-contract=off", "-w", "-shared", "-fPIC", "-o", so, c, NULL };
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int e = posix_spawnp(&pid, cc, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (e) return ref_fail(dev, HK_EIO, "ref: '%s' is compiled at run time, which needs a C compiler: cannot start %s: %s", prefix, cc, strerror(e));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return ref_fail(dev, HK_EIO, "ref: waiting for %s: %s", cc, strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return HK_OK;
    read_message(err, said, sizeof said);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && !*said)
        return ref_fail(dev, HK_EIO, "ref: '%s' is compiled at run time, which needs a C compiler: %s was not found", prefix, cc);
    return ref_fail(dev, HK_EPLUGIN, "ref: the text of '%s' does not compile in double: %s", prefix, said);
}

static void remove_dir(const char *dir) {
    static const char *const names[] = { "text.c", "text.so", "text.err" };
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static hk_status load(hk_device *dev, const char *source, const char *prefix, ref_code *code) {
    const char *base = getenv("TMPDIR");
    char dir[100], so[128];
    if (!base || !*base || strlen(base) > 64) base = "/tmp";
    snprintf(dir, sizeof dir, "%s/hillock-ref-XXXXXX", base);
    if (!mkdtemp(dir)) return ref_fail(dev, HK_EIO, "ref: no temporary folder below %s: %s", base, strerror(errno));
    hk_status st = compile(dev, dir, source, prefix);
    if (!st) {
        snprintf(so, sizeof so, "%s/text.so", dir);
        void *lib = dlopen(so, RTLD_NOW | RTLD_LOCAL);
        if (!lib) st = ref_fail(dev, HK_EPLUGIN, "ref: '%s': %s", prefix, dlerror());
        else {
#define SYMBOL(slot) *(void **)&code->slot = dlsym(lib, "ref_" #slot)
            SYMBOL(pre), SYMBOL(post), SYMBOL(pre_bwd), SYMBOL(post_bwd), SYMBOL(grad), SYMBOL(primitive), SYMBOL(forward), SYMBOL(update);
        }
    }
    remove_dir(dir);
    return st;
}

static hk_status get(hk_device *dev, const char *text, const char *prefix, const char *tail, const ref_code **out) {
    char *source = NULL;
    if (!text || !prefix) return ref_fail(dev, HK_EPLUGIN, "ref: a type without a text in the portable dialect can't be run");
    if (asprintf(&source, "%s%s\n%s\n#define HK_P(name) %s##name\n%s", head, hk_ref_prelude, text, prefix, tail) < 0)
        return ref_fail(dev, HK_ENOMEM, "ref: out of memory");
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = source; *c; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    hk_status st = HK_OK;
    pthread_mutex_lock(&lock);
    entry *e = cache;
    while (e && (e->hash != hash || strcmp(e->source, source))) e = e->next;
    if (!e && (e = calloc(1, sizeof *e))) {
        st = load(dev, source, prefix, &e->code);
        if (st) free(e), e = NULL;
        else e->hash = hash, e->source = source, e->next = cache, cache = e, source = NULL;
    } else if (!e) st = ref_fail(dev, HK_ENOMEM, "ref: out of memory");
    pthread_mutex_unlock(&lock);
    free(source);
    *out = e ? &e->code : NULL;
    return st;
}

hk_status ref_code_neuron(hk_device *dev, const hk_neuron_type *type, const ref_code **out) { return get(dev, type->text, type->prefix, neuron_tail, out); }

hk_status ref_code_surrogate(hk_device *dev, const hk_surrogate_type *type, const ref_code **out) {
    char tail[sizeof grad_tail + sizeof primitive_tail + sizeof forward_tail];
    snprintf(tail, sizeof tail, "%s%s%s", grad_tail, type->has_primitive ? primitive_tail : "", type->has_forward ? forward_tail : "");
    return get(dev, type->text, type->prefix, tail, out);
}

hk_status ref_code_optimizer(hk_device *dev, const hk_optimizer_type *type, const ref_code **out) {
    return get(dev, type->text, type->prefix, update_tail, out);
}
