/* plugin.c - the family of layers. A new layer is one file, one line in layers.h and one here. */
#include "layers.h"

static hk_status init(const hk_host *host) {
    static const struct {
        const char *id;
        const hk_module_type *type;
    } types[] = {
        { "Linear", &linear_type },
        { "Flatten", &flatten_type },
        { "Fire", &fire_type },
        { "ColumnAsTime", &column_as_time_type },
        { "MeanT", &mean_t_type },
        { "Conv2d", &conv2d_type },
        { "BatchNorm2d", &batch_norm2d_type },
        { "MaxPool2d", &max_pool2d_type },
        { "AvgPool2d", &avg_pool2d_type },
        { "AdaptiveAvgPool2d", &adaptive_avg_pool2d_type },
        { "Dropout", &dropout_type },
        { "Dropout2d", &dropout2d_type },
        { "VotingLayer", &voting_type },
        { "Conv1d", &conv1d_type },
        { "Conv3d", &conv3d_type },
        { "ConvTranspose1d", &conv_transpose1d_type },
        { "ConvTranspose2d", &conv_transpose2d_type },
        { "ConvTranspose3d", &conv_transpose3d_type },
        { "WSConv2d", &ws_conv2d_type },
        { "WSLinear", &ws_linear_type },
        { "BatchNorm1d", &batch_norm1d_type },
        { "BatchNorm3d", &batch_norm3d_type },
        { "GroupNorm", &group_norm_type },
        { "NeuNorm", &neu_norm_type },
        { "ThresholdDependentBatchNorm1d", &threshold_batch_norm1d_type },
        { "ThresholdDependentBatchNorm2d", &threshold_batch_norm2d_type },
        { "ThresholdDependentBatchNorm3d", &threshold_batch_norm3d_type },
        { "TemporalEffectiveBatchNorm1d", &effective_batch_norm1d_type },
        { "TemporalEffectiveBatchNorm2d", &effective_batch_norm2d_type },
        { "TemporalEffectiveBatchNorm3d", &effective_batch_norm3d_type },
        { "BatchNormThroughTime1d", &through_time_norm1d_type },
        { "BatchNormThroughTime2d", &through_time_norm2d_type },
        { "BatchNormThroughTime3d", &through_time_norm3d_type },
        { "MaxPool1d", &max_pool1d_type },
        { "MaxPool3d", &max_pool3d_type },
        { "AvgPool1d", &avg_pool1d_type },
        { "AvgPool3d", &avg_pool3d_type },
        { "AdaptiveAvgPool1d", &adaptive_avg_pool1d_type },
        { "AdaptiveAvgPool3d", &adaptive_avg_pool3d_type },
        { "Upsample", &upsample_type },
        { "Delay", &delay_type },
        { "SpikingSelfAttention", &spiking_self_attention_type },
        { "TokenQKAttention", &token_qk_attention_type },
        { "ChannelQKAttention", &channel_qk_attention_type },
        { "TemporalWiseAttention", &temporal_wise_attention_type },
        { "MultiDimensionalAttention", &multi_dimensional_attention_type },
        { "DropConnectLinear", &drop_connect_linear_type },
        { "SpikingLSTM", &spiking_lstm_type },
        { "SpikingGRU", &spiking_gru_type },
        { "SpikingVanillaRNN", &spiking_vanilla_rnn_type },
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && !st; i++) st = host->add(host->ctx, "hk.module/1", types[i].id, types[i].type);
    if (!st) st = host->add(host->ctx, "hk.op/1", "drop_connect", &drop_connect_op);
    return st ? st : host->add(host->ctx, "hk.op/1", "drop_connect_mean", &drop_connect_mean_op);
}

HK_PLUGIN("hillock.layers", "0.1.0", "Apache-2.0", init);
