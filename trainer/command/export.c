/* export.c - `hillock export weights --checkpoint FILE --out FILE`: a checkpoint's model entries alone, which load_state_dict of
 * PyTorch takes with strict=True. Entries keep names, shapes and bits; no configuration is needed. --ema: the averages of parameters in
 * their place (integers, which count batches, are the model's own).
 * With --fuse-conv-bn and a configuration, the weights of the network without its batch normalisations (fuse_conv_bn.c). */
#include "command/command.h"
#include "trainer.h"
#include "file/file.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int same_file(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The average that stands for an entry of the model, under the entry's name; NULL: there is none. */
static const hk_tensor *average_of(const hk_file *f, const hk_tensor *t) {
    char *name = NULL;
    if (t->dtype == HK_I64) return t;
    if (asprintf(&name, HK__EMA "%s", t->name) < 0) return NULL;
    const hk_tensor *a = hk_file_find(f, name);
    free(name);
    return a;
}

static hk_status export_weights(hk_context *ctx, const char *from, const char *to, int ema) {
    static const char *const meta[] = { "format", "pt" };
    hk_file *f = NULL;
    if (same_file(from, to))
        return hk__fail(ctx, HK_EINVAL, "--out: expected another file than --checkpoint, got the same: the optimizer's state would be lost");
    hk_status st = hk_file_read(ctx, from, &f);
    if (st) return st;
    int n = 0;
    hk_tensor *t = calloc((size_t)hk_file_n(f) + 1, sizeof *t);
    for (int i = 0; t && i < hk_file_n(f) && !st; i++) {
        const hk_tensor *own = hk_file_at(f, i), *x = own;
        if (!strncmp(own->name, "hk.", 3)) continue;
        if (ema && !(x = average_of(f, own)))
            st = hk__fail(ctx, HK_ECHECKPOINT, "%s: expected '" HK__EMA "%s', got none: the training had no [train] ema; leave out --ema", from, own->name);
        else t[n] = *x, t[n++].name = own->name;
    }
    if (!t) st = hk__fail(ctx, HK_ENOMEM, "%s: out of memory", to);
    else if (!st && n == 0) st = hk__fail(ctx, HK_ECHECKPOINT, "%s: expected entries of a model, got none", from);
    else if (!st) st = hk__file_write_sealed(ctx, to, NULL, n, t, 1, meta);
    if (!st) printf("%s: %d entries\n", to, n);
    free(t), hk_file_free(f);
    return st;
}

static void say_pair(void *arg, const char *conv, const char *norm) {
    (void)arg;
    printf("%s takes in %s\n", conv, norm);
}

/* With --fuse-conv-bn the network must be known, so a configuration is. */
static hk_status export_fused(hk__conf *conf, const hk__options *o) {
    hk__job *j = NULL;
    hk_file *f = NULL;
    hk_status st = hk__job_new(conf, &j);
    if (!st) st = hk__job_network(j);
    if (!st && (st = hk_file_read(j->ctx, o->checkpoint, &f))) hk__conf_fail(conf, st, "%s", hk_error(j->ctx));
    if (!st) st = hk__weights_load(j, f, o->checkpoint);
    if (!st && same_file(o->checkpoint, o->out))
        st = hk__conf_fail(conf, HK_EINVAL, "--out: expected another file than --checkpoint, got the same: the normalisations would be lost");
    if (!st && (st = hk_fuse_conv_bn(j->ctx, j->root, j->net, o->out, say_pair, NULL))) hk__conf_fail(conf, st, "%s: %s", hk__conf_name(conf), hk_error(j->ctx));
    if (!st) printf("%s: for the same network without these layers, and bias=true where they were taken in\n", o->out);
    hk_file_free(f), hk__job_free(j);
    return st;
}

static int fused(const hk__options *o) {
    int code = 0;
    hk__conf *conf = hk__options_conf(o, &hk__train_schema, o->arg[1], &code);
    if (!conf) return code;
    hk_status st = export_fused(conf, o);
    code = st ? hk__report(conf, st) : 0;
    hk__conf_free(conf);
    return code;
}

static int run(const hk__options *o) {
    if (o->n_arg != 1 + o->fuse_conv_bn || strcmp(o->arg[0], "weights") || !o->checkpoint || !o->out) {
        fprintf(stderr, "hillock: export: expected 'weights', %s--checkpoint FILE and --out FILE; see hillock export --help\n", o->fuse_conv_bn ? "CONFIG.ini, " : "");
        return 2;
    }
    if (o->fuse_conv_bn && o->ema) {
        fprintf(stderr, "hillock: export: --fuse-conv-bn reads a model's entries: export them with --ema first, and fuse that file\n");
        return 2;
    }
    if (o->fuse_conv_bn) return fused(o);
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    cc.no_default_plugins = 1; /* a file needs none */
    hk_context *ctx = NULL;
    hk_status st = hk_context_new(&cc, &ctx);
    if (!st) st = export_weights(ctx, o->checkpoint, o->out, o->ema);
    if (st) fprintf(stderr, "hillock: export: %s\n", ctx && hk_error(ctx)[0] ? hk_error(ctx) : hk_status_text(st));
    hk_context_free(ctx);
    return st ? hk_status_exit_code(st) : 0;
}

static const hk__option options[] = {
    HK__OPT_TEXT("out", "FILE", out, "the file to write"),
    HK__CHECKPOINT,
    HK__OPT_FLAG("fuse-conv-bn", fuse_conv_bn,
        "write the weights of the network of CONFIG.ini without its batch normalisations: each becomes part of the convolution right before it"),
    HK__OPT_FLAG("ema", ema, "the averages of parameters ([train] ema) in place of the parameters"),
    HK__HELP,
};
const hk__command hk__export_command = {
    .name = "export",
    .usage = "export weights [CONFIG.ini] --checkpoint FILE --out FILE [options]",
    .doc = "write a checkpoint's model entries alone, under PyTorch's names",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .run = run,
};
