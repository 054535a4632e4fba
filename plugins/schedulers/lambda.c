/* lambda.c - LambdaLR: the factor of an epoch as an expression, as lr_lambda="0.95 ** epoch" or "min(1, (epoch + 1) / 5)". */
#include "schedulers.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hk_field fields[] = {
    { "lr_lambda", HK_STR, 0, NULL, 0, 0, NULL,
        "factor of the learning rate: numbers, epoch (from 0), epochs, pi, + - * / // **, ( ), min max exp log sqrt cos floor abs" },
};

/* A reader that computes as it goes. After an error, `wrong` is where it stands and the values are nobody's. */
typedef struct reader {
    const char *at, *wrong;
    double epoch, epochs;
    int depth;
} reader;
static double sum(reader *r);

static int eat(reader *r, const char *op) {
    while (isspace((unsigned char)*r->at)) r->at++;
    size_t n = strlen(op);
    if (strncmp(r->at, op, n) || (n == 1 && (*op == '*' || *op == '/') && r->at[1] == *op)) return 0; /* * is not ** */
    r->at += n;
    return 1;
}
static double fail(reader *r) {
    if (!r->wrong) r->wrong = r->at;
    return 0;
}

static double call(reader *r, const char *name, size_t n) {
    static const struct {
        const char *name;
        double (*one)(double), (*two)(double, double);
    } functions[] = { { "min", NULL, fmin }, { "max", NULL, fmax }, { "exp", exp, NULL }, { "log", log, NULL }, { "sqrt", sqrt, NULL }, { "cos", cos, NULL },
        { "floor", floor, NULL }, { "abs", fabs, NULL } };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strlen(functions[i].name) != n || strncmp(name, functions[i].name, n)) continue;
        double v = sum(r);
        if (functions[i].one) v = functions[i].one(v);
        while (functions[i].two && eat(r, ",")) v = functions[i].two(v, sum(r));
        return eat(r, ")") ? v : fail(r);
    }
    r->at = name;
    return fail(r);
}

static double atom(reader *r) {
    char *end;
    if (eat(r, "(")) {
        double v = sum(r);
        return eat(r, ")") ? v : fail(r);
    }
    if (isdigit((unsigned char)*r->at) || *r->at == '.') {
        double v = strtod(r->at, &end);
        if (end == r->at) return fail(r);
        r->at = end;
        return v;
    }
    const char *name = r->at;
    size_t n = 0;
    while (isalpha((unsigned char)name[n])) n++;
    r->at += n;
    if (n == 5 && !strncmp(name, "epoch", n)) return r->epoch;
    if (n == 6 && !strncmp(name, "epochs", n)) return r->epochs;
    if (n == 2 && !strncmp(name, "pi", n)) return 3.14159265358979323846;
    if (n && eat(r, "(")) return call(r, name, n);
    r->at = name;
    return fail(r);
}

/* As in Python, -2 ** 2 is -4, and 2 ** -1 is 0.5. */
static double unary(reader *r) {
    if (++r->depth > 200) return fail(r);
    double v;
    if (eat(r, "-")) v = -unary(r);
    else {
        v = atom(r);
        if (eat(r, "**")) v = pow(v, unary(r));
    }
    r->depth--;
    return v;
}
static double product(reader *r) {
    double v = unary(r);
    for (;;) {
        if (eat(r, "//")) v = floor(v / unary(r));
        else if (eat(r, "*")) v *= unary(r);
        else if (eat(r, "/")) v /= unary(r);
        else return v;
    }
}
static double sum(reader *r) {
    if (++r->depth > 200 || r->wrong) return fail(r);
    double v = product(r);
    for (;;) {
        if (eat(r, "+")) v += product(r);
        else if (eat(r, "-")) v -= product(r);
        else break;
    }
    r->depth--;
    return v;
}

static double factor(const hk_module *self, double epoch, double epochs, const char **wrong) {
    reader r = { hk_get_str(self, "lr_lambda"), NULL, epoch, epochs, 0 };
    double v = sum(&r);
    eat(&r, " ");
    if (*r.at && !r.wrong) r.wrong = r.at;
    *wrong = r.wrong;
    return v;
}

static hk_status init(hk_module *self) {
    const char *wrong;
    double v = factor(self, 0, 1, &wrong);
    if (wrong)
        return self->api->fail(self, HK_ECONFIG, "lr_lambda: expected numbers, epoch, epochs, pi, operators and functions, got \"%s\" at \"%.20s\"",
            hk_get_str(self, "lr_lambda"), wrong);
    if (!isfinite(v)) return self->api->fail(self, HK_ECONFIG, "lr_lambda: \"%s\" is %g at epoch 0", hk_get_str(self, "lr_lambda"), v);
    return HK_OK;
}

static double lr(const hk_module *self, double base, int64_t epoch, int64_t epochs) {
    const char *wrong;
    return base * factor(self, (double)epoch, (double)epochs, &wrong);
}

const hk_scheduler_type lambda_type = {
    .struct_size = sizeof(hk_scheduler_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .lr = lr,
    .init = init,
    .doc = "lr = base lr_lambda(epoch)",
    .source = "torch.optim.lr_scheduler.LambdaLR",
};
