/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How strong the noise of a picture is, found by denoising parts of it and looking at what came off. */
#pragma once

#include <gio/gio.h>

#include "core/imaging/noise-map.h"
#include "core/imaging/picture.h"
#include "core/model/photo-folder.h"

G_BEGIN_DECLS

/* Classes of brightness of a noise curve. */
#define DIFFUSION_NOISE_BINS 8

/**
 * DiffusionNoiseLevel:
 * @sigma: the σ to denoise with, 0..255 units; 0 where no noise was found
 * @deviation: root mean square of the noise, 0..255 units
 * @correlation: of the noise with that of the next pixel: near 0 is white, a camera's is 0.5 and more
 * @curve: deviation of red, green and blue by brightness, [3][%DIFFUSION_NOISE_BINS] from black to white, 0..255 units;
 *   negative where the picture has nothing flat of that brightness
 * @map: @sigma everywhere, or other levels where parts of the picture clearly have more or less noise
 */
typedef struct
{
  double sigma;
  double deviation;
  double correlation;
  double curve[3][DIFFUSION_NOISE_BINS];
  DiffusionNoiseMap map;
} DiffusionNoiseLevel;

/**
 * diffusion_noise_level_estimate:
 * @model: the photo model
 * @picture: read only
 * @level: (out): what was found
 * @cancellable: (nullable): stops within a layer of the network
 *
 * Denoises at most 16 parts of the picture, spread evenly, at falling levels. Where the picture is flat, what a level
 * above the noise's own takes off is the noise, correlated or not; texture goes on giving more at higher levels, and what
 * repeats itself is a pattern, none. Where there is little to look at, only noise that is plain counts. Depends
 * neither on the number of threads nor on tiles.
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_MEMORY, %G_IO_ERROR_CANCELLED or an error of the picture
 */
gboolean diffusion_noise_level_estimate (DiffusionPhotoModel *model, DiffusionPicture *picture,
                                         DiffusionNoiseLevel *level, GCancellable *cancellable, GError **error);

G_END_DECLS
