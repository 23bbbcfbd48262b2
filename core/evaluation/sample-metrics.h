/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How samples compare with pictures: kernel distance, spectra, nearest neighbours on the torus, seams. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * diffusion_kernel_distance:
 * @n: samples, at least 2
 * @x: [n, d] their features
 * @m: pictures, at least 2
 * @y: [m, d] theirs
 * @d: features
 *
 * The unbiased estimate of the squared maximum mean discrepancy with the kernel (x·y/d + 1)³: the kernel inception distance
 * (Bińkowski et al. 2018, eq. 4) on any features. About 0, also below it, where both are drawn alike.
 */
double diffusion_kernel_distance (gsize n, const float *x, gsize m, const float *y, gsize d);

/**
 * diffusion_fourier:
 * @size: a power of two
 * @inverse: without the factor 1/size²
 * @real: (inout): [size, size]
 * @imaginary: (inout): [size, size]
 *
 * The discrete Fourier transform of a square, in place.
 */
void diffusion_fourier (gsize size, gboolean inverse, float *real, float *imaginary);

/**
 * diffusion_spectrum:
 * @size: a power of two
 * @picture: [size, size, 3]
 * @power: (out caller-allocates): [size/2 + 1]: mean power of the brightness at each whole number of waves
 *
 * Brightness is the mean of the channels. Corners of the spectrum beyond size/2 waves count to the last number.
 */
void diffusion_spectrum (gsize size, const float *picture, double *power);

/** DiffusionTorus: a picture that is compared with others at all shifts: its transform and its sum of squares. */
typedef struct
{
  gsize size;
  float *real, *imaginary; /* [3, size, size] */
  double squares;
} DiffusionTorus;

/** diffusion_torus_new: (transfer full): @picture is [size, size, 3], @size a power of two. */
DiffusionTorus *diffusion_torus_new (gsize size, const float *picture);
void diffusion_torus_free (DiffusionTorus *torus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionTorus, diffusion_torus_free)

/**
 * diffusion_torus_distance:
 *
 * Returns: the root mean square of the difference at the circular shift of @b where it is least
 */
double diffusion_torus_distance (const DiffusionTorus *a, const DiffusionTorus *b);

/**
 * diffusion_wrap_seam:
 * @picture: [height, width, 3]
 *
 * Returns: the mean absolute difference of opposite edges over that of neighbouring pixels inside: about 1 for a tile
 */
double diffusion_wrap_seam (gsize height, gsize width, const float *picture);

G_END_DECLS
