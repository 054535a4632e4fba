/* spikes_linear.c - products of spike rows with a matrix, and the weight gradient of spikes: sums of rows where a spike is.
 *
 * Forward, w is turned round block by block, [k][panel of outputs], while the sums of all rows wait in cache; in inference it was turned round
 * before the run, and a single row pays too (the dense way takes as long for one row as for 32). For the gradient, each
 * column of x has a list of the rows that spike, and the rows of g are packed panel by panel. */
#include "spikes.h"
#pragma GCC optimize("O3")

enum {
    BLOCK = 128,     /* k of w turned round at a time: a panel of them fits L1 */
    TURN = 64,       /* columns summed at a time: they and the rows of g of GROUPS groups fit L1, or nearly */
    GROUPS = 2
};

static int64_t panel_width(uint32_t isa) { return SPIKE_VECTORS * cpu_spikes_isa[isa]->vw; }

/* ---- linear ------------------------------------------------------------------------------------------------------------------------- */

typedef struct work {
    float *acc, *w; /* [SPIKE_ROWS][panel]; [BLOCK][panel] */
    int32_t *off;   /* [SPIKE_ROWS][blocks + 1] */
    uint16_t *e;    /* k within its block; room for `most` per cent of SPIKE_ROWS rows, and for all of SPIKE_FEW */
} work;

static size_t work_of(uint32_t isa, int64_t K, int64_t most, void *scratch, work *w) {
    int64_t panel = panel_width(isa), blocks = (K + BLOCK - 1) / BLOCK;
    w->acc = scratch;
    w->w = w->acc + SPIKE_ROWS * panel;
    w->off = (int32_t *)(w->w + BLOCK * panel);
    w->e = (uint16_t *)(w->off + cpu_up(SPIKE_ROWS * (blocks + 1), 16));
    return (size_t)((char *)(w->e + SPIKE_ROWS * K / 100 * cpu_max(most, 100 * SPIKE_FEW / SPIKE_ROWS + 1) + 2 * K + 64) - (char *)scratch);
}

size_t cpu_spike_linear_scratch(uint32_t isa, int64_t K, int64_t O, int packed, int64_t most) {
    work w;
    if (K < 64 || (O < cpu_spikes_isa[isa]->vw && !packed) || K > INT32_MAX / SPIKE_ROWS) return 0;
    return work_of(isa, K, most, NULL, &w);
}

/* to[k][width] = w[j][k] for j < rows, else 0 */
static void turn(uint32_t isa, const float *w, int64_t K, int64_t rows, int64_t n, int64_t width, float *to) {
    cpu_turn[isa](rows, n, w, K, to, width);
    for (int64_t k = 0; k < n && rows < width; k++) memset(to + k * width + rows, 0, (size_t)(width - rows) * 4);
}

int64_t cpu_spike_linear_panel(uint32_t isa) { return panel_width(isa); }
int64_t cpu_spike_linear_packed(uint32_t isa, int64_t K, int64_t O) { return K * cpu_up(O, cpu_spikes_isa[isa]->vw); }

void cpu_spike_linear_pack(uint32_t isa, int64_t K, int64_t O, const float *w, float *packed) {
    for (int64_t o = 0, width; o < O; o += width, packed += K * width) {
        width = cpu_min(panel_width(isa), cpu_up(O - o, cpu_spikes_isa[isa]->vw));
        turn(isa, w + o * K, K, cpu_min(width, O - o), K, width, packed);
    }
}

int cpu_spike_linear(uint32_t isa, int64_t most, int64_t m, const uint8_t *const *x, int64_t K, const float *w, const float *packed, const float *bias, int64_t O, int64_t o0, int64_t o1, float *y,
    void *scratch) {
    const cpu_spikes *s = cpu_spikes_isa[isa];
    work t;
    work_of(isa, K, most, scratch, &t);
    int64_t blocks = (K + BLOCK - 1) / BLOCK, limit = packed && m <= SPIKE_FEW ? m * K : m * K / 100 * most, n = 0;
    for (int64_t r = 0; r < m; r++) {
        for (int64_t i = 0; i < blocks; i++) {
            t.off[r * (blocks + 1) + i] = (int32_t)n;
            n += cpu_spike_list(cpu_min(BLOCK, K - i * BLOCK), x[r] + i * BLOCK, 0, t.e + n);
        }
        t.off[r * (blocks + 1) + blocks] = (int32_t)n;
        if (n > limit) return 0;
    }
    for (int64_t o = o0, width; o < o1; o += width) {
        width = cpu_min(panel_width(isa), cpu_up(O - o, s->vw));
        int64_t cols = cpu_min(width, O - o);
        for (int64_t i = 0; i < blocks; i++) {
            const float *block = packed ? packed + o * K + i * BLOCK * width : t.w;
            if (!packed) turn(isa, w + o * K + i * BLOCK, K, cols, cpu_min(BLOCK, K - i * BLOCK), width, t.w);
            for (int64_t r = 0; r < m; r++) {
                const int32_t *off = t.off + r * (blocks + 1) + i;
                s->sum[width / s->vw](off[1] - off[0], t.e + off[0], block, t.acc + r * width, i == 0);
            }
        }
        for (int64_t r = 0; r < m; r++)
            for (int64_t j = 0; j < cols; j++) y[r * O + o + j] = bias ? t.acc[r * width + j] + bias[o + j] : t.acc[r * width + j];
    }
    return 1;
}

/* ---- linear_dw ----------------------------------------------------------------------------------------------------------------------- */

typedef struct dw_work {
    float *g, *tile;       /* [rows][panel]; [TURN][panel] */
    int32_t *off, *at;     /* [cols * groups + 1]; where the next entry of a column goes */
    uint16_t *e, *row;     /* rows of each column's spikes; columns of a row's */
} dw_work;

static size_t dw_work_of(uint32_t isa, int64_t rows, int64_t cols, int64_t most, void *scratch, dw_work *w) {
    int64_t panel = panel_width(isa), groups = (rows + HK_GROUP - 1) / HK_GROUP; /* at most */
    w->g = scratch;
    w->tile = w->g + rows * panel;
    w->off = (int32_t *)(w->tile + TURN * panel);
    w->at = w->off + cpu_up(cols * groups + 1, 16);
    w->row = (uint16_t *)(w->at + cpu_up(cols * groups, 16));
    w->e = w->row + cpu_up(cols + 8, 32);
    return (size_t)((char *)(w->e + (rows * cols + 99) / 100 * most + 64) - (char *)scratch);
}

size_t cpu_spike_linear_dw_scratch(uint32_t isa, int64_t rows, int64_t cols, int64_t most) {
    dw_work w;
    if (rows > 65535 || cols > 65535 || rows * cols > INT32_MAX) return 0;
    return dw_work_of(isa, rows, cols, most, NULL, &w);
}

int cpu_spike_linear_dw(uint32_t isa, int64_t most, int64_t groups, const int64_t *first, const uint8_t *const *x, const float *const *g, int64_t k0, int64_t cols, int64_t o0, int64_t on, int64_t K,
    float *out, void *scratch) {
    const cpu_spikes *s = cpu_spikes_isa[isa];
    int64_t rows = first[groups], n = 0;
    dw_work w;
    dw_work_of(isa, rows, cols, most, scratch, &w);
    for (int64_t r = 0; r < rows; r++) n += cpu_spike_count(cols, x[r] + k0);
    if (most < 100 && n > rows * cols / 100 * most) return 0;
    memset(w.off, 0, (size_t)(cols * groups + 1) * 4);
    for (int64_t j = 0; j < groups; j++)
        for (int64_t r = first[j]; r < first[j + 1]; r++)
            for (int64_t i = 0, m = cpu_spike_list(cols, x[r] + k0, 0, w.row); i < m; i++) w.off[w.row[i] * groups + j + 1]++;
    for (int64_t i = 0; i < cols * groups; i++) w.at[i] = w.off[i], w.off[i + 1] += w.off[i];
    for (int64_t j = 0; j < groups; j++)
        for (int64_t r = first[j]; r < first[j + 1]; r++)
            for (int64_t i = 0, m = cpu_spike_list(cols, x[r] + k0, 0, w.row); i < m; i++) w.e[w.at[w.row[i] * groups + j]++] = (uint16_t)r;
    for (int64_t o = 0, width; o < on; o += width) {
        width = cpu_min(panel_width(isa), cpu_up(on - o, s->vw));
        int64_t m = cpu_min(width, on - o);
        for (int64_t r = 0; r < rows; r++) {
            memcpy(w.g + r * width, g[r] + o0 + o, (size_t)m * 4);
            for (int64_t q = m; q < width; q++) w.g[r * width + q] = 0.0f;
        }
        for (int64_t k = 0; k < cols; k += TURN) {
            int64_t kn = cpu_min(TURN, cols - k);
            for (int64_t j = 0; j < groups; j += GROUPS)
                for (int64_t q = 0; q < kn; q++)
                    s->groups[width / s->vw](cpu_min(GROUPS, groups - j), w.off + (k + q) * groups + j, w.e, w.g, w.tile + q * width, j == 0);
            cpu_turn[isa](kn, m, w.tile, width, out + (o0 + o) * K + k0 + k, K);
        }
    }
    return 1;
}
