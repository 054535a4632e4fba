/* winograd.h - conv2d and conv2d_dx with few products; see winograd.c. */
#ifndef HILLOCK_CPU_WINOGRAD_H
#define HILLOCK_CPU_WINOGRAD_H

#include "cpu.h"

/* Whether a description that conv_new has checked goes this way: 3 x 3, stride 1, f32, and channels enough to pay or `conv=winograd`. */
int cpu_winograd_fits(const hk_device *, const hk_opdesc *);
hk_status cpu_winograd_new(hk_device *, const hk_opdesc *, cpu_plan **);

#endif
