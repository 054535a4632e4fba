/* bench.h - what the files of `hillock bench` share: the workload at hand, times, lines, this machine's peaks, and single operations. */
#ifndef HK_BENCH_H
#define HK_BENCH_H

#include "command/command.h"
#include "trainer.h"

#define HK__BENCH_NAMES "csnn seq-plain seq-feedback seq-synapse lif-fc snn-conv neuron gemm conv spikes stream"

typedef struct hk__bench {
    const hk__options *o;
    const char *name; /* of the workload, as it was given */
    hk__conf *conf;
    int64_t iters; /* --iters, or the default */
} hk__bench;

/* Sorts n times and returns the median. */
double hk__bench_median(double *t, int64_t n);
/* One line in the format of the peers' benchmark, or one JSON object. t: sorted here. more: behind the line ("" none); more_json: members, each
 * with a comma before it. */
void hk__bench_line(
    const hk__bench *, const char *what, const char *phase, int64_t batch, int threads, double *t, int64_t n, const char *more, const char *more_json);

/* ---- peak.c: what this machine can do, measured now ---- */
typedef struct hk__peak {
    double flops, bytes; /* per second: multiply-adds from registers, at the instruction set level in use; triad over memory */
} hk__peak;
hk_status hk__peak_measure(hk__bench *, int threads, uint32_t isa, hk__peak *);
void hk__peak_print(const hk__bench *, const hk__peak *, int threads, uint32_t isa);

/* ---- case.c: one line of [cases]: a module, a network of it alone, random input and upstream gradient ---- */
typedef struct hk__case {
    hk__job *j;
    const char *key, *name, *text; /* name: the key without the shape */
    int64_t shape[HK_MAX_RANK];
    int rank;
    hk_module *root;
    hk_network *net;
    hk_executor *train, *infer;
} hk__case;
/* encode >= 0: the input are spikes, this part of them ones; else numbers, seq = 1 for every step. EITHER executor is made when asked for. */
hk_status hk__case_new(hk__job *, int i, double encode, hk__case **out);
hk_status hk__case_train(hk__case *, double mean, double spread); /* forward and backward from an upstream gradient, ready to run */
hk_status hk__case_infer(hk__case *, double mean, double spread);
void hk__case_free(hk__case *);
hk_status hk__case_fail(hk__case *, hk_status);
/* Times of single operations of the training executor, by run. */
typedef struct hk__op_times {
    hk_op_time op; /* flop and bytes of one run */
    double *t;     /* [iters], sorted */
    double median;
} hk__op_times;
hk_status hk__case_ops(hk__case *, int64_t iters, hk__op_times **out, int *n); /* free each t, then *out */

/* ---- workloads ---- */
hk_status hk__bench_network(hk__bench *);
hk_status hk__bench_products(hk__bench *); /* gemm, conv */
hk_status hk__bench_spikes(hk__bench *);
hk_status hk__bench_neuron(hk__bench *);
hk_status hk__bench_stream(hk__bench *);

#endif
