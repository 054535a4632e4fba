/* schema.h - the tables of every section and key: of a training's ini file, and of one with single operations to be timed. */
#ifndef HK_TRAINER_SCHEMA_H
#define HK_TRAINER_SCHEMA_H

#include "config/config.h"

extern const hk__schema hk__train_schema;
extern const hk__schema hk__bench_schema; /* hillock bench gemm|conv|spikes|neuron */

#endif
