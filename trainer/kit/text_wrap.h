/* text_wrap.h - functions with external names around a text's, as code in the dialect; T(f) and W(f) make the names. */
#ifndef HK_TEXT_WRAP_H
#define HK_TEXT_WRAP_H

#define IN "const hk_real *"
static const char wrap_neuron[] =
    "WRAP void W(pre)(" IN "x, " IN "s, " IN "p, hk_real *h, hk_real *z);\n"
    "WRAP void W(pre)(" IN "x, " IN "s, " IN "p, hk_real *h, hk_real *z) { T(pre)(x, s, p, h, z); }\n"
    "WRAP void W(post)(" IN "h, " IN "f, " IN "r, " IN "s, " IN "p, hk_real *y, hk_real *s1);\n"
    "WRAP void W(post)(" IN "h, " IN "f, " IN "r, " IN "s, " IN "p, hk_real *y, hk_real *s1) { T(post)(h, f, r, s, p, y, s1); }\n"
    "WRAP void W(pre_bwd)(" IN "x, " IN "s, " IN "p, " IN "gh, " IN "gz, hk_real *gx, hk_real *gs, hk_real *gp);\n"
    "WRAP void W(pre_bwd)(" IN "x, " IN "s, " IN "p, " IN "gh, " IN "gz, hk_real *gx, hk_real *gs, hk_real *gp) { T(pre_bwd)(x, s, p, gh, gz, gx, gs, gp); }\n"
    "WRAP void W(post_bwd)(" IN "h, " IN "f, " IN "r, " IN "s, " IN "p, " IN "gy, " IN
    "gs1, hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp);\n"
    "WRAP void W(post_bwd)(" IN "h, " IN "f, " IN "r, " IN "s, " IN "p, " IN "gy, " IN
    "gs1, hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {\n"
    "    T(post_bwd)(h, f, r, s, p, gy, gs1, gh, gf, gr, gs, gp);\n"
    "}\n";
static const char wrap_optimizer[] = "WRAP void W(update)(hk_real *w, hk_real g, hk_real *s, " IN "c);\n"
                                     "WRAP void W(update)(hk_real *w, hk_real g, hk_real *s, " IN "c) { T(update)(w, g, s, c); }\n";
#define WRAP_SURROGATE(f) "WRAP hk_real W(" f ")(hk_real x, " IN "p);\nWRAP hk_real W(" f ")(hk_real x, " IN "p) { return T(" f ")(x, p); }\n"
static const char wrap_grad[] = WRAP_SURROGATE("grad"), wrap_primitive[] = WRAP_SURROGATE("primitive"), wrap_forward[] = WRAP_SURROGATE("forward");
#undef IN

#endif
