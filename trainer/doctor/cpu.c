/* cpu.c - the processor as the kernels see it. */
#include "doctor/doctor.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* First line of /sys/devices/system/cpu/cpu0/cache/indexI/NAME. */
static bool cache_read(int i, const char *name, char *buf, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", i, name);
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(buf, (int)size, f);
    if (f) fclose(f);
    if (ok) buf[strcspn(buf, "\n")] = 0;
    return ok;
}

static void caches(hk__doctor *d) {
    char text[256] = "", level[16], type[32], bytes[32];
    size_t used = 0;
    for (int i = 0; used < sizeof text && cache_read(i, "level", level, sizeof level); i++) {
        if (!cache_read(i, "type", type, sizeof type) || !cache_read(i, "size", bytes, sizeof bytes) || !strcmp(type, "Instruction")) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%sL%s %s", used ? ", " : "", level, bytes);
    }
    hk__doctor_add(d, "processor", "caches", text[0] ? HK__FINE : HK__NOTE, "%s", text[0] ? text : "not told by the system");
}

/* What [backend] options = bf16=on needs. */
static bool has_bf16(void) {
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, e = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &e) && (a >> 5 & 1);
#else
    return false;
#endif
}

void hk__doctor_cpu(hk__doctor *d) {
    hk__host_info h;
    hk__host_read(&h);
    uint32_t used = d->found_isa < d->max_isa ? d->found_isa : d->max_isa;
    hk__doctor_add(d, "processor", "model", HK__FINE, "%s", h.cpu[0] ? h.cpu : "not told by the system");
    hk__doctor_add(d, "processor", "CPUs", HK__FINE, "%d usable by this process, %ld on line", h.cpus, sysconf(_SC_NPROCESSORS_ONLN));
    caches(d);
    hk__doctor_add(d, "processor", "instructions", HK__FINE, "%s, by CPUID and XCR0; cap [run] max_isa: %s; used: %s", hk__isa_name(d->found_isa),
        hk__isa_name(d->max_isa), hk__isa_name(used));
    hk__doctor_add(d, "processor", "bf16", HK__FINE, "%s", !has_bf16() ? "no AVX512_BF16: [backend] options = bf16=on would change nothing" : used < HK_ISA_AVX512
            ? "AVX512_BF16, but [backend] options = bf16=on needs [run] max_isa = avx512" : "AVX512_BF16: [backend] options = bf16=on has products of bf16, off by default");
    int threads = d->threads ? d->threads : h.cpus;
    if (threads > h.cpus)
        hk__doctor_add(d, "processor", "threads", HK__PROBLEM, "%d by [run] threads, but only %d CPUs are usable: they would wait for each other; set 0", threads,
            h.cpus);
    else hk__doctor_add(d, "processor", "threads", HK__FINE, "%d%s", threads, d->threads ? " by [run] threads" : ", one per CPU");
}
