/* doctor.h - `hillock doctor`: findings in rows. Each file looks at one subject and adds rows; command.c prints them. */
#ifndef HK_DOCTOR_H
#define HK_DOCTOR_H

#include "command/command.h"
#include "trainer.h"

typedef enum hk__finding { HK__FINE, HK__NOTE, HK__PROBLEM } hk__finding; /* NOTE: worth knowing, nothing is wrong */

typedef struct hk__doctor_row {
    const char *section; /* static */
    char *key, *text;
    hk__finding finding;
} hk__doctor_row;

typedef struct hk__doctor {
    hk_context *ctx;      /* with all plugins that load; may lack named ones */
    hk_status ctx_status; /* of making it; its error text is the context's */
    uint32_t found_isa, max_isa;
    const char *plugin_path, *backend, *data; /* of the configuration; NULL: none */
    int threads;                              /* 0: one per CPU */
    hk__doctor_row *row;
    int n, n_problem;
    bool out_of_memory;
} hk__doctor;

void hk__doctor_add(hk__doctor *, const char *section, const char *key, hk__finding, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
const char *hk__isa_name(uint32_t level);

void hk__doctor_cpu(hk__doctor *);       /* model, cores, caches, instruction set, threads */
void hk__doctor_libraries(hk__doctor *); /* OpenMP runtimes and BLAS in this process */
void hk__doctor_plugins(hk__doctor *);   /* places in search order, what was refused there */
void hk__doctor_backends(hk__doctor *);  /* usable or why not, and a check of what they compute */
void hk__doctor_data(hk__doctor *);      /* data sets: found, or where they were looked for */

#endif
