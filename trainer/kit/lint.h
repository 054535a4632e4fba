/* lint.h - `hillock lint`: everything that can be checked of a plugin without knowing what it is for. Each lint_*.c has checks of one subject; lint.c runs
 * every check in a child of its own, so that a plugin that crashes or hangs costs one finding.
 *
 * Levels: fail, what breaks a promise of hillock/plugin.h; warn, what works here and may not elsewhere; note, what was not looked at, and why. */
#ifndef HK_LINT_H
#define HK_LINT_H

#include "trainer.h"
#include "kit/kit.h"

typedef enum hk__level { HK__LINT_FAIL, HK__LINT_WARN, HK__LINT_NOTE } hk__level;

typedef struct hk__lint_type { /* one that the plugin registered */
    char iface[32], id[96];
    const void *vtable;
} hk__lint_type;
enum { HK__LINT_TYPES = 256 };
#define HK__LINT_ROUGH 1e-3 /* a derivative that is off by less, relative, is a warning: a constant that somebody added against a division by 0 */

typedef struct hk__lint {
    const char *file, *with,
        *shape;      /* with, shape: constructor text and row shape of a network to run, from the command line; NULL: the types with their defaults */
    const char *dir; /* for what checks leave for later ones: compiled texts */
    FILE *out;       /* where findings go: a pipe to the parent */
    int n_compared;  /* what was looked at, so that a check cannot pass by looking at nothing */
    char id[96];     /* the plugin's, once it is loaded */
    hk_context *ctx; /* hk__lint_load's: with Hillock's own plugins and this one */
    hk__lint_type type[HK__LINT_TYPES];
    int n_type;
} hk__lint;

void hk__lint_say(hk__lint *, hk__level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A context with the plugin in it, of at most that level; fills type[]. False: said why. */
bool hk__lint_load(hk__lint *, uint32_t max_isa);
#define HK__LINT_EACH(l, t, iface_)                                                                                                                            \
    for (const hk__lint_type *t = (l)->type; t < (l)->type + (l)->n_type; t++)                                                                                 \
        if (!(iface_)[0] || !strcmp(t->iface, iface_))

/* ---- the checks ---- */
void hk__lint_elf(hk__lint *);       /* lint_elf.c: exports, what it links to, constructors, threads' storage */
void hk__lint_entry(hk__lint *);     /* lint_types.c: loads, twice, quickly; brings something */
void hk__lint_tables(hk__lint *);    /* lint_types.c: documentation, defaults and ranges of the field tables */
void hk__lint_data(hk__lint *);      /* lint_types.c: data sets and schedulers with their defaults */
void hk__lint_texts(hk__lint *);     /* lint_texts.c: texts compile as C11 and C++17 */
void hk__lint_kernels(hk__lint *);   /* lint_kernels.c: kernels against the text, in fenced memory */
void hk__lint_adjoints(hk__lint *);  /* lint_adjoints.c: backward functions against differences */
void hk__lint_sizes(hk__lint *);     /* lint_networks.c: T = 0, N = 0, odd sizes */
void hk__lint_bits(hk__lint *);      /* lint_networks.c: threads, blocks, levels */
void hk__lint_gradients(hk__lint *); /* lint_networks.c: networks against differences on ref */
void hk__lint_resume(hk__lint *);    /* lint_networks.c: parameters and optimizer state taken out and put back */
void hk__lint_memory(hk__lint *);    /* lint_memory.c: the k-th allocation fails */

/* ---- lint_texts.c ---- */
/* Function `name` of the compiled text of a type, in float or in double (wide); NULL: not there. */
void *hk__lint_function(hk__lint *, int wide, const char *prefix, const char *name);
/* Its text and prefix; false: it has none. */
bool hk__lint_text_of(const hk__lint_type *, const char **text, const char **prefix);

/* ---- lint_net.c: small networks that have a type in them ---- */
typedef struct hk__lint_net {
    char what[96], root[512], loss[160], optimizer[160], backend[96]; /* loss "": an upstream gradient takes its place */
    int rank;
    int64_t shape[HK_MAX_RANK];
} hk__lint_net;
enum { HK__LINT_NETS = 64 };
/* The networks to run for the plugin's types; what cannot be built is noted once (`tell`). */
int hk__lint_nets(hk__lint *, hk__lint_net *, bool tell);
typedef struct hk__lint_setup {
    int64_t T, N, nb;
    int threads, spiking, steps;
    const char *backend; /* NULL: the network's own */
    bool resume;         /* everything is read out and put into a new network before each step but the first */
} hk__lint_setup;
typedef struct hk__lint_result { /* outputs, loss, gradients, parameters, in this order */
    double *v;
    int n;
} hk__lint_result;
/* Runs it; the caller frees r->v. The error's text is the context's. */
hk_status hk__lint_run(hk__lint *, const hk__lint_net *, const hk__lint_setup *, hk__lint_result *r);
/* The same network once more, kept: for differences. */
typedef struct hk__lint_live {
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
} hk__lint_live;
hk_status hk__lint_open(hk__lint *, const hk__lint_net *, const hk__lint_setup *, hk__lint_live *);
void hk__lint_close(hk__lint_live *);
/* Deterministic numbers around 0.5: element i of an input (which = 0) or an upstream gradient (1). */
double hk__lint_number(int which, int64_t i);

#endif
