/* type_doc.c - what a registered type says of itself, by interface: one place that knows where each vtable keeps it. */
#include "trainer.h"
#include <string.h>

#define DOC(T) ((hk__type_doc){ ((const T *)vt)->doc, ((const T *)vt)->source, ((const T *)vt)->fields, ((const T *)vt)->n_fields })
hk__type_doc hk__type_doc_of(const char *iface, const void *vt) {
    if (!strcmp(iface, "hk.module/1")) return DOC(hk_module_type);
    if (!strcmp(iface, "hk.neuron/1")) return DOC(hk_neuron_type);
    if (!strcmp(iface, "hk.surrogate/1")) return DOC(hk_surrogate_type);
    if (!strcmp(iface, "hk.optimizer/1")) return DOC(hk_optimizer_type);
    if (!strcmp(iface, "hk.learner/1")) return DOC(hk_learner_type);
    if (!strcmp(iface, "hk.scheduler/1")) return DOC(hk_scheduler_type);
    if (!strcmp(iface, "hk.dataset/1")) return DOC(hk_dataset_type);
    if (!strcmp(iface, "hk.backend/1")) return (hk__type_doc){ ((const hk_backend *)vt)->doc, NULL, NULL, 0 };
    if (!strcmp(iface, "hk.op/1")) return (hk__type_doc){ ((const hk_op_type *)vt)->doc, ((const hk_op_type *)vt)->source, NULL, 0 };
    return (hk__type_doc){ NULL, NULL, NULL, 0 };
}
