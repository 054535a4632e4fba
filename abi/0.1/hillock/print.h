/* hillock/print.h - the layout print: a number mixed from the size and offsets of every struct of the plugin border.
 * Host and plugin each compute it from the headers they were compiled with; while the ABI is 0.x they must be equal. */
#ifndef HILLOCK_PRINT_H
#define HILLOCK_PRINT_H

#define HK_PRINT_MIX(h, v) (((h) ^ (uint64_t)(v)) * UINT64_C(0x100000001b3))
#define HK_PRINT_2(h, T, last) HK_PRINT_MIX(HK_PRINT_MIX((h), sizeof(T)), offsetof(T, last))
#define HK_PRINT_A HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(UINT64_C(0xcbf29ce484222325), hk_desc, shape), hk_field, doc), hk_module_api, add_param_values), hk_attr, p)
#define HK_PRINT_B HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_A, hk_builder_api, neuron), hk_module_type, target), hk_scheduler_type, lr), hk_dataset_type, bytes)
#define HK_PRINT_C HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_B, hk_host, free), hk_plugin_entry, deinit), hk_neuron_args, gp), hk_neuron_kernel, bwd_gp)
#define HK_PRINT_D HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_C, hk_state_field, def), hk_neuron_type, build), hk_surrogate_kernel, forward), hk_surrogate_type, random)
#define HK_PRINT_E HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_D, hk_surrogate, p), hk_neuron, spiking), hk_optimizer_kernel, update), hk_optimizer_type, n_kernel)
#define HK_PRINT_F HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_E, hk_opdesc, constant), hk_step, opt), hk_bind, kept), hk_query, kept)
#define HK_PRINT_G HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_F, hk_stream, threads), hk_backend, plan_prepare), hk_op_view, attr), hk_grad_call, output)
#define HK_ABI_PRINT HK_PRINT_2(HK_PRINT_2(HK_PRINT_2(HK_PRINT_G, hk_op_type, scratch), hk_learner_view, out), hk_learner_type, build)

#endif
