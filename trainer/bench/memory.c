/* memory.c - what a plan was to take against what the process took: planned bytes beside the resident set before the plan and at its peak.
 * From /proc, where the peak can be set back; without it nothing is printed. */
#include "trainer.h"
#include <string.h>

static long long status_bytes(const char *key) {
    char line[256];
    long long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    if (!f) return -1;
    while (kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0) sscanf(line + strlen(key), ": %lld", &kb);
    fclose(f);
    return kb < 0 ? -1 : kb * 1024;
}

long long hk__memory_before(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f) return -1;
    int bad = fputs("5", f) < 0; /* the peak is what is resident now */
    bad |= fclose(f) != 0;
    return bad ? -1 : status_bytes("VmRSS");
}

void hk__memory_print(hk__job *j, hk_executor *ex, long long before, const char *name, int json) {
    hk_plan_stats s;
    long long peak = status_bytes("VmHWM");
    if (before < 0 || peak < 0 || hk_executor_stats(ex, &s) != HK_OK) return;
    long long planned = s.arena + s.state + s.kept;
    double ratio = planned > 0 ? (double)(peak - before) / (double)planned : 0.0;
    if (json)
        printf("{\"name\": \"%s\", \"memory\": {\"batch\": %lld, \"planned\": %lld, \"before\": %lld, \"peak\": %lld}}\n", name, (long long)j->batch, planned, before, peak);
    else
        printf("%s memory B=%lld: planned %.1f MB, resident %.1f MB before the plan, %.1f MB at the peak: %.2f of what was planned\n", name, (long long)j->batch,
            (double)planned / 1e6, (double)before / 1e6, (double)peak / 1e6, ratio);
}
