/* spikes_steps.c - linear_dw with direct = 1 of spikes, by patterns of steps: a number that spikes at several of four steps is one entry of its column's list, the
 * sum of these steps' rows of g one row of a table (docs/adr/0015-patterns-of-steps.md).
 *
 * The table of a panel of outputs, [group][four steps][sample][pattern], stays in L2; a column's totals stay in registers while a group of samples goes by. */
#include "spikes.h"
#pragma GCC optimize("O3")

enum {
    TURN = 64,   /* columns summed at a time */
    LEAST = 256, /* columns that are worth a table */
    PAYS = 75    /* per cent: patterns, of spikes, up to which they pay: the table is in L2, the rows of g are in L1 */
};

typedef struct work {
    float *table, *tile; /* [entry][panel]; [TURN][panel] */
    int32_t *off, *at;   /* [cols * groups + 1]; where the next entry of a column goes */
    uint16_t *e, *row;   /* entries; columns of a sample with a pattern */
    uint8_t *patterns;   /* of one sample */
} work;

static int64_t panel_width(uint32_t isa) { return SPIKE_VECTORS * cpu_spikes_isa[isa]->vw; }
static int64_t chunks_of(int64_t T) { return (T + SPIKE_STEPS - 1) / SPIKE_STEPS; }

static size_t work_of(uint32_t isa, int64_t samples, int64_t T, int64_t cols, void *scratch, work *w) {
    int64_t panel = panel_width(isa), groups = (samples + HK_GROUP - 1) / HK_GROUP, entries = samples * chunks_of(T);
    w->table = scratch;
    w->tile = w->table + entries * SPIKE_PATTERNS * panel;
    w->off = (int32_t *)(w->tile + TURN * panel);
    w->at = w->off + cpu_up(cols * groups + 1, 16);
    w->row = (uint16_t *)(w->at + cpu_up(cols * groups, 16));
    w->e = w->row + cpu_up(cols + 8, 32);
    w->patterns = (uint8_t *)(w->e + cpu_up(entries * cols, 32));
    return (size_t)((char *)w->patterns - (char *)scratch) + (size_t)cpu_up(cols, 64);
}

size_t cpu_steps_linear_dw_scratch(uint32_t isa, int64_t samples, int64_t T, int64_t cols, int forced) {
    work w;
    if ((!forced && (T < 3 || cols < LEAST)) || samples * chunks_of(T) * SPIKE_PATTERNS > 65535 || cols > 65535) return 0;
    return work_of(isa, samples, T, cols, NULL, &w);
}

/* Of a group's rows, [step][sample]: those of four steps of a sample. */
static int64_t steps_of(const void *const *rows, int64_t run, int64_t T, int64_t t, int64_t i, const void **to) {
    int64_t steps = cpu_min(SPIKE_STEPS, T - t);
    for (int64_t k = 0; k < steps; k++) to[k] = rows[(t + k) * run + i];
    return steps;
}

int cpu_steps_linear_dw_pays(uint32_t isa, int64_t groups, const int64_t *first, int64_t T, const uint8_t *const *x, int64_t K, void *scratch) {
    int64_t spikes = 0, entries = 0;
    for (int64_t j = 0; j < groups; j++) /* one sample of each group tells */
        for (int64_t t = 0; t < T; t += SPIKE_STEPS) {
            const void *at[SPIKE_STEPS];
            int64_t steps = steps_of((const void *const *)x + first[j], (first[j + 1] - first[j]) / T, T, t, 0, at);
            for (int64_t k = 0; k < steps; k++) spikes += cpu_spike_count(K, at[k]);
            cpu_spike_patterns(isa, K, steps, (const uint8_t *const *)at, scratch);
            entries += cpu_pattern_count(K, scratch);
        }
    return entries * 100 < spikes * PAYS;
}

CPU_BODY sum_body(int64_t n, const float *restrict a, const float *restrict b, float *restrict to) {
    for (int64_t i = 0; i < n; i++) to[i] = a[i] + b[i];
}
CPU_CLONES(sum, (int64_t n, const float *a, const float *b, float *to), (n, a, b, to));

/* The sums of each pattern's rows of g, steps ascending: [pattern][width] */
static void fill_table(uint32_t isa, int64_t steps, const void *const *g, int64_t o, int64_t m, int64_t width, float *to) {
    for (int64_t k = 0; k < steps; k++)
        for (int64_t p = 0; p < INT64_C(1) << k; p++) {
            float *row = to + ((INT64_C(1) << k) + p - 1) * width;
            const float *last = (const float *)g[k] + o;
            if (p) sum[isa](m, to + (p - 1) * width, last, row);
            else memcpy(row, last, (size_t)m * 4);
            if (m < width) memset(row + m, 0, (size_t)(width - m) * 4);
        }
}

void cpu_steps_linear_dw(uint32_t isa, int64_t groups, const int64_t *first, int64_t T, const uint8_t *const *x, const float *const *g, int64_t k0,
    int64_t cols, int64_t o0, int64_t on, int64_t K, float *out, void *scratch) {
    const cpu_spikes *s = cpu_spikes_isa[isa];
    work w;
    work_of(isa, first[groups] / T, T, cols, scratch, &w);
    memset(w.off, 0, (size_t)(cols * groups + 1) * 4);
    for (int fill = 0; fill < 2; fill++) { /* how many entries each column has of each group; then these */
        int64_t entry = 0;
        for (int64_t i = 0; fill && i < cols * groups; i++) w.at[i] = w.off[i], w.off[i + 1] += w.off[i];
        for (int64_t j = 0; j < groups; j++)
            for (int64_t t = 0, run = (first[j + 1] - first[j]) / T; t < T; t += SPIKE_STEPS)
                for (int64_t i = 0; i < run; i++, entry += SPIKE_PATTERNS) {
                    const void *at[SPIKE_STEPS];
                    int64_t steps = steps_of((const void *const *)x + first[j], run, T, t, i, at);
                    for (int64_t k = 0; k < steps; k++) at[k] = (const uint8_t *)at[k] + k0;
                    cpu_spike_patterns(isa, cols, steps, (const uint8_t *const *)at, w.patterns);
                    int64_t n = cpu_pattern_list(cols, w.patterns, w.row);
                    if (fill)
                        for (int64_t q = 0; q < n; q++) w.e[w.at[w.row[q] * groups + j]++] = (uint16_t)(entry + w.patterns[w.row[q]] - 1);
                    else
                        for (int64_t q = 0; q < n; q++) w.off[w.row[q] * groups + j + 1]++;
                }
    }
    for (int64_t o = 0, width; o < on; o += width) {
        width = cpu_min(panel_width(isa), cpu_up(on - o, s->vw));
        int64_t m = cpu_min(width, on - o);
        float *to = w.table;
        for (int64_t j = 0; j < groups; j++)
            for (int64_t t = 0, run = (first[j + 1] - first[j]) / T; t < T; t += SPIKE_STEPS)
                for (int64_t i = 0; i < run; i++, to += SPIKE_PATTERNS * width) {
                    const void *at[SPIKE_STEPS];
                    int64_t steps = steps_of((const void *const *)g + first[j], run, T, t, i, at);
                    fill_table(isa, steps, at, o0 + o, m, width, to);
                }
        for (int64_t k = 0; k < cols; k += TURN) {
            int64_t kn = cpu_min(TURN, cols - k);
            for (int64_t j = 0; j < groups; j++)
                for (int64_t q = 0; q < kn; q++) s->groups[width / s->vw](1, w.off + (k + q) * groups + j, w.e, w.table, w.tile + q * width, j == 0);
            cpu_turn[isa](kn, m, w.tile, width, out + (o0 + o) * K + k0 + k, K);
        }
    }
}
