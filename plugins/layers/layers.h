/* layers.h - the types of this family; each has its own file. */
#ifndef LAYERS_H
#define LAYERS_H

#include "hillock/plugin.h"

extern const hk_module_type linear_type, flatten_type, fire_type, column_as_time_type, mean_t_type, conv2d_type, batch_norm2d_type, max_pool2d_type,
    avg_pool2d_type, adaptive_avg_pool2d_type, dropout_type, dropout2d_type, voting_type;
extern const hk_module_type conv1d_type, conv3d_type, conv_transpose1d_type, conv_transpose2d_type, conv_transpose3d_type, max_pool1d_type, max_pool3d_type,
    avg_pool1d_type, avg_pool3d_type, adaptive_avg_pool1d_type, adaptive_avg_pool3d_type, upsample_type, ws_conv2d_type, ws_linear_type;
extern const hk_module_type batch_norm1d_type, batch_norm3d_type, threshold_batch_norm1d_type, threshold_batch_norm2d_type, threshold_batch_norm3d_type,
    effective_batch_norm1d_type, effective_batch_norm2d_type, effective_batch_norm3d_type, through_time_norm1d_type, through_time_norm2d_type,
    through_time_norm3d_type, group_norm_type, neu_norm_type, delay_type;
extern const hk_module_type spiking_self_attention_type, token_qk_attention_type, channel_qk_attention_type, temporal_wise_attention_type,
    multi_dimensional_attention_type, drop_connect_linear_type, spiking_lstm_type, spiking_gru_type, spiking_vanilla_rnn_type;

extern const hk_op_type drop_connect_op, drop_connect_mean_op;

/* The core sees this field: "s" builds the module inside a loop over the time steps. */
#define STEP_MODE_FIELD { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "m: all time steps at once; s: one after the other, with equal results" }

#endif
