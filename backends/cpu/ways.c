/* ways.c - ways out of which measuring may choose ([run] tune): a plan tells its own in `ways`, a description asks for one in `way`.
 *
 * A way is a word, "winograd", "direct" or "dense", and behind it "spikes=P" where lists of spikes are one: they are taken up to P per cent. What a plan does with
 * them stands in its own file; here is only how they are told and read. */
#include "cpu.h"
#include <stdlib.h>

cpu_way cpu_way_of(const hk_device *dev, const hk_opdesc *o) {
    cpu_way w = { dev->conv, -1 };
    const char *spikes = o->way ? strstr(o->way, " spikes=") : NULL;
    if (o->way && !strncmp(o->way, "winograd", 8)) w.conv = CPU_CONV_WINOGRAD;
    if (o->way && !strncmp(o->way, "direct", 6)) w.conv = CPU_CONV_DIRECT;
    if (spikes) w.most = strtol(spikes + 8, NULL, 10);
    return w;
}

void cpu_way_add(cpu_plan *p, const char *name, uint32_t flags) { p->ways[p->n_ways++] = (hk_way){ name, flags, 0 }; }

int cpu_way_fits(const cpu_plan *p, const char *way) {
    size_t word = strcspn(way, " ");
    int named = 0, spikes = way[word] == 0;
    char *end = NULL;
    for (int k = 0; k < p->n_ways; k++) {
        if (!(p->ways[k].flags & HK_WAY_SPIKES)) named |= strlen(p->ways[k].name) == word && !memcmp(p->ways[k].name, way, word);
        else if (!strncmp(way + word, " spikes=", 8)) {
            long most = strtol(way + word + 8, &end, 10);
            spikes = end > way + word + 8 && !*end && most >= 0 && most <= 100;
        }
    }
    return named && spikes;
}

int cpu_ways(hk_device *dev, const hk_opdesc *o, int max, hk_way *to) {
    hk_opdesc unasked = *o;
    cpu_plan *p = NULL;
    int n = 0;
    unasked.way = NULL;
    if (cpu_op_new(dev, &unasked, &p) != HK_OK) return 0;
    for (; n < p->n_ways && n < max; n++) to[n] = p->ways[n];
    cpu_op_free(p);
    return n;
}
