/* upsample.c - Upsample: more places, each a copy of the nearest one, over one, two or three axes. */
#include "axes.h"
#include <math.h>
#include <stdlib.h>

static const hk_field fields[] = {
    { "size", HK_INTS, HK_NULLABLE, "none", 1, 65535, NULL, "places of y along each axis" },
    { "scale_factor", HK_REALS, HK_NULLABLE, "none", 1e-3, 65535, NULL, "places of y for each place of x; one number, or one for each axis" },
    { "mode", HK_ENUM, 0, "nearest", 0, 0, "nearest", "what new places become" },
    { "align_corners", HK_BOOL, HK_NULLABLE, "none", 0, 0, NULL, "only none: nearest has no corners" },
    { "recompute_scale_factor", HK_BOOL, HK_NULLABLE, "none", 0, 0, NULL, "true: places are found from the sizes of x and y, not from scale_factor" },
    STEP_MODE_FIELD,
};

static hk_status init(hk_module *self) {
    if (hk_is_none(self, "size") == hk_is_none(self, "scale_factor")) return self->api->fail(self, HK_ECONFIG, "give either size or scale_factor");
    if (!hk_is_none(self, "align_corners")) return self->api->fail(self, HK_ECONFIG, "align_corners must be none with mode=nearest");
    return HK_OK;
}

/* Where the n places of y come from: floor(i / scale), torch's rule, in float as there. */
static int64_t *sources(hk_builder *b, int64_t n, int64_t from, double scale) {
    int64_t *at = malloc((size_t)n * sizeof *at);
    if (!at) b->api->fail(b, HK_ENOMEM, "out of memory for the places of y");
    for (int64_t i = 0; at && i < n; i++) {
        at[i] = (int64_t)floorf((float)i * (float)(1.0 / scale));
        if (at[i] >= from) at[i] = from - 1;
    }
    return at;
}

static hk_value along(hk_builder *b, hk_value x, int64_t h, int64_t from_h, double sh, int64_t w, int64_t from_w, double sw) {
    int64_t *rows = sources(b, h, from_h, sh), *cols = sources(b, w, from_w, sw);
    hk_value y = rows && cols ? hk_nearest2d(b, x, h, rows, w, cols) : HK_NONE;
    free(rows), free(cols);
    return y;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_desc x = hk_value_desc(b, in[0]);
    const int axes = x.rank - 1, given = !hk_is_none(self, "size");
    int64_t size[4];
    double scale[4];
    if (x.dtype == HK_ABSENT)
        return b->api->fail(b, HK_ESHAPE, "the shape of the input is not known: what is fed back must pass a layer that says its shape first");
    if (x.rank < 2 || x.rank > 4)
        return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes, expected channels and one to three more", (int)x.rank);
    const int n = given ? hk_get_ints(self, "size", size, 4) : hk_get_reals(self, "scale_factor", scale, 4);
    if (n != 1 && n != axes) return b->api->fail(b, HK_ESHAPE, "%s has %d numbers, the input %d axes of places", given ? "size" : "scale_factor", n, axes);
    for (int a = axes - 1; a >= 0; a--) {
        const double from = (double)x.shape[1 + a];
        if (given) size[a] = size[n == 1 ? 0 : a];
        else scale[a] = scale[n == 1 ? 0 : a], size[a] = (int64_t)floor(from * scale[a]);
        if (size[a] < 1) return b->api->fail(b, HK_ESHAPE, "scale_factor=%g leaves no place of %g", scale[a], from);
        if (given || (!hk_is_none(self, "recompute_scale_factor") && hk_get_bool(self, "recompute_scale_factor"))) scale[a] = (double)size[a] / from;
    }
    const int64_t C = x.shape[0], *s = x.shape + 1;
    if (axes == 2) out[0] = along(b, in[0], size[0], s[0], scale[0], size[1], s[1], scale[1]);
    if (axes == 1) {
        const int64_t shape[2] = { C, size[0] };
        out[0] = hk_unflatten(b, along(b, as_shape3(b, in[0], C, 1, s[0]), 1, 1, 1.0, size[0], s[0], scale[0]), 2, shape);
    }
    if (axes == 3) { /* over height and width, then over depth as the height of a picture */
        const int64_t shape[4] = { C, size[0], size[1], size[2] }, P = size[1] * size[2];
        hk_value flat = along(b, as_shape3(b, in[0], C * s[0], s[1], s[2]), size[1], s[1], scale[1], size[2], s[2], scale[2]);
        out[0] = hk_unflatten(b, along(b, as_shape3(b, flat, C, s[0], P), size[0], s[0], scale[0], P, P, 1.0), 4, shape);
    }
    return HK_OK;
}

const hk_module_type upsample_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LAYER,
    .doc = "y[c,i,j] = x[c, floor(i / scale), floor(j / scale)], of [C,L], [C,H,W] or [C,D,H,W]",
    .source = "torch.nn.Upsample, mode nearest",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = init,
    .build = build,
};
