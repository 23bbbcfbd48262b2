/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising pictures of any size with the photo model, from the matched t in one pass or several. */
#pragma once

#include "core/imaging/noise-map.h"
#include "core/imaging/tiles.h"
#include "core/model/photo-folder.h"

G_BEGIN_DECLS

/* DiffusionDenoiseOptions.sigma: estimate it from the picture. */
#define DIFFUSION_SIGMA_AUTO (-1.0)
#define DIFFUSION_SIGMA_MAX 255.0
#define DIFFUSION_DENOISE_MAX_PASSES 8

/**
 * DiffusionDenoisePrecision:
 * @DIFFUSION_DENOISE_PRECISION_AUTO: bfloat16 for pictures of 8 bits where the processor multiplies it faster, float32 for
 *   all others. The results of both differ by one level of 255 at most
 * @DIFFUSION_DENOISE_PRECISION_F32: float32
 * @DIFFUSION_DENOISE_PRECISION_BF16: bfloat16, sums in float32
 *
 * Of the network's products; the noise estimate's are float32 always.
 */
typedef enum
{
  DIFFUSION_DENOISE_PRECISION_AUTO,
  DIFFUSION_DENOISE_PRECISION_F32,
  DIFFUSION_DENOISE_PRECISION_BF16
} DiffusionDenoisePrecision;

/** diffusion_denoise_precisions: (array zero-terminated=1): their names: "auto", "f32", "bf16". */
extern const char *const diffusion_denoise_precisions[];

/**
 * DiffusionDenoiseOptions:
 * @sigma: deviation of the noise, 0..255 units; 0 changes nothing; %DIFFUSION_SIGMA_AUTO takes it from @map or estimates
 *   it
 * @map: (nullable): with %DIFFUSION_SIGMA_AUTO, the levels that diffusion_noise_level_estimate() found in this picture
 * @strength: how much of the noise is taken away, 0 to 1 (above 1: more than was found, up to 2, by a higher σ)
 * @luma: share of @strength for brightness, 0 to 1
 * @chroma: share of @strength for colour, 0 to 1
 * @detail: how much of the fine structure that went with the noise is brought back, 0 to 1: see
 *   diffusion_detail_recover()
 * @passes: 1: the posterior mean; up to %DIFFUSION_DENOISE_MAX_PASSES: sharper, closer to how such pictures look and
 *   farther from this one
 * @precision: of the products
 * @region: (nullable) (array fixed-size=4): x, y, width, height of the part to compute; %NULL: all
 * @tile: side of the tiles, 0 chooses
 * @memory_limit: bytes over the picture itself; 0 for %DIFFUSION_TILE_MEMORY
 */
typedef struct
{
  double sigma;
  const DiffusionNoiseMap *map;
  double strength;
  double luma;
  double chroma;
  double detail;
  gint passes;
  DiffusionDenoisePrecision precision;
  const gint *region;
  gint tile;
  gsize memory_limit;
} DiffusionDenoiseOptions;

/** diffusion_denoise_options_default: everything estimated, full strength, one pass, no details brought back. */
DiffusionDenoiseOptions diffusion_denoise_options_default (void);

/**
 * DiffusionDenoiseReport:
 * @sigma: the deviation that was used (the mean where it differs over the picture), 0..255 units
 * @least: the lowest of the picture
 * @most: the highest
 * @peak_bytes: planned memory over the picture itself
 * @computed: pixels that go through the network, counted once for each pass: the time is proportional to them
 */
typedef struct
{
  double sigma;
  double least, most;
  gsize peak_bytes;
  double computed;
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
 * x̂_0 = (x_t − √(1 − ᾱ)·ε̂)/√ᾱ, the posterior mean (DDPM eq. 15 at one step). With N passes, x̂_0 and ε̂ are taken to
 * the next of N equally spaced noise levels instead (DDIM with η = 0), and looked at again. Where the noise differs over the
 * picture, each part is done at its own level, and where two meet both results fade into each other. The result depends
 * neither on the number of threads nor, beyond rounding, on the size of the tiles.
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_INVALID, %DIFFUSION_ERROR_MEMORY, %G_IO_ERROR_CANCELLED or an error of the
 *   picture
 */
gboolean diffusion_denoise (DiffusionPhotoModel *model, DiffusionPicture *picture,
                            const DiffusionDenoiseOptions *options, DiffusionDenoiseReport *report,
                            DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                            GError **error);

/**
 * diffusion_denoise_plan:
 * @report: (out): @peak_bytes and @computed of what diffusion_denoise() would do; its levels as they are in @options
 *
 * Computes nothing, so that the cost can be known before; without a map, as if the noise were the same everywhere.
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_INVALID or %DIFFUSION_ERROR_MEMORY, as diffusion_denoise()
 */
gboolean diffusion_denoise_plan (DiffusionPhotoModel *model, const DiffusionPicture *picture,
                                 const DiffusionDenoiseOptions *options, DiffusionDenoiseReport *report,
                                 GError **error);

G_END_DECLS
