/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One reverse step: how x_{t−1} follows from x_t and what the network predicts there. */
#pragma once

#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * DiffusionStep:
 * @schedule: the steps of the chain
 * @index: the step t that @x_t is at
 * @previous: the step before this one, or −1 where there was none to continue from
 * @eta: η of DDIM
 * @x_t: [count]
 * @x0: [count] prediction, clipped and guided
 * @epsilon: [count] the ε that goes with it
 * @mean: (nullable): [count] mean of p(x_{t−1} | x_t), guided; only if the sampler's needs_posterior
 * @log_variance: (nullable): [count] its log variance; only if the sampler's needs_posterior
 * @previous_x0: (nullable): [count] @x0 of step @previous; only if the sampler's needs_history and @previous ≥ 0
 * @z: (nullable): [count] N(0, 1); only if the sampler's needs_noise or needs_noise_for_eta
 *
 * What a sampler may look at.
 */
typedef struct
{
  const DiffusionSchedule *schedule;
  gsize index;
  gssize previous;
  double eta;
  const float *x_t;
  const float *x0;
  const float *epsilon;
  const float *mean;
  const float *log_variance;
  const float *previous_x0;
  const float *z;
} DiffusionStep;

/**
 * DiffusionSampler:
 * @name: as the user calls it
 * @inverse: goes from the picture to noise
 * @needs_posterior: reads mean and log_variance
 * @needs_noise: reads z
 * @needs_noise_for_eta: reads z if η is not zero
 * @needs_history: reads previous_x0
 * @open_spacing: wants timesteps that leave out t = 0, since its last step reaches the picture from any level
 * @step: writes [count] values of the next x to @out, which may be @step's x_t; each value depends only on the
 *   values at the same place, so a step may be split anywhere
 */
typedef struct
{
  const char *name;
  gboolean inverse;
  gboolean needs_posterior;
  gboolean needs_noise;
  gboolean needs_noise_for_eta;
  gboolean needs_history;
  gboolean open_spacing;
  void (*step) (const DiffusionStep *step, gsize count, float *out);
} DiffusionSampler;

/** diffusion_sampler_ancestral: DDPM algorithm 2. */
extern const DiffusionSampler diffusion_sampler_ancestral;

/** diffusion_sampler_ddim: Song et al. 2021 (DDIM) eq. 12 with σ of eq. 16; η = 0 draws no noise. */
extern const DiffusionSampler diffusion_sampler_ddim;

/** diffusion_sampler_ddim_inverse: DDIM section 4.3, from x_t to x_{t+1} with η = 0. */
extern const DiffusionSampler diffusion_sampler_ddim_inverse;

/** diffusion_sampler_dpmpp_2m: Lu et al. 2022 (DPM-Solver++) algorithm 2; its last step is of first order. */
extern const DiffusionSampler diffusion_sampler_dpmpp_2m;

/**
 * diffusion_sampler_find:
 * @name: "ancestral", "ddim", "dpm++" or "ddim-inverse"
 * @error: return location for %DIFFUSION_ERROR_INVALID
 *
 * Returns: (nullable): the sampler of that name
 */
const DiffusionSampler *diffusion_sampler_find (const char *name, GError **error);

/**
 * diffusion_guide_mean:
 * @variance: [count] of p(x_{t−1} | x_t)
 * @gradient: [count] ∇ log p(y | x_t), scaled
 * @count: number of values
 * @mean: (inout): [count]
 *
 * Dhariwal & Nichol 2021 algorithm 1: μ + Σ·g.
 */
void diffusion_guide_mean (const float *variance, const float *gradient, gsize count, float *mean);

/**
 * diffusion_guide_share:
 * @schedule: the steps of the chain
 * @index: the step t
 * @gradient: [count] ∇ log p(y | x_t) of one picture, not scaled
 * @count: number of values
 *
 * How much of a gradient diffusion_guide_prediction() may be given. By Tweedie's formula the gradient of a classifier
 * that is right moves x̂_0 by E[x_0 | x_t, y] − E[x_0 | x_t], a difference of two pictures in [−1, 1]. Where a schedule
 * ends in nearly pure noise, 1 / √ᾱ makes far larger moves of the smallest errors. A gradient whose root mean square is
 * beyond what can be true is reduced so that x_{t−1} moves as far as algorithm 1 would move it, Σ·g.
 *
 * Returns: the share, 1 for every possible gradient
 */
double diffusion_guide_share (const DiffusionSchedule *schedule, gsize index, const float *gradient, gsize count);

/**
 * diffusion_guide_prediction:
 * @schedule: the steps of the chain
 * @index: the step t
 * @x_t: [count]
 * @gradient: [count] ∇ log p(y | x_t), scaled
 * @count: number of values
 * @epsilon: (inout): [count] ε − √(1 − ᾱ)·g
 * @x0: (out caller-allocates): [count] the x̂_0 that follows, not clipped again
 *
 * Dhariwal & Nichol 2021 algorithm 2.
 */
void diffusion_guide_prediction (const DiffusionSchedule *schedule, gsize index, const float *x_t,
                                 const float *gradient, gsize count, float *epsilon, float *x0);

G_END_DECLS
