/* tables.h - every table of operations of the cpu backend. A new subject is a new file and one line here. */
#ifndef HILLOCK_CPU_TABLES_H
#define HILLOCK_CPU_TABLES_H

#include "cpu.h"

#define CPU_TABLES(X)                                                                                                                                          \
    X(cpu_ops_linear)                                                                                                                                          \
    X(cpu_ops_linear_neuron) \
    X(cpu_ops_linear_table)                                                                                                                                    \
    X(cpu_ops_neuron)                                                                                                                                          \
    X(cpu_ops_fire)                                                                                                                                            \
    X(cpu_ops_pointwise)                                                                                                                                       \
    X(cpu_ops_reduce)                                                                                                                                          \
    X(cpu_ops_shape)                                                                                                                                           \
    X(cpu_ops_bits)                                                                                                                                            \
    X(cpu_ops_time)                                                                                                                                            \
    X(cpu_ops_image)                                                                                                                                           \
    X(cpu_ops_random)                                                                                                                                          \
    X(cpu_ops_moment)                                                                                                                                          \
    X(cpu_ops_loss)                                                                                                                                            \
    X(cpu_ops_pairs)                                                                                                                                           \
    X(cpu_ops_conv2d)                                                                                                                                          \
    X(cpu_ops_conv2d_dw)                                                                                                                                       \
    X(cpu_ops_conv_pool)                                                                                                                                       \
    X(cpu_ops_pool)                                                                                                                                            \
    X(cpu_ops_batchnorm)                                                                                                                                       \
    X(cpu_ops_groupnorm)                                                                                                                                       \
    X(cpu_ops_matmul)                                                                                                                                          \
    X(cpu_ops_nearest)                                                                                                                                         \
    X(cpu_ops_group)                                                                                                                                           \
    X(cpu_ops_optimizer)                                                                                                                                       \
    X(cpu_ops_guard)                                                                                                                                           \
    X(cpu_ops_update)

#define CPU_TABLE_EXTERN(name) extern const cpu_op name[];
CPU_TABLES(CPU_TABLE_EXTERN)
#undef CPU_TABLE_EXTERN

/* What no table has, and a plugin brings: plugin_op.c. */
hk_status cpu_plugin_new(hk_device *, const hk_opdesc *, hk_op_plan **);

#endif
