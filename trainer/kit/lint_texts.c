/* lint_texts.c - the portable texts: each compiles alone as C11, in float and in double, and all of them as C++17. The shared objects stay in the lint's folder,
 * for the checks that run them. */
#include "command/command.h"
#include "kit/lint.h"
#include "kit/text_wrap.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const hk_neuron_type *neuron_of(const hk__lint_type *t) { return strcmp(t->iface, "hk.neuron/1") ? NULL : t->vtable; }
static const hk_surrogate_type *surrogate_of(const hk__lint_type *t) { return strcmp(t->iface, "hk.surrogate/1") ? NULL : t->vtable; }
static const hk_optimizer_type *optimizer_of(const hk__lint_type *t) { return strcmp(t->iface, "hk.optimizer/1") ? NULL : t->vtable; }

bool hk__lint_text_of(const hk__lint_type *t, const char **text, const char **prefix) {
    *text = *prefix = NULL;
    if (neuron_of(t)) *text = neuron_of(t)->text, *prefix = neuron_of(t)->prefix;
    else if (surrogate_of(t)) *text = surrogate_of(t)->text, *prefix = surrogate_of(t)->prefix;
    else if (optimizer_of(t)) *text = optimizer_of(t)->text, *prefix = optimizer_of(t)->prefix;
    return *text && *prefix;
}

/* Types may share a text. */
static bool seen_before(const hk__lint *l, const hk__lint_type *t) {
    const char *text, *prefix, *other_text, *other;
    hk__lint_text_of(t, &text, &prefix);
    for (const hk__lint_type *u = l->type; u < t; u++)
        if (hk__lint_text_of(u, &other_text, &other) && !strcmp(other, prefix)) return true;
    return false;
}

static void write_text(FILE *f, const hk__lint_type *t) {
    const char *text, *prefix;
    hk__lint_text_of(t, &text, &prefix);
    fprintf(f, "%s\n#define T(f) %s_##f\n#define W(f) call_%s_##f\n", text, prefix, prefix);
    if (neuron_of(t)) fputs(wrap_neuron, f);
    else if (optimizer_of(t)) fputs(wrap_optimizer, f);
    else {
        fputs(wrap_grad, f);
        if (surrogate_of(t)->has_primitive) fputs(wrap_primitive, f);
        if (surrogate_of(t)->has_forward) fputs(wrap_forward, f);
    }
    fputs("#undef T\n#undef W\n", f);
}

/* Runs the command; the first lines that it prints are said when it fails. */
static bool compiles(hk__lint *l, const char *what, const char *cmd) {
    char line[512], all[1500] = "", full[16384];
    size_t n = 0;
    snprintf(full, sizeof full, "%s 2>&1", cmd);
    FILE *p = popen(full, "re");
    while (p && fgets(line, sizeof line, p))
        if (strstr(line, "error") || strstr(line, "warning"))
            n += (size_t)snprintf(all + n, n < sizeof all ? sizeof all - n : 0, "%s%s", n ? " | " : "", line), n = n < sizeof all ? n : sizeof all - 1;
    int status = p ? pclose(p) : -1;
    l->n_compared++;
    if (status) hk__lint_say(l, HK__LINT_FAIL, "%s: %s", what, all[0] ? all : "the compiler fails");
    return status == 0;
}

static bool is_there(const char *tool) {
    char cmd[300];
    snprintf(cmd, sizeof cmd, "command -v %s >/dev/null", tool);
    return system(cmd) == 0;
}

void hk__lint_texts(hk__lint *l) {
    const char *cc = getenv("CC") ? getenv("CC") : "cc", *cxx = getenv("CXX") ? getenv("CXX") : "c++", *text, *prefix;
    char path[8192], cmd[12000], what[300], *include = hk__share_find("include", "include", "hillock/prelude.hk.h");
    int n = 0;
    if (!hk__lint_load(l, HK_ISA_AVX512)) goto end;
    HK__LINT_EACH(l, t, "") n += hk__lint_text_of(t, &text, &prefix);
    if (!n) goto end;
    if (!is_there(cc) || !include) {
        hk__lint_say(l, HK__LINT_NOTE, "texts were not compiled: %s",
            include ? "there is no C compiler (CC names one)" : "the headers are not installed beside the command");
        goto end;
    }
    snprintf(path, sizeof path, "%s/all.cpp", l->dir);
    FILE *cpp = fopen(path, "we");
    if (cpp) fprintf(cpp, "#define hk_real float\n#define hk_fn static inline\n#define WRAP\n#include \"hillock/prelude.hk.h\"\n");
    HK__LINT_EACH(l, t, "") {
        if (!hk__lint_text_of(t, &text, &prefix) || seen_before(l, t)) continue;
        for (int wide = 0; wide < 2; wide++) {
            snprintf(path, sizeof path, "%s/%s_%d.c", l->dir, prefix, wide);
            FILE *f = fopen(path, "we");
            if (!f) continue;
            fprintf(f, "#define hk_real %s\n#define hk_fn static inline\n#define WRAP\n#include \"hillock/prelude.hk.h\"\n", wide ? "double" : "float");
            write_text(f, t);
            fclose(f);
            snprintf(cmd, sizeof cmd,
                "%s -std=c11 -O1 -Wall -Wextra -Wno-unused-parameter -Werror -ffp-contract=off -shared -fPIC -I'%s' -o '%s/%s_%d.so' '%s' -lm", cc, include,
                l->dir, prefix, wide, path);
            snprintf(what, sizeof what, "%s: its text as C11, in %s", t->id, wide ? "double" : "float");
            compiles(l, what, cmd);
        }
        if (cpp) fprintf(cpp, "namespace text_%d {\n", (int)(t - l->type)), write_text(cpp, t), fputs("}\n", cpp);
    }
    if (cpp) fclose(cpp);
    snprintf(cmd, sizeof cmd, "%s -std=c++17 -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only -I'%s' '%s/all.cpp'", cxx, include, l->dir);
    if (!is_there(cxx)) hk__lint_say(l, HK__LINT_NOTE, "texts were not compiled as C++17, which GPU compilers take: there is no C++ compiler (CXX names one)");
    else compiles(l, "the texts as C++17", cmd);
end:
    free(include);
}

void *hk__lint_function(hk__lint *l, int wide, const char *prefix, const char *name) {
    char path[8192], symbol[256];
    snprintf(path, sizeof path, "%s/%s_%d.so", l->dir, prefix, wide);
    void *so = access(path, R_OK) ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    snprintf(symbol, sizeof symbol, "call_%s_%s", prefix, name);
    return so ? dlsym(so, symbol) : NULL;
}
