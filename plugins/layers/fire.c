/* fire.c - the spike function alone: y = 1 where x >= 0, with a surrogate's derivative. Neurons have their own. */
#include "layers.h"

static const hk_field fields[] = {
    { "surrogate", HK_OBJECT, 0, "Sigmoid()", 0, 0, "hk.surrogate/1", "derivative used backward" },
    { "strict", HK_BOOL, 0, "false", 0, 0, NULL, "fire at x > 0 instead of x >= 0" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_surrogate s = hk_surrogate_of(hk_get_object(self, "surrogate"));
    const hk_surrogate *kept = hk_keep(b, &s, sizeof s); /* the operation keeps the pointer */
    if (kept) out[0] = hk_fire(b, in[0], kept, hk_get_bool(self, "strict"), b->api->spiking(b));
    return HK_OK;
}

const hk_module_type fire_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y = 1 where x >= 0, else 0; dy/dx = s'(x) of the surrogate",
    .source = "spikingjelly.activation_based.surrogate",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
