/* hillock/containers.h - what a C program hands to containers that take a function of its own. */
#ifndef HILLOCK_CONTAINERS_H
#define HILLOCK_CONTAINERS_H

#include "hillock/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ElementWiseRecurrent(sub_module, user): y[t] = sub_module(f(y[t-1], x[t])). f emits operations and returns the value of the same
 * shape as x; it is called once per plan, not per step. Hand a pointer to this struct to hk_module_set_user before the network is
 * built; it is kept by pointer and must outlive the network. */
typedef hk_value (*hk_ewr_function)(hk_builder *b, hk_value y1, hk_value x, void *arg); /* [main] y1: the previous output */
typedef struct hk_ewr_user {
    hk_ewr_function f;
    void *arg;
} hk_ewr_user;

#ifdef __cplusplus
}
#endif
#endif
