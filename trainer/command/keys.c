/* keys.c - options that set one key of the ini each, under the names that the scripts of SpikingJelly's tutorials and torchvision's references have:
 * -b 64, --lr 0.1, --data-dir DIR. What they set wins over the file and over --set; two options for one key are an error. Also with one dash, as the tutorials
 * write them: -data-dir DIR. */
#include "command/command.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char *const optimizers[] = { "sgd", "SGD()", "adam", "Adam()", "adamw", "AdamW()", "adamax", "Adamax()", "rmsprop", "RMSprop()", NULL };
static const char *const schedulers[] = { "step", "StepLR()", "cosa", "CosineAnnealingLR()", "cosineannealinglr", "CosineAnnealingLR()", "exp", "ExponentialLR()", "exponentiallr",
    "ExponentialLR()", "steplr", "StepLR()", NULL };

static const struct row {
    const char *name, *arg, *section, *key, *doc;
    const char *const *words; /* (optional) short words and what they stand for */
    int letter;               /* -T 4; 0: none */
    const char *value;        /* of an option without an argument */
} rows[] = {
    { "T", "N", "model", "T", "time steps", NULL, 'T', NULL },
    { "channels", "C", "model", "channels", "what ${channels} in [layers] stands for", NULL, 0, NULL },
    { "model", "TEXT", "model", "type", "a network by its constructor, or sequential", NULL, 0, NULL },
    { "batch", "B", "train", "batch", "samples of a training step", NULL, 'b', NULL },
    { "batch-size", "B", "train", "batch", "the same", NULL, 0, NULL },
    { "test-batch", "B", "train", "test_batch", "samples of a test step", NULL, 0, NULL },
    { "epochs", "N", "train", "epochs", "times through the training data", NULL, 0, NULL },
    { "lr", "LR", "train", "lr", "learning rate", NULL, 0, NULL },
    { "opt", "NAME", "train", "optimizer", "sgd, adam, adamw, adamax, rmsprop, or a constructor", optimizers, 0, NULL },
    { "momentum", "M", "train", "momentum", "the optimizer's", NULL, 0, NULL },
    { "weight-decay", "W", "train", "weight_decay", "the optimizer's", NULL, 0, NULL },
    { "wd", "W", "train", "weight_decay", "the same", NULL, 0, NULL },
    { "lr-scheduler", "NAME", "train", "scheduler", "step, cosa, exp, or a constructor", schedulers, 0, NULL },
    { "lr-step-size", "N", "train", "lr_step_size", "epochs between two drops: StepLR", NULL, 0, NULL },
    { "lr-gamma", "G", "train", "lr_gamma", "factor of a drop: StepLR, MultiStepLR, ExponentialLR", NULL, 0, NULL },
    { "lr-t-max", "N", "train", "lr_t_max", "epochs to the lowest learning rate: CosineAnnealingLR", NULL, 0, NULL },
    { "T-max", "N", "train", "lr_t_max", "the same", NULL, 0, NULL },
    { "lr-min", "LR", "train", "lr_min", "lowest learning rate: CosineAnnealingLR", NULL, 0, NULL },
    { "label-smoothing", "E", "train", "label_smoothing", "the loss's: CrossEntropy", NULL, 0, NULL },
    { "data-dir", "DIR", "data", "path", "folder of the data", NULL, 0, NULL },
    { "data-path", "DIR", "data", "path", "the same", NULL, 0, NULL },
    { "workers", "N", "data", "workers", "threads that prepare batches ahead", NULL, 'j', NULL },
    { "cache-dataset", NULL, "data", "cache", "keep all samples as numbers", NULL, 0, "on" },
    { "flip", "P", "augment", "flip", "probability of mirroring", NULL, 0, NULL },
    { "crop-padding", "N", "augment", "crop_padding", "zeros around a picture for random crops", NULL, 0, NULL },
    { "random-erase", "P", "augment", "random_erase", "probability of erasing a rectangle", NULL, 0, NULL },
    { "mixup-alpha", "A", "augment", "mixup_alpha", "alpha of mixup", NULL, 0, NULL },
    { "cutmix-alpha", "A", "augment", "cutmix_alpha", "alpha of cutmix", NULL, 0, NULL },
    { "clip-grad-norm", "G", "train", "clip_norm", "largest norm of all gradients together", NULL, 0, NULL },
    { "clip-grad-value", "G", "train", "clip_value", "largest number of a gradient", NULL, 0, NULL },
    { "accumulate", "K", "train", "accumulate", "batches of a training step", NULL, 0, NULL },
    { "model-ema-decay", "A", "train", "ema", "decay of an average of the parameters, which tests use", NULL, 0, NULL },
    { "start-epoch", "N", "train", "start_epoch", "epochs that count as done", NULL, 0, NULL },
    { "amp", NULL, "run", "amp", "numbers of 16 bits: an error where the backend has none", NULL, 0, "f16" },
    { "tb", NULL, "run", "tensorboard", "TensorBoard's event files", NULL, 0, "on" },
    { "backend", "NAME", "backend", "name", "backend that runs the network", NULL, 0, NULL },
    { "device", "NAME", "backend", "name", "the same", NULL, 0, NULL },
    { "seed", "N", "run", "seed", "seed of every random draw", NULL, 0, NULL },
    { "print-freq", "N", "run", "log_every", "a line in metrics.jsonl for every N training steps", NULL, 0, NULL },
    { "out-dir", "DIR", "run", "out", "folder of the run, as --out", NULL, 0, NULL },
    { "output-dir", "DIR", "run", "out", "the same", NULL, 0, NULL },
};
enum { N = (int)(sizeof rows / sizeof rows[0]) };
_Static_assert((int)(sizeof rows / sizeof rows[0]) <= HK__MAX_KEY_OPTION, "hk__options has room for each");

int hk__key_options(struct option *to, int first_id) {
    for (int i = 0; i < N; i++) to[i] = (struct option){ rows[i].name, rows[i].arg ? required_argument : no_argument, NULL, first_id + i };
    return N;
}

const char *hk__key_option_name(int i) { return i < N ? rows[i].name : NULL; }

int hk__key_option_letter(int letter) {
    for (int i = 0; i < N; i++)
        if (rows[i].letter == letter) return i;
    return -1;
}

void hk__key_options_help(FILE *f) {
    fprintf(f, "\noptions that set one key each, with one dash or two:\n");
    for (int i = 0; i < N; i++) {
        char left[64];
        int n = rows[i].letter ? snprintf(left, sizeof left, "-%c, ", rows[i].letter) : snprintf(left, sizeof left, "    ");
        snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", rows[i].name, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
        fprintf(f, "  %-24s [%s] %s: %s\n", left, rows[i].section, rows[i].key, rows[i].doc);
    }
}

char **hk__key_options_dashes(int argc, char **argv) {
    char **line = calloc(2 * (size_t)argc + 2, sizeof *line), **own = line ? line + argc + 1 : NULL; /* own: what is to be freed; getopt changes the order of the rest */
    if (!line) return NULL;
    for (int i = 0; i < argc; i++) line[i] = argv[i];
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (argv[i][0] != '-' || argv[i][1] == '-' || strlen(argv[i]) < 3) continue;
        for (int k = 0; k < N; k++)
            if (!strcmp(argv[i] + 1, rows[k].name)) {
                char *two = malloc(strlen(argv[i]) + 2);
                if (!two) break;
                two[0] = '-', strcpy(two + 1, argv[i]);
                line[i] = *own++ = two;
                break;
            }
    }
    return line;
}

void hk__key_options_free(int argc, char **line) {
    for (char **own = line ? line + argc + 1 : NULL; own && *own; own++) free(*own);
    free(line);
}

static const char *meaning(const struct row *r, const char *value) {
    for (int k = 0; r->words && r->words[k]; k += 2)
        if (!strcmp(r->words[k], value)) return r->words[k + 1];
    return value;
}

hk_status hk__key_options_set(const char *const *given, hk__conf *c) {
    for (int i = 0; i < N; i++) {
        char where[64];
        if (!given[i]) continue;
        for (int k = 0; k < i; k++)
            if (given[k] && !strcmp(rows[k].section, rows[i].section) && !strcmp(rows[k].key, rows[i].key))
                return hk__conf_fail(c, HK_ECONFIG, "--%s %s and --%s %s both set [%s] %s; give one of the two", rows[k].name, given[k], rows[i].name, given[i], rows[i].section,
                    rows[i].key);
        snprintf(where, sizeof where, "--%s", rows[i].name);
        hk_status st = hk__conf_override(c, where, rows[i].section, rows[i].key, rows[i].value ? rows[i].value : meaning(&rows[i], given[i]));
        if (st) return st;
    }
    return HK_OK;
}
