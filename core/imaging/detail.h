/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fine structure found in what was taken for noise. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Pixels beyond which nothing reaches a pixel of the result. */
#define DIFFUSION_DETAIL_RADIUS 17

/* What diffusion_detail_recover() needs for each pixel, bytes. */
#define DIFFUSION_DETAIL_BYTES_PER_PIXEL (5 * sizeof (float))

/**
 * diffusion_detail_recover:
 * @in: [height, width, 3] the noisy picture, 0 to 1
 * @width: columns
 * @height: rows
 * @sigma: deviation that the brightness of pure noise has, 0 to 1 units
 * @amount: 0 changes nothing, 1 brings back all that was found
 * @out: (inout): [height, width, 3] the picture without noise, 0 to 1
 * @error: return location for %DIFFUSION_ERROR_MEMORY
 *
 * Splits the brightness of in − out into three bands d_b by the à trous wavelet of the B3 spline, in which noise has
 * the variance n_b = (g_b·σ)². Where the mean e of d_b² over 7×7 pixels is more than noise would be, it is structure
 * that went with the noise, and Wiener's share of it comes back: out += amount·Σ_b max (0, 1 − 2·n_b/e)·d_b. On noise
 * alone, e hardly ever reaches 2·n_b. Colour is left as it is.
 */
gboolean diffusion_detail_recover (const float *in, gint width, gint height, double sigma, double amount, float *out,
                                   GError **error);

G_END_DECLS
