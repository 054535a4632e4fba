/* bits.c - bytes of small numbers as bits, and back: how a plan keeps spikes that are read much later (core/exec/replay.c). */
#include "op/op.h"

HK_INFER(pack_infer) { /* x u8[...] -> count[bytes] */
    int64_t bytes[1] = { (hk_desc_elems(&in[0]) + 7) / 8 * hk__attr_int(n, "bits") };
    out[0] = hk__desc(HK_COUNT, in[0].flags, 1, bytes);
    (void)b;
}

HK_INFER(unpack_infer) {
    out[0] = hk__shape_from(n, in[0].flags);
    out[0].dtype = (uint8_t)hk__attr_int(n, "dtype");
    (void)b;
}

const hk__op hk__ops_bits[] = {
    { "pack", HK_TIME_POINT, HK_OP_FIXED, pack_infer, NULL, "bytes to bits" },
    { "unpack", HK_TIME_POINT, HK_OP_FIXED, unpack_infer, NULL, "bits to bytes" },
    { 0 },
};
