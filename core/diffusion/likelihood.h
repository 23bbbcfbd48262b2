/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many bits a model needs for a picture, and how good the picture is after some of them. */
#pragma once

#include "core/diffusion/bound.h"
#include "core/diffusion/noise.h"
#include "core/diffusion/parameterisation.h"
#include "core/diffusion/predictor.h"

G_BEGIN_DECLS

/**
 * DiffusionLikelihoodOptions:
 * @schedule: the steps to sum over; all T for the bound that papers report
 * @parameterisation: what the predictor's output is; papers clip x̂_0 statically
 * @predictor: the network
 * @decoder: how L_0 is integrated
 * @classes: (nullable): [n]
 * @condition: (nullable): [n, height, width, predictor->condition_channels]
 * @noise: where the noise of each step comes from
 * @cancellable: (nullable): checked at every step
 * @progress: (nullable): told of every step
 * @progress_data: for @progress
 */
typedef struct
{
  const DiffusionSchedule *schedule;
  DiffusionParameterisation parameterisation;
  const DiffusionPredictor *predictor;
  DiffusionDecoder decoder;
  const gint *classes;
  const float *condition;
  DiffusionNoise noise;
  GCancellable *cancellable;
  DiffusionProgressFunc progress;
  gpointer progress_data;
} DiffusionLikelihoodOptions;

/**
 * DiffusionLikelihood:
 * @n: pictures
 * @steps: steps of the schedule
 * @terms: [n, steps] L_{t−1} in bits per dimension; the first is L_0, of the discretised decoder
 * @prior: [n] L_T
 * @total: [n] their sum: an upper bound on the negative log likelihood, in bits per dimension
 * @x0_mse: [n, steps] mean squared error of x̂_0 from x_t, in units of [−1, 1]
 * @epsilon_mse: [n, steps] mean squared error of the ε that goes with it
 *
 * One sample of every term of DDPM eq. 5.
 */
typedef struct
{
  gsize n, steps;
  double *terms;
  double *prior;
  double *total;
  double *x0_mse;
  double *epsilon_mse;
} DiffusionLikelihood;

/**
 * diffusion_likelihood:
 * @options: model and options
 * @n: pictures
 * @height: rows
 * @width: columns
 * @x0: [n, height, width, channels] 8-bit pictures as value/127.5 − 1
 * @error: return location for %DIFFUSION_ERROR, %G_IO_ERROR_CANCELLED, or what the predictor reports
 *
 * Asks the predictor once per step.
 *
 * Returns: (transfer full) (nullable): the terms, to be freed with diffusion_likelihood_free()
 */
DiffusionLikelihood *diffusion_likelihood (const DiffusionLikelihoodOptions *options, gsize n, gsize height,
                                           gsize width, const float *x0, GError **error);

void diffusion_likelihood_free (DiffusionLikelihood *likelihood);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionLikelihood, diffusion_likelihood_free)

/**
 * DiffusionRatePoint:
 * @t: 0-based t of the original schedule; T for the point where nothing was sent yet
 * @rate: bits per dimension sent so far, from L_T down to where x_t is known
 * @distortion: root mean squared error of x̂_0(x_t), in 0..255 units
 */
typedef struct
{
  double t, rate, distortion;
} DiffusionRatePoint;

/**
 * diffusion_rate_distortion:
 * @schedule: the schedule of @likelihood
 * @likelihood: terms, already computed
 *
 * The progressive lossy code of DDPM section 4.3: rate and distortion averaged over the pictures as each x_t
 * becomes known (figure 5).
 *
 * Returns: (transfer full): [steps] points in order of falling t and growing rate, to be freed with g_free()
 */
DiffusionRatePoint *diffusion_rate_distortion (const DiffusionSchedule *schedule,
                                               const DiffusionLikelihood *likelihood);

G_END_DECLS
