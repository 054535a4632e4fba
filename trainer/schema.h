/* schema.h - the table of every section and key of a training's ini file. */
#ifndef HK_TRAINER_SCHEMA_H
#define HK_TRAINER_SCHEMA_H

#include "config/config.h"

extern const hk__schema hk__train_schema;

#endif
