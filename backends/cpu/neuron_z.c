/* neuron_z.c - operation neuron_z: the firing variables of a neuron over all steps, for those who look at them; the step itself is neuron.c's. */
#include "neuron.h"

static void z_block(const neuron_plan *P, const hk_bind *b, neuron_work *w, int64_t jb, int64_t je) {
    hk_neuron_args a = { 0 };
    for (int64_t t = 0; t < b->T; t++)
        for (int64_t j = jb; j < je; j += CPU_NEURON_TILE) {
            int64_t m = cpu_min(CPU_NEURON_TILE, je - j);
            neuron_args_init(P, b, w, t, j, m, &a);
            for (int k = 0; k < P->ns; k++) {
                a.s[k] = t ? w->state[k] + (j - jb) : cpu_src_get(&P->s0[k], b->ptr[1 + k], b, 0, j, m, w->in[k]);
                a.s1[k] = w->state[k] + (j - jb);
            }
            for (int k = 0; k < P->nf; k++) {
                float *z = cpu_out_ptr(&P->base, b, k);
                a.z[k] = z ? z + t * b->n * P->E + j : w->z[k];
            }
            P->k->pre(&a);
            a.spike = P->bytes ? w->spike : NULL, a.y = P->bytes ? NULL : w->y;
            neuron_forward_step(P, w, &a);
        }
}

static hk_status z_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    const neuron_plan *P = (const neuron_plan *)p;
    int64_t end = cpu_min(hi * P->unit, b->n * P->E);
    neuron_work w;
    neuron_work_init(P, 0, b->T, b, scratch, &w);
    for (int64_t j = lo * P->unit; j < end; j += P->outer) z_block(P, b, &w, j, cpu_min(j + P->outer, end));
    return HK_OK;
}

hk_status neuron_z_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = neuron_plan_new(dev, o, 0, out);
    if (s != HK_OK) return s;
    neuron_plan *P = (neuron_plan *)*out;
    neuron_work w;
    P->outer = CPU_NEURON_TILE;
    P->base.run = z_run;
    P->base.scratch = neuron_work_init(P, 0, o->T, NULL, NULL, &w);
    return HK_OK;
}
