/* elf_check.c - is this file a whole shared object for this machine? Looked at before dlopen, which dies of a file that is cut off. */
#include "plugin/context.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *machine_name(unsigned machine) {
    switch (machine) {
    case EM_386: return "x86, 32-bit";
    case EM_ARM: return "ARM, 32-bit";
    case EM_AARCH64: return "ARM, 64-bit";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "PowerPC, 64-bit";
    default: return "another machine";
    }
}

static bool cut_off(uint64_t expected, uint64_t got, char *why, size_t size) {
    if (expected == UINT64_MAX) snprintf(why, size, "its ELF headers are damaged: copy or build it again");
    else
        snprintf(why, size, "it is cut off: expected at least %llu bytes by its ELF headers, got %llu: copy or build it again", (unsigned long long)expected,
                 (unsigned long long)got);
    return false;
}

static bool header_check(const Elf64_Ehdr *h, uint64_t bytes, char *why, size_t size) {
    const unsigned char *id = h->e_ident;
    if (memcmp(id, ELFMAG, SELFMAG) != 0)
        snprintf(why, size, "it has no ELF header: expected the bytes 7f 45 4c 46, got %02x %02x %02x %02x: give a shared object (gcc -shared -fPIC)", id[0],
                 id[1], id[2], id[3]);
    else if (bytes < sizeof *h) return cut_off(sizeof *h, bytes, why, size);
    else if (id[EI_CLASS] != ELFCLASS64 || id[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
        snprintf(why, size, "it is for another machine: expected x86-64 (e_machine %u), got %s (e_machine %u): build it for this machine", EM_X86_64,
                 machine_name(h->e_machine), (unsigned)h->e_machine);
    else if (h->e_type != ET_DYN || h->e_phentsize != sizeof(Elf64_Phdr))
        snprintf(why, size, "it is not a shared object: expected ELF type %d, got %u: link it with gcc -shared -fPIC", ET_DYN, (unsigned)h->e_type);
    else return true;
    return false;
}

static uint64_t end_of(uint64_t at, uint64_t bytes) { return at + bytes < at ? UINT64_MAX : at + bytes; }
static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

bool hk__elf_check(int fd, uint64_t bytes, char *why, size_t size) {
    Elf64_Ehdr h;
    memset(&h, 0, sizeof h); /* the file may be shorter */
    if (pread(fd, &h, sizeof h, 0) < 0) {
        snprintf(why, size, "it can't be read: %s", strerror(errno));
        return false;
    }
    if (!header_check(&h, bytes, why, size)) return false;
    uint64_t needed = later(end_of(h.e_phoff, (uint64_t)h.e_phnum * sizeof(Elf64_Phdr)), end_of(h.e_shoff, (uint64_t)h.e_shnum * h.e_shentsize));
    for (int i = 0; needed <= bytes && i < h.e_phnum; i++) {
        Elf64_Phdr p;
        if (pread(fd, &p, sizeof p, (off_t)(h.e_phoff + (uint64_t)i * sizeof p)) != (ssize_t)sizeof p) needed = UINT64_MAX;
        else needed = later(needed, end_of(p.p_offset, p.p_filesz));
    }
    return needed <= bytes || cut_off(needed, bytes, why, size);
}
