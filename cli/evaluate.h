/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of diffusion evaluate, each adding a member to the object of results. */
#pragma once

#include <json-glib/json-glib.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

/**
 * CliEvaluation:
 * @model: path of the model
 * @data: folder of pictures
 * @count: pictures to use at most, 0 for all
 * @seed: of the noise
 * @precision: of the products, when denoising
 * @results: where they go
 * @cancellable: stops the work
 */
typedef struct
{
  const char *model;
  const char *data;
  guint count;
  guint64 seed;
  DiffusionPrecision precision;
  JsonObject *results;
  GCancellable *cancellable;
} CliEvaluation;

/**
 * cli_evaluate_denoise:
 * @sigmas: (element-type double): noise levels, 0..255 units
 *
 * Adds white noise N(0, σ²) in floating point, not clipped, denoises at that σ, clips the result to 0..255, and takes
 * the mean of the pictures' PSNR. Adds "denoise": [{"sigma", "psnr", "noisy", "detail", "images"}].
 */
gboolean cli_evaluate_denoise (const CliEvaluation *evaluation, const GArray *sigmas, GError **error);

/**
 * cli_evaluate_pairs:
 * @oracle: also look for the σ that is best for each picture
 *
 * For folders of NAME_real.* and NAME_mean.*, a noisy picture and what it should be: denoises at the estimated σ. Adds
 * "pairs": {"noisy", "auto", "oracle", "images", "pictures": [...]}.
 */
gboolean cli_evaluate_pairs (const CliEvaluation *evaluation, gboolean oracle, GError **error);

/**
 * CliLikelihoodOptions:
 * @likelihood: report bits per dimension
 * @rate_distortion: report the curve
 * @preset: (nullable): as for diffusion_model_open()
 * @flags: (nullable): likewise
 * @class_number: what all pictures are, for networks with classes
 * @steps: how many steps to sum over, 0 for all
 * @csv: (nullable): file for the curve
 * @plot: (nullable): PNG file for the curve
 */
typedef struct
{
  gboolean likelihood;
  gboolean rate_distortion;
  char *preset;
  char *flags;
  gint class_number;
  gint steps;
  char *csv;
  char *plot;
} CliLikelihoodOptions;

/**
 * cli_evaluate_likelihood:
 *
 * The variational bound of the middles of the pictures (DDPM eq. 5). Adds "likelihood": {"bits_per_dim", "prior",
 * "terms"…} and "rate_distortion": [{"t", "rate", "distortion"}].
 */
gboolean cli_evaluate_likelihood (const CliEvaluation *evaluation, const CliLikelihoodOptions *options, GError **error);

/**
 * CliSampleOptions:
 * @samples: of each class, at least 2; 0 for none
 * @classifier: (nullable): noisy classifier whose logits are the features
 * @sampler: (nullable): name
 * @steps: 0 for the sampler's usual number
 * @guidance_scale: of the classifier while sampling; 0 for none
 * @hold_out: the share of the pictures that the model was not trained on
 */
typedef struct
{
  gint samples;
  char *classifier, *sampler;
  gint steps;
  double guidance_scale, hold_out;
} CliSampleOptions;

/**
 * cli_evaluate_samples:
 *
 * Generates pictures of each class and compares them with those that were held out of the training and those that were not.
 * Adds "samples": [{"name", "held_out", "kernel_distance", "kernel_distance_of_training", "recognised",
 * "recognised_held_out", "spectrum", "spectrum_of_training", "nearest", "nearest_held_out", "seam", "seam_held_out"}].
 */
gboolean cli_evaluate_samples (const CliEvaluation *evaluation, const CliSampleOptions *options, GError **error);

G_END_DECLS
