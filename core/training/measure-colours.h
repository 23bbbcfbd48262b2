/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mean colours of the pictures that are trained on. */
#pragma once

#include "core/diffusion/mean-colours.h"
#include "core/training/dataset.h"

G_BEGIN_DECLS

/**
 * diffusion_measure_colours:
 * @dataset: whole pictures, such as tiles
 *
 * Means and covariances over the pictures of each class, or over all without classes. Where a class has few pictures, the
 * covariance goes towards that of all classes, each around its own mean, as if three of its pictures were spread so.
 *
 * Returns: (transfer full): to be freed with g_free()
 */
DiffusionMeanColours *diffusion_measure_colours (const DiffusionDataset *dataset);

G_END_DECLS
