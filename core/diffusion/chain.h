/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one denoising loop: sampler, guidance, known pixels and noise are plugged into it. */
#pragma once

#include "core/diffusion/known.h"
#include "core/diffusion/noise.h"
#include "core/diffusion/parameterisation.h"
#include "core/diffusion/predictor.h"
#include "core/diffusion/sampler.h"
#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * DiffusionPreview:
 * @step: reverse steps taken so far, this one included
 * @steps: reverse steps of the whole chain
 * @t: the 0-based t of the original schedule that was just denoised
 * @n: pictures
 * @height: rows
 * @width: columns
 * @channels: channels
 * @x0: [n, height, width, channels] the picture as predicted from x_t, clipped and guided; with known pixels pasted
 * @x: [n, height, width, channels] x after the step
 */
typedef struct
{
  gsize step, steps;
  double t;
  gsize n, height, width, channels;
  const float *x0;
  const float *x;
} DiffusionPreview;

/** DiffusionPreviewFunc: told of every reverse step; the arrays are valid during the call. */
typedef void (*DiffusionPreviewFunc) (const DiffusionPreview *preview, gpointer data);

/**
 * DiffusionChain:
 * @schedule: the steps to take, all of them; see diffusion_schedule_respace()
 * @parameterisation: what the predictor's output is
 * @predictor: the network, or windows around it
 * @sampler: the step; %NULL for diffusion_sampler_ancestral
 * @eta: η of DDIM
 * @guidance: (nullable): gives ∇ log p(y | x_t), [n, height, width, channels]
 * @guidance_scale: factor of that gradient
 * @known: (nullable): known pixels
 * @classes: (nullable): [n], for predictor and guidance
 * @condition: (nullable): [n, height, width, predictor->condition_channels]
 * @noise: where noise comes from
 * @preview: (nullable): told of every step
 * @preview_data: for @preview
 * @cancellable: (nullable): checked at every step and passed to the predictor
 * @finish: (nullable): cancelled before @cancellable, it makes x̂_0 of the last complete step the result, if there was
 *   one: a user who stops keeps what there is
 * @progress: (nullable): told of every step and of what the predictor reports in between
 * @progress_data: for @progress
 *
 * Everything a chain is made of. Nothing is owned.
 */
typedef struct
{
  const DiffusionSchedule *schedule;
  DiffusionParameterisation parameterisation;
  const DiffusionPredictor *predictor;
  const DiffusionSampler *sampler;
  double eta;
  const DiffusionPredictor *guidance;
  double guidance_scale;
  const DiffusionKnown *known;
  const gint *classes;
  const float *condition;
  DiffusionNoise noise;
  DiffusionPreviewFunc preview;
  gpointer preview_data;
  GCancellable *cancellable;
  GCancellable *finish;
  DiffusionProgressFunc progress;
  gpointer progress_data;
} DiffusionChain;

/**
 * diffusion_chain_run:
 * @chain: what to do
 * @n: pictures
 * @height: rows
 * @width: columns
 * @x: (inout): [n, height, width, channels]: x_t at the last step of the schedule in, the picture out; for an
 *   inverse sampler the other way round, at the first step in and at the last out
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the predictor reports
 *
 * Runs the chain. On error @x holds the last complete step. An inverse sampler takes one step less than the
 * schedule has: the picture stands for x at its first step.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
gboolean diffusion_chain_run (const DiffusionChain *chain, gsize n, gsize height, gsize width, float *x,
                              GError **error);

/**
 * diffusion_chain_memory:
 * @chain: what to do
 * @n: pictures
 * @height: rows
 * @width: columns
 *
 * Returns: bytes diffusion_chain_run() allocates besides @x and what the predictor needs
 */
gsize diffusion_chain_memory (const DiffusionChain *chain, gsize n, gsize height, gsize width);

G_END_DECLS
