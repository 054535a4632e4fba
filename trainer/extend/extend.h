/* extend.h - the Trainer that hooks see: the table of slots, the options of its own, and what a run lends to it.
 *
 * A configuration has one (hk__trainer_of), made before it is read, since extensions add keys to [hooks] and options to the command line. */
#ifndef HK_EXTEND_H
#define HK_EXTEND_H

#include "hillock/trainer.h"
#include "schema.h"

enum { HK__MAX_LOG = 32, HK__MAX_KEEP = 32, HK__MAX_EXTENSION = 16 };

typedef struct hk__kept {
    const char *name; /* copied */
    int n;
    double *values;   /* the hook's */
} hk__kept;

typedef struct hk__logged {
    char key[64];
    double value;
} hk__logged;

/* What a run lends to its hooks. */
typedef struct hk__run_access {
    void *run;
    hk_status (*save)(void *run, const char *name);
    void (*print)(void *run, const char *text);
    void (*set_lr)(void *run, double lr);
} hk__run_access;

struct hk_trainer {
    hk_trainer_hooks each[1 + HK__MAX_EXTENSION]; /* the program's, or the defaults; then one for each shared object */
    int n_each;
    hk_trainer_hooks hooks;      /* of what is made once: the one table that changes it, else the default */
    hk_network_hooks graph;      /* the slots in the graph, as the core takes them */
    hk__key *key;                /* [hooks]: load, and the options that were added */
    int n_key;
    hk__section *section;        /* all of the schema's, [hooks] with these keys */
    hk__schema schema;
    hk__conf *conf;              /* NULL until it is read */
    struct hk__job *job;
    const char *out;
    hk__run_access run;
    hk_trainer_progress now;
    hk__kept kept[HK__MAX_KEEP];
    int n_kept;
    hk__logged logged[HK__MAX_LOG];
    int n_logged;
    int stopping;
    char stop[256];              /* why */
    char loaded[1024];           /* ids of the extensions, ", " between */
    const char *slot;            /* the one that runs, for errors; NULL: none */
    char err[1024];              /* of what fails before there is a configuration */
};

/* ---- trainer.c of this folder ---- */
hk_trainer *hk__trainer_new(const hk_trainer_hooks *); /* NULL: the defaults. NULL: out of memory */
void hk__trainer_free(hk_trainer *);
void hk__trainer_attach(hk_trainer *, hk__conf *);       /* the configuration owns it from here on */
hk_trainer *hk__trainer_of(hk__conf *);                  /* what is attached; made with the defaults where nothing is. NULL: out of memory */
hk_status hk__trainer_fail_slot(hk_trainer *, hk_status, const char *slot); /* after a slot failed: makes sure that there is a text */
/* A slot of which there is one. */
#define HK__CALL(t, slot_, ...) ((t)->slot = #slot_, hk__trainer_fail_slot((t), (t)->hooks.slot_((t), ##__VA_ARGS__), #slot_))
/* A slot that all tables may have, in their order, up to the first that fails. */
#define HK__CALL_ALL(t, slot_, ...)                                                                                                                             \
    ({                                                                                                                                                         \
        hk_status st_ = HK_OK;                                                                                                                                 \
        for (int i_ = 0; i_ < (t)->n_each && !st_; i_++)                                                                                                       \
            if ((t)->each[i_].slot_) (t)->slot = #slot_, st_ = hk__trainer_fail_slot((t), (t)->each[i_].slot_((t), ##__VA_ARGS__), #slot_);                    \
        st_;                                                                                                                                                   \
    })
hk_status hk__trainer_merge(hk_trainer *); /* fills t->hooks from all tables; EINVAL: two of them make the same. The error is t->err */
void hk__trainer_graph(hk_trainer *); /* fills t->graph; behind all installs */

/* ---- load.c: shared objects ---- */
/* list: files or bare names of installed ones, ',' between. The error is t->err. */
hk_status hk__trainer_load(hk_trainer *, const char *list);

/* ---- options.c: the schema with [hooks] as the extensions want it ---- */
hk_status hk__trainer_options(hk_trainer *); /* calls add_options */
/* The Trainer of a command line: extensions that its ini or a --set names are loaded. program: hooks of a program, or NULL. *out NULL with HK_OK:
 * nothing extends this. The error is printed; the exit code is returned. */
int hk__trainer_scan(int argc, char **argv, const hk_trainer_hooks *program, hk_trainer **out);

#endif
