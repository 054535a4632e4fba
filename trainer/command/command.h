/* command.h - a command of `hillock`: its words, its options, what it does. Each is a hk__command at the end of a file of its own (train.c, bench/command.c, kit/lint.c), with
 * its options beside it; command.c has the table of them, options.c reads a line by one, help.c prints what it takes. */
#ifndef HK_COMMAND_H
#define HK_COMMAND_H

#include "schema.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HK__MAX_SET 256
#define HK__MAX_KEY_OPTION 48
#define HK__MAX_EXTRA 128 /* options of extensions, and one */

/* What a command line says: of the options that its command has. Texts are argv's. */
typedef struct hk__options {
    const struct hk__command *command;
    const char *set[HK__MAX_SET], *out, *threads, *batch, *channels, *T, *plugin_path, *checkpoint, *resume, *with, *shape, *layer, *neurons, *variable, *metric, *format;
    const char *arg[12]; /* what is not an option */
    const char *keyed[HK__MAX_KEY_OPTION]; /* keys.c: the value that each of its options was given */
    const char *extra[HK__MAX_EXTRA]; /* of extensions, by key of [hooks] */
    int64_t iters, show, sample, samples, dpi; /* 0: not given */
    int n_set, n_arg, quiet, json, verbose, help, print_config, version, rates, plan, memory, profile, strict, watch, ops, fuse_conv_bn, ema;
} hk__options;

typedef enum hk__option_kind { HK__OPTION_TEXT, HK__OPTION_FLAG, HK__OPTION_INT, HK__OPTION_SET } hk__option_kind;
typedef struct hk__option {
    const char *name, *arg, *doc; /* arg NULL: a flag */
    hk__option_kind kind;
    size_t at;                    /* its place in hk__options */
    int64_t lo, hi;               /* of an INT; hi INT64_MAX: none */
    const char *section, *key;    /* (optional) it is a value of this key, put over the file's; a flag is "on" */
} hk__option;
#define HK__OPT_TEXT(name, arg, field, doc) { name, arg, doc, HK__OPTION_TEXT, offsetof(hk__options, field), 0, 0, NULL, NULL }
#define HK__OPT_FLAG(name, field, doc) { name, NULL, doc, HK__OPTION_FLAG, offsetof(hk__options, field), 0, 0, NULL, NULL }
#define HK__OPT_INT(name, arg, field, lo, hi, doc) { name, arg, doc, HK__OPTION_INT, offsetof(hk__options, field), lo, hi, NULL, NULL }
#define HK__OPT_KEY(name, arg, field, section, key, doc) { name, arg, doc, HK__OPTION_TEXT, offsetof(hk__options, field), 0, 0, section, key }
#define HK__OPT_KEY_ON(name, field, section, key, doc) { name, NULL, doc, HK__OPTION_FLAG, offsetof(hk__options, field), 0, 0, section, key }
#define HK__OPT_SET(arg, doc) { "set", arg, doc, HK__OPTION_SET, offsetof(hk__options, set), 0, 0, NULL, NULL }

/* Options that several commands have. */
#define HK__SET HK__OPT_SET("SECTION.KEY=VALUE", "put a value over the file's; may be given many times")
#define HK__THREADS HK__OPT_KEY("threads", "N", threads, "run", "threads", "threads, 0: one per CPU: [run] threads")
#define HK__PROFILE HK__OPT_FLAG("profile", profile, "measure each operation and print a table at the end; train writes trace.json (chrome://tracing) into --out too")
#define HK__OPS \
    HK__OPT_FLAG("ops", ops, "print what each layer's products cost for one sample: MACs if dense, and synaptic operations by the measured rate of its inputs")
#define HK__PLANS HK__OPT_FLAG("plan", plan, "print the plans too")
#define HK__CHECKPOINT HK__OPT_TEXT("checkpoint", "FILE", checkpoint, "safetensors file with the network's weights: a checkpoint, or what PyTorch saved")
#define HK__PLUGIN_PATH HK__OPT_TEXT("path", "DIRS", plugin_path, "more folders or files of plugins, ':' between: [plugins] path")
#define HK__JSON HK__OPT_FLAG("json", json, "print JSON")
#define HK__QUIET HK__OPT_FLAG("quiet", quiet, "print errors only")
#define HK__PRINT_CONFIG HK__OPT_FLAG("print-config", print_config, "print the resolved configuration (without a file: all keys with their defaults) and stop")
#define HK__HELP HK__OPT_FLAG("help", help, "print this text and stop")

enum {
    HK__TAKES_INI = 1,  /* it runs a configuration: --help lists the keys, and options of extensions */
    HK__TAKES_KEYS = 2, /* and the options of keys.c */
    HK__TAKES_HOOKS = 4 /* extensions that the ini names are loaded before the line is read; so they are for HK__TAKES_INI */
};
typedef struct hk__command {
    const char *name, *usage, *doc;
    const hk__option *options;
    int n_option;
    unsigned takes;
    void (*more_help)(FILE *); /* (optional) the end of --help */
    int (*run)(const hk__options *); /* the exit code; its errors are on stderr */
} hk__command;

/* ---- every command, in the order of --help: a new one is a word here and a file ---- */
#define HK__COMMANDS(X) X(train) X(eval) X(export) X(plan) X(bench) X(plugins) X(new_plugin) X(plugin) X(lint) X(catalogue) X(sweep) X(report) X(plot) X(doctor)
#define HK__DECLARE_COMMAND(name) extern const hk__command hk__##name##_command;
HK__COMMANDS(HK__DECLARE_COMMAND)
#undef HK__DECLARE_COMMAND

/* ---- command.c ---- */
const hk__command *hk__command_at(int i); /* NULL behind the last, which is `hillock` without a command */
int hk__command_run(const hk__command *, int argc, char **argv); /* argv[0]: its name; the exit code */

/* ---- options.c: a command line ---- */
struct hk_trainer_hooks;
void hk__options_program(const struct hk_trainer_hooks *); /* of hk_trainer_main, or NULL; forgets what a line before loaded */
int hk__options_parse(int argc, char **argv, const hk__command *, hk__options *); /* 0, or an exit code with the message printed */
int hk__usage_error(const char *what, const char *got, const char *near);           /* 2; near: (optional) what may be meant */
/* Reads the file and puts the options over it. NULL: *code is the exit code, the message is printed. */
hk__conf *hk__options_conf(const hk__options *, const hk__schema *, const char *path, int *code);
int hk__report(const hk__conf *, hk_status);                    /* prints the error, returns the exit code */
void hk__option_name(const char *key, char *name, size_t size); /* mask_ratio: mask-ratio */
int hk__option_taken(const char *name);                         /* one of Hillock's own is called so */
struct hk_trainer *hk__options_extended(void);                  /* what the last line loaded, until a configuration takes it over; NULL: nothing */

/* ---- help.c ---- */
void hk__options_help(const hk__command *, FILE *);

/* ---- share.c: what lies beside the command ---- */
/* The folder that has `probe` in it: SOURCE/in_source when this is a build's command, else PREFIX/in_prefix; malloc'ed, NULL: neither has. */
char *hk__share_find(const char *in_source, const char *in_prefix, const char *probe);

/* ---- keys.c: options of train, eval and plan that set one key each ---- */
struct option;
int hk__key_options(struct option *to, int first_id); /* HK__MAX_KEY_OPTION places; how many */
const char *hk__key_option_name(int i);               /* NULL behind the last */
int hk__key_option_letter(int letter);                /* -1: none has it */
void hk__key_options_help(FILE *);
/* argv with "--" for "-" in front of their names; NULL: out of memory. */
char **hk__key_options_dashes(int argc, char **argv);
void hk__key_options_free(int argc, char **line);
hk_status hk__key_options_set(const char *const *given, hk__conf *);

#endif
