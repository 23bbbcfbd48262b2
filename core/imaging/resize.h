/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures to another size, as the published networks expect it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * diffusion_resize_bilinear:
 * @n: pictures
 * @h: rows of @in
 * @w: columns of @in
 * @c: channels
 * @in: [n, h, w, c]
 * @out_h: rows of @out
 * @out_w: columns of @out
 * @out: (out caller-allocates): [n, out_h, out_w, c]
 *
 * Bilinear interpolation between pixel centres (half-pixel centres, clamped at the borders), without smoothing: what
 * super-resolution networks are given their low-resolution picture with.
 */
void diffusion_resize_bilinear (gsize n, gsize h, gsize w, gsize c, const float *in, gsize out_h, gsize out_w,
                                float *out);

G_END_DECLS
