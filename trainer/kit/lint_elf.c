/* lint_elf.c - what the file itself shows, without running any of it: one exported symbol, hk_plugin; no library of Hillock's, no threads' runtime; nothing that
 * runs when it is loaded. */
#include "kit/lint.h"
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct image { /* the file, mapped; every offset is checked against its size */
    const char *at;
    size_t size;
} image;

static const void *part(const image *m, uint64_t off, uint64_t bytes) { return off <= m->size && bytes <= m->size - off ? m->at + off : NULL; }
static const char *text_at(const image *m, const Elf64_Shdr *names, uint64_t off) {
    const char *s = off < names->sh_size ? part(m, names->sh_offset, names->sh_size) : NULL;
    return s && memchr(s + off, 0, names->sh_size - off) ? s + off : "?";
}

static void symbols(hk__lint *l, const image *m, const Elf64_Shdr *s, const Elf64_Shdr *names) {
    const Elf64_Sym *sym = part(m, s->sh_offset, s->sh_size);
    int found = 0;
    for (uint64_t i = 1; sym && i < s->sh_size / sizeof *sym; i++) {
        const char *name = text_at(m, names, sym[i].st_name);
        if (sym[i].st_shndx == SHN_UNDEF) {
            if (!strcmp(name, "exit") || !strcmp(name, "abort") || !strcmp(name, "_exit"))
                hk__lint_say(l, HK__LINT_WARN, "it calls %s: errors go through host->fail, never by ending the program", name);
            else if (!strncmp(name, "hk_", 3))
                hk__lint_say(l, HK__LINT_FAIL, "it links to %s: what a plugin needs of Hillock comes in tables (hillock/plugin.h)", name);
            else if (!strcmp(name, "printf") || !strcmp(name, "puts") || !strcmp(name, "__printf_chk"))
                hk__lint_say(l, HK__LINT_WARN, "it prints by %s: host->log is for messages", name);
            continue;
        }
        if (ELF64_ST_BIND(sym[i].st_info) == STB_LOCAL || ELF64_ST_VISIBILITY(sym[i].st_other) != STV_DEFAULT) continue;
        l->n_compared++;
        if (!strcmp(name, "hk_plugin")) found++;
        else if (strcmp(name, "_init") && strcmp(name, "_fini") && strcmp(name, "_edata") && strcmp(name, "_end") && strcmp(name, "__bss_start"))
            hk__lint_say(l, HK__LINT_WARN, "it exports %s beside hk_plugin: make it static, or compile with -fvisibility=hidden", name);
    }
    if (!found) hk__lint_say(l, HK__LINT_FAIL, "expected the exported symbol hk_plugin, got none: define it with HK_PLUGIN");
}

static void libraries(hk__lint *l, const image *m, const Elf64_Shdr *s, const Elf64_Shdr *names) {
    static const char *const fine[] = { "libc.so", "libm.so", "ld-linux", "libgcc_s.so", "libz.so" };
    static const char *const threads[] = { "libgomp", "libomp", "libiomp5", "libpthread", "libtbb" };
    const Elf64_Dyn *d = part(m, s->sh_offset, s->sh_size);
    for (uint64_t i = 0; d && i < s->sh_size / sizeof *d; i++) {
        if (d[i].d_tag == DT_TEXTREL || (d[i].d_tag == DT_FLAGS && d[i].d_un.d_val & DF_TEXTREL))
            hk__lint_say(l, HK__LINT_FAIL, "its code is changed when it is loaded (TEXTREL): compile with -fPIC");
        if (d[i].d_tag == DT_RPATH || d[i].d_tag == DT_RUNPATH)
            hk__lint_say(l, HK__LINT_WARN, "it names a folder of libraries (RPATH): that folder may not be there elsewhere");
        if (d[i].d_tag != DT_NEEDED) continue;
        const char *name = text_at(m, names, d[i].d_un.d_val);
        int known = 0;
        l->n_compared++;
        for (size_t k = 0; k < sizeof fine / sizeof fine[0]; k++) known |= !strncmp(name, fine[k], strlen(fine[k]));
        for (size_t k = 0; k < sizeof threads / sizeof threads[0]; k++)
            if (!strncmp(name, threads[k], strlen(threads[k])))
                hk__lint_say(l, HK__LINT_FAIL, "it links to %s: threads are the core's alone (hk_parallel_for)", name), known = 1;
        if (!strncmp(name, "libhillock", 10)) hk__lint_say(l, HK__LINT_FAIL, "it links to %s: a plugin links to nothing of Hillock's", name), known = 1;
        if (!known) hk__lint_say(l, HK__LINT_WARN, "it links to %s: it loads only where that is installed", name);
    }
}

void hk__lint_elf(hk__lint *l) {
    struct stat s;
    int fd = open(l->file, O_RDONLY | O_CLOEXEC);
    image m = { NULL, 0 };
    if (fd < 0 || fstat(fd, &s) || (m.at = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
        hk__lint_say(l, HK__LINT_FAIL, "it cannot be read");
        return;
    }
    m.size = (size_t)s.st_size;
    const Elf64_Ehdr *h = part(&m, 0, sizeof *h);
    if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_type != ET_DYN) {
        hk__lint_say(l, HK__LINT_FAIL, "it is not a shared object of 64 bits");
        return;
    }
    const Elf64_Shdr *sec = part(&m, h->e_shoff, (uint64_t)h->e_shnum * sizeof *sec);
    const Elf64_Phdr *seg = part(&m, h->e_phoff, (uint64_t)h->e_phnum * sizeof *seg);
    for (int i = 0; sec && i < h->e_shnum; i++) {
        if (sec[i].sh_link < h->e_shnum && sec[i].sh_type == SHT_DYNSYM) symbols(l, &m, &sec[i], &sec[sec[i].sh_link]);
        if (sec[i].sh_link < h->e_shnum && sec[i].sh_type == SHT_DYNAMIC) libraries(l, &m, &sec[i], &sec[sec[i].sh_link]);
        if (sec[i].sh_type == SHT_INIT_ARRAY && sec[i].sh_size > 8) /* one is the C runtime's own */
            hk__lint_say(l, HK__LINT_FAIL, "it has %d constructors, code that runs when it is loaded, before Hillock can look at it: do that work in init",
                (int)(sec[i].sh_size / 8) - 1);
    }
    if (!sec) hk__lint_say(l, HK__LINT_NOTE, "its section table was stripped: symbols and libraries were not looked at");
    for (int i = 0; seg && i < h->e_phnum; i++) {
        if (seg[i].p_type == PT_TLS) hk__lint_say(l, HK__LINT_WARN, "it has thread-local variables: kernels must keep nothing between calls");
        if (seg[i].p_type == PT_GNU_STACK && seg[i].p_flags & PF_X)
            hk__lint_say(l, HK__LINT_WARN, "it asks for an executable stack: nested functions, or assembler without a note");
    }
}
