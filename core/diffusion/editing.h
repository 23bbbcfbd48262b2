/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What users do with a model: generate, regenerate, interpolate, upscale, denoise. */
#pragma once

#include "core/diffusion/chain.h"

G_BEGIN_DECLS

/**
 * DiffusionEditor:
 * @schedule: all T steps of the network
 * @last_t: the highest 0-based t that it was trained for; 0 for all of @schedule
 * @parameterisation: what its output is
 * @predictor: the network, of one size or of any
 * @sampler: (nullable): %NULL for diffusion_sampler_ancestral
 * @eta: η of DDIM
 * @steps: how many steps to take; 0 for all
 * @respacing: (nullable): which steps, as diffusion_timesteps_from_spec() reads it; used instead of @steps by chains
 *   that start from pure noise
 * @guidance: (nullable): gives ∇ log p(y | x_t)
 * @guidance_scale: its factor
 * @classes: (nullable): [n] class numbers
 * @overlap: of windows in pictures larger than the network; 0 for a quarter of a window
 * @batch: windows at once
 * @circular: edges belong together, so that the picture tiles a plane
 * @seed: the user's seed; picture i of a batch has @seed + i
 * @x: global column of the picture's left edge
 * @y: global row of its top edge
 * @preview: (nullable): told of every step, in the picture's size
 * @preview_data: for @preview
 * @cancellable: (nullable): checked at every step
 * @finish: (nullable): cancelled before @cancellable, it makes of the picture as expected so far the result
 * @progress: (nullable): told how far the work is
 * @progress_data: for @progress
 *
 * A model and how to use it. Pictures are float32 [n, height, width, channels] in [−1, 1] of any size; nothing is
 * owned.
 */
typedef struct
{
  const DiffusionSchedule *schedule;
  double last_t;
  DiffusionParameterisation parameterisation;
  const DiffusionPredictor *predictor;
  const DiffusionSampler *sampler;
  double eta;
  gsize steps;
  const char *respacing;
  const DiffusionPredictor *guidance;
  double guidance_scale;
  const gint *classes;
  gsize overlap, batch;
  gboolean circular;
  guint64 seed;
  gint32 x, y;
  DiffusionPreviewFunc preview;
  gpointer preview_data;
  GCancellable *cancellable;
  GCancellable *finish;
  DiffusionProgressFunc progress;
  gpointer progress_data;
} DiffusionEditor;

/**
 * diffusion_generate:
 * @editor: the model
 * @n: pictures
 * @height: rows
 * @width: columns
 * @out: (out caller-allocates): [n, height, width, channels]
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the network reports
 *
 * Pictures from noise (DDPM algorithm 2, or the sampler's own). As all of these, writes @out only on success.
 */
gboolean diffusion_generate (const DiffusionEditor *editor, gsize n, gsize height, gsize width, float *out,
                             GError **error);

/**
 * DiffusionRegeneration:
 * @picture: [n, height, width, channels] a photo, or strokes painted on one
 * @t: how much of it is given up: 0-based, may be fractional, up to T − 1
 * @mask: (nullable): [height, width] 0 keeps the picture, 1 may change; in between the result is mixed with the picture
 * @jump_length: with a mask, how many steps RePaint jumps back; 0 for none
 * @jump_count: how often each stretch is gone through; 0 and 1 mean once
 */
typedef struct
{
  const float *picture;
  double t;
  const float *mask;
  guint jump_length, jump_count;
} DiffusionRegeneration;

/**
 * diffusion_regenerate:
 * @editor: the model
 * @regeneration: what to do
 * @n: pictures
 * @height: rows
 * @width: columns
 * @out: (out caller-allocates): [n, height, width, channels]; may be the picture
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the network reports
 *
 * Noise to t, then the chain from there (Meng et al. 2022 (SDEdit) algorithms 1 to 3). Pixels whose mask is 0 are
 * bit for bit those of the picture.
 */
gboolean diffusion_regenerate (const DiffusionEditor *editor, const DiffusionRegeneration *regeneration, gsize n,
                               gsize height, gsize width, float *out, GError **error);

/**
 * DiffusionInterpolationType:
 * @DIFFUSION_INTERPOLATE_SHARED_NOISE: x_t of both pictures with the same noise, mixed linearly (DDPM section 4.4)
 * @DIFFUSION_INTERPOLATE_SLERP: x_t of both pictures with noise of their own, mixed on the arc between them
 * @DIFFUSION_INTERPOLATE_INVERSION: x_t of both pictures by DDIM inversion, mixed on the arc between them (DDIM
 *   section 5.3); wants the DDIM sampler with η = 0
 */
typedef enum
{
  DIFFUSION_INTERPOLATE_SHARED_NOISE,
  DIFFUSION_INTERPOLATE_SLERP,
  DIFFUSION_INTERPOLATE_INVERSION
} DiffusionInterpolationType;

/**
 * DiffusionInterpolation:
 * @type: how
 * @a: [height, width, channels] one picture
 * @b: [height, width, channels] another
 * @t: the level to mix at: 0-based, may be fractional
 * @lambdas: [n] how much of @b, 0 to 1
 */
typedef struct
{
  DiffusionInterpolationType type;
  const float *a, *b;
  double t;
  const double *lambdas;
} DiffusionInterpolation;

/**
 * diffusion_interpolate:
 * @editor: the model; all pictures have its seed, so that only λ differs
 * @interpolation: what to do
 * @n: how many λ
 * @height: rows
 * @width: columns
 * @out: (out caller-allocates): [n, height, width, channels]
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the network reports
 */
gboolean diffusion_interpolate (const DiffusionEditor *editor, const DiffusionInterpolation *interpolation, gsize n,
                                gsize height, gsize width, float *out, GError **error);

/**
 * diffusion_upscale:
 * @editor: an upsampler: its predictor has condition channels
 * @low: [n, low_height, low_width, condition channels]
 * @low_height: rows
 * @low_width: columns
 * @n: pictures
 * @height: rows of the result
 * @width: columns of the result
 * @out: (out caller-allocates): [n, height, width, channels]
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the network reports
 *
 * Generates with @low, resized bilinearly, as the condition (Nichol & Dhariwal 2021 section 4).
 */
gboolean diffusion_upscale (const DiffusionEditor *editor, const float *low, gsize low_height, gsize low_width,
                            gsize n, gsize height, gsize width, float *out, GError **error);

/**
 * diffusion_denoise_matched:
 * @editor: the model
 * @noisy: [n, height, width, channels] pictures with white noise
 * @sigma: its standard deviation on the 0..255 scale
 * @n: pictures
 * @height: rows
 * @width: columns
 * @out: (out caller-allocates): [n, height, width, channels]; may be @noisy
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the network reports
 *
 * One pass at the t whose noise level is @sigma: x̂_0, the posterior mean. See diffusion_schedule_t_for_sigma().
 */
gboolean diffusion_denoise_matched (const DiffusionEditor *editor, const float *noisy, double sigma, gsize n,
                                    gsize height, gsize width, float *out, GError **error);

/**
 * diffusion_editor_evaluations:
 * @editor: the model
 * @t: where the chain starts; T − 1 for generating
 * @regeneration: (nullable): what jumps there are
 * @height: rows
 * @width: columns
 *
 * Returns: how often the network will be asked for each picture, windows counted one by one: what an estimate of the
 *   time multiplies
 */
gsize diffusion_editor_evaluations (const DiffusionEditor *editor, double t,
                                    const DiffusionRegeneration *regeneration, gsize height, gsize width);

/**
 * diffusion_slerp:
 * @a: [count]
 * @b: [count]
 * @lambda: 0 gives @a, 1 gives @b
 * @count: number of values
 * @out: (out caller-allocates): [count]; may be @a or @b
 *
 * (sin ((1 − λ)θ) a + sin (λθ) b) / sin θ with θ the angle between them (DDIM section 5.3); linear where they are
 * parallel.
 */
void diffusion_slerp (const float *a, const float *b, double lambda, gsize count, float *out);

G_END_DECLS
