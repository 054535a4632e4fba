/* lint_memory.c - the k-th allocation of the plugin fails, for every k: what Hillock gives by host->alloc, and libc's, whose entries in the plugin's own table of
 * functions are replaced. Each run must end well, or with an error that has a text; a crash is seen by the parent. */
#include "core.h"
#include "kit/lint.h"
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long left = -1, seen; /* allocations until the one that fails; -1: none does */
static bool refused(void) {
    seen++;
    if (left < 0) return false;
    return left-- == 0;
}
static void *bad_malloc(size_t n) { return refused() ? (errno = ENOMEM, NULL) : malloc(n); }
static void *bad_calloc(size_t n, size_t m) { return refused() ? (errno = ENOMEM, NULL) : calloc(n, m); }
static void *bad_realloc(void *p, size_t n) { return refused() ? (errno = ENOMEM, NULL) : realloc(p, n); }
static void *bad_aligned(size_t a, size_t n) { return refused() ? (errno = ENOMEM, NULL) : aligned_alloc(a, n); }
static int bad_memalign(void **p, size_t a, size_t n) { return refused() ? ENOMEM : posix_memalign(p, a, n); }
static char *bad_strdup(const char *s) { return refused() ? (errno = ENOMEM, NULL) : strdup(s); }
static void *(*real_alloc)(hk_context *, size_t, size_t);
static void *bad_host_alloc(hk_context *ctx, size_t n, size_t align) { return refused() ? NULL : real_alloc(ctx, n, align); }

static const struct {
    const char *name;
    void (*f)(void);
} replaced[] = { { "malloc", (void (*)(void))bad_malloc }, { "calloc", (void (*)(void))bad_calloc }, { "realloc", (void (*)(void))bad_realloc },
    { "aligned_alloc", (void (*)(void))bad_aligned }, { "posix_memalign", (void (*)(void))bad_memalign }, { "strdup", (void (*)(void))bad_strdup } };

typedef struct hooked {
    const char *file;
    int n;
} hooked;

/* Entries of one object's relocation table that name one of libc's allocators get ours. */
static int patch(struct dl_phdr_info *info, size_t size, void *arg) {
    hooked *h = arg;
    const ElfW(Dyn) *d = NULL;
    const ElfW(Sym) *sym = NULL;
    const char *names = NULL;
    (void)size;
    if (strcmp(info->dlpi_name, h->file)) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC) d = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    const ElfW(Rela) * table[2] = { NULL, NULL };
    size_t bytes[2] = { 0, 0 };
    for (; d && d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_SYMTAB) sym = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_STRTAB) names = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_JMPREL) table[0] = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_PLTRELSZ) bytes[0] = d->d_un.d_val;
        else if (d->d_tag == DT_RELA) table[1] = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_RELASZ) bytes[1] = d->d_un.d_val;
    }
    for (int k = 0; k < 2 && sym && names; k++)
        for (size_t i = 0; table[k] && i < bytes[k] / sizeof *table[k]; i++) {
            const char *name = names + sym[ELF64_R_SYM(table[k][i].r_info)].st_name;
            for (size_t j = 0; j < sizeof replaced / sizeof replaced[0]; j++) {
                if (strcmp(name, replaced[j].name)) continue;
                const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = info->dlpi_addr + table[k][i].r_offset;
                if (mprotect((void *)(at / page * page), (at % page + sizeof(void *) + page - 1) / page * page, PROT_READ | PROT_WRITE)) continue;
                *(void (**)(void))at = replaced[j].f;
                h->n++;
            }
        }
    return 1;
}

/* Everything that the plugin does, once, in a context of its own; 0, or the status of the first thing that failed. */
static hk_status use(hk__lint *l, const hk__lint_net *list, int n, hk_context **made) {
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context *ctx = NULL;
    cc.log_level = 0;
    hk_status st = hk_context_new(&cc, &ctx); /* Hillock's own plugins: they take nothing that is hooked */
    if (!st) {
        hk_host *host = (hk_host *)(uintptr_t)hk__host(ctx); /* this process's own, in a child that ends soon */
        if (!real_alloc) real_alloc = host->alloc;
        host->alloc = bad_host_alloc;
        st = hk_plugin_load(ctx, l->file);
    }
    hk_context *keep = l->ctx;
    l->ctx = ctx;
    for (int i = 0; i < n && !st; i++) {
        hk__lint_result r;
        st = hk__lint_run(l, &list[i], &(hk__lint_setup){ .T = 3, .N = 5, .spiking = 1, .steps = 1 }, &r);
        free(r.v);
    }
    HK__LINT_EACH(l, t, "hk.dataset/1") {
        char text[128];
        hk_module *m = NULL;
        void *ds = NULL;
        snprintf(text, sizeof text, "%s()", t->id);
        if (!st && !(st = hk_module_new_from_text(ctx, "hk.dataset/1", text, &m))) {
            const hk_dataset_type *type = hk_type_get(ctx, "hk.dataset/1", t->id);
            st = type->open(m, 0, &ds);
            if (!st) type->close(ds);
        }
        hk_module_free(m);
    }
    l->ctx = keep;
    *made = ctx;
    return st;
}

void hk__lint_memory(hk__lint *l) {
    hk__lint_net *list = malloc(HK__LINT_NETS * sizeof *list);
    hk_context *ctx = NULL;
    char *real = realpath(l->file, NULL);
    hooked h = { real, 0 };
    if (!list || !real || !hk__lint_load(l, HK_ISA_AVX512)) goto end;
    int n = hk__lint_nets(l, list, false);
    dl_iterate_phdr(patch, &h);
    seen = 0;
    hk_status st = use(l, list, n, &ctx);
    long total = seen;
    if (st == HK_EDATA || st == HK_EIO) hk__lint_say(l, HK__LINT_NOTE, "its data is not here: %s", hk_error(ctx));
    hk_context_free(ctx);
    for (long k = 0; k < total && k < 2000; k++) {
        left = k;
        st = use(l, list, n, &ctx);
        left = -1;
        l->n_compared++;
        if (st > 0) hk__lint_say(l, HK__LINT_FAIL, "with allocation %ld of %ld failing it returns %d, which is no hk_status", k + 1, total, (int)st);
        else if (st && (!ctx || !hk_error(ctx)[0]))
            hk__lint_say(l, HK__LINT_FAIL, "with allocation %ld of %ld failing it returns an error without a text: say what by fail", k + 1, total);
        hk_context_free(ctx), ctx = NULL;
    }
end:
    free(list), free(real);
}
