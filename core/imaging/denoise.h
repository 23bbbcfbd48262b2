/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising pictures of any size with the photo model, in one pass at matched t. */
#pragma once

#include "core/imaging/tiles.h"
#include "core/model/photo-folder.h"

G_BEGIN_DECLS

/* DiffusionDenoiseOptions.sigma: estimate it from the picture. */
#define DIFFUSION_SIGMA_AUTO (-1.0)
#define DIFFUSION_SIGMA_MAX 255.0

/**
 * DiffusionDenoiseOptions:
 * @sigma: deviation of the noise, 0..255 units; 0 changes nothing; %DIFFUSION_SIGMA_AUTO estimates it
 * @strength: how much of the noise is taken away, 0 to 1 (above 1: more than was found, up to 2, by a higher σ)
 * @luma: share of @strength for brightness, 0 to 1
 * @chroma: share of @strength for colour, 0 to 1
 * @region: (nullable) (array fixed-size=4): x, y, width, height of the part to compute; %NULL: all
 * @tile: side of the tiles, 0 chooses
 * @memory_limit: bytes over the picture itself; 0 for the default of 1 GiB
 */
typedef struct
{
  double sigma;
  double strength;
  double luma;
  double chroma;
  const gint *region;
  gint tile;
  gsize memory_limit;
} DiffusionDenoiseOptions;

/** diffusion_denoise_options_default: everything estimated, full strength. */
DiffusionDenoiseOptions diffusion_denoise_options_default (void);

/**
 * DiffusionDenoiseReport:
 * @sigma: the deviation that was used (the mean where it differs over the picture), 0..255 units
 * @peak_bytes: planned memory over the picture itself
 */
typedef struct
{
  double sigma;
  gsize peak_bytes;
} DiffusionDenoiseReport;

/**
 * diffusion_denoise:
 * @model: the photo model
 * @picture: read and written; samples are R'G'B' or Y' of the picture's own space, 0 to 1
 * @options: what to do
 * @report: (out) (optional): what was done
 * @progress: (nullable) (scope call): told after tiles
 * @cancellable: (nullable): stops within a layer of the network
 *
 * Treats y = x_0 + σ·noise as x_t = √ᾱ·y at the t where √((1 − ᾱ)/ᾱ) = 2σ/255 and replaces it by
 * x̂_0 = (x_t − √(1 − ᾱ)·ε̂)/√ᾱ, the posterior mean (DDPM eq. 15 at one step). The result depends neither on the
 * number of threads nor, beyond rounding, on the size of the tiles.
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_INVALID, %DIFFUSION_ERROR_MEMORY, %G_IO_ERROR_CANCELLED or an error of the
 *   picture
 */
gboolean diffusion_denoise (DiffusionPhotoModel *model, DiffusionPicture *picture,
                            const DiffusionDenoiseOptions *options, DiffusionDenoiseReport *report,
                            DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                            GError **error);

G_END_DECLS
