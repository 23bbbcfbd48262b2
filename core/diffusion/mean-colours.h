/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What colours the pictures of a class have on the whole. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionMeanColour:
 * @mean: of the pictures' mean red, green and blue, in [−1, 1]
 * @covariance: of the same
 *
 * How the mean colours of a class's pictures are spread.
 */
typedef struct
{
  double mean[3];
  double covariance[3][3];
} DiffusionMeanColour;

/**
 * DiffusionMeanColours:
 * @classes: how many
 * @each: (array length=classes)
 */
typedef struct
{
  guint classes;
  DiffusionMeanColour each[];
} DiffusionMeanColours;

/** diffusion_mean_colours_new: (transfer full): all at zero; to be freed with g_free(). */
DiffusionMeanColours *diffusion_mean_colours_new (guint classes);

/**
 * diffusion_mean_colour_infer:
 * @colour: the distribution, taken as Gaussian
 * @seen: a mean colour with noise
 * @variance: of that noise in each channel
 * @inferred: (out caller-allocates): E[colour | seen] = μ + Σ (Σ + variance · 1)⁻¹ (seen − μ)
 */
void diffusion_mean_colour_infer (const DiffusionMeanColour *colour, const double seen[3], double variance,
                                  double inferred[3]);

G_END_DECLS
