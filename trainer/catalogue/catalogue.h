/* catalogue.h - `hillock catalogue`: pages about every type there is, from the tables that the types register. command.c writes the pages, figure.c
 * the figures. */
#ifndef HK_CATALOGUE_H
#define HK_CATALOGUE_H

#include "trainer.h"

/* Draws what there is to see of a type: a neuron's response to a step current, a surrogate and its derivative, a scheduler's rates. HK_OK: drawn; HK_ENOTFOUND:
 * there is nothing to draw, or it cannot be made with its defaults; else the figure cannot be written, and why. */
hk_status hk__catalogue_figure(hk_context *, const char *iface, const char *id, const void *vtable, const char *path, char *why, size_t size);

#endif
