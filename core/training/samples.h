/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures that show how far a training is. */
#pragma once

#include "core/training/photo-task.h"
#include "core/training/unet-task.h"

G_BEGIN_DECLS

/**
 * diffusion_samples_grid:
 * @pictures: [n, height, width, 3] in [-1, 1]
 * @grid_width: (out): columns of the result
 * @grid_height: (out): rows
 *
 * Returns: (transfer full): [grid_height, grid_width, 3] in 0 to 1: the pictures beside and below each other, nearly
 *   in a square, a gap between them
 */
float *diffusion_samples_grid (const float *pictures, gsize n, gint width, gint height, gint *grid_width,
                               gint *grid_height);

/**
 * diffusion_samples_unet:
 * @options: what is trained; no classifier
 * @dataset: its pictures, for upsamplers
 * @weights: a block in working order
 * @n: how many
 * @size: of a picture
 * @seed: of the noise: the same seed shows the same pictures become better
 * @width: (out): columns of a sample: @size, or twice that for upsamplers, whose samples stand beside what they saw
 *
 * 20 steps of DPM-Solver++, or of DDIM where the network predicts μ; the classes in turn.
 *
 * Returns: (transfer full) (nullable): [n, size, width, 3] in [-1, 1]
 */
float *diffusion_samples_unet (const DiffusionUnetTaskOptions *options, const DiffusionDataset *dataset,
                               const float *weights, gsize n, gint size, guint64 seed, gint *width,
                               GCancellable *cancellable, GError **error);

/**
 * diffusion_samples_photo:
 *
 * Like diffusion_samples_unet(): patches with white noise from weak to strong, and beside them x̂_0 of one pass.
 */
float *diffusion_samples_photo (const DiffusionPhotoTaskOptions *options, const DiffusionDataset *dataset,
                                const float *weights, gsize n, gint size, guint64 seed, gint *width,
                                GCancellable *cancellable, GError **error);

/**
 * diffusion_samples_reduce:
 * @pictures: [n, size, size, 3]
 * @factor: 1 or more; what is left over at the right and below is left out
 *
 * Returns: (transfer full): [n, size / factor, size / factor, 3]: means of factor × factor pixels
 */
float *diffusion_samples_reduce (const float *pictures, gsize n, gsize size, gsize factor);

G_END_DECLS
