/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network's output means, and what follows from it for x_0, ε and p(x_{t−1} | x_t). */
#pragma once

#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * DiffusionMeanType:
 * @DIFFUSION_MEAN_EPSILON: the noise ε (DDPM section 3.2)
 * @DIFFUSION_MEAN_START_X: the picture x_0
 * @DIFFUSION_MEAN_PREVIOUS_X: the mean μ of x_{t−1}
 * @DIFFUSION_MEAN_V: v = √ᾱ ε − √(1 − ᾱ) x_0 (Salimans & Ho 2022 section 4)
 */
typedef enum
{
  DIFFUSION_MEAN_EPSILON,
  DIFFUSION_MEAN_START_X,
  DIFFUSION_MEAN_PREVIOUS_X,
  DIFFUSION_MEAN_V
} DiffusionMeanType;

/**
 * DiffusionVarianceType:
 * @DIFFUSION_VARIANCE_FIXED_SMALL: β̃_t
 * @DIFFUSION_VARIANCE_FIXED_LARGE: β_t
 * @DIFFUSION_VARIANCE_LEARNED: the second half of the output is log Σ
 * @DIFFUSION_VARIANCE_LEARNED_RANGE: the second half says where between log β̃_t (−1) and log β_t (1)
 *   (Nichol & Dhariwal 2021 eq. 15)
 */
typedef enum
{
  DIFFUSION_VARIANCE_FIXED_SMALL,
  DIFFUSION_VARIANCE_FIXED_LARGE,
  DIFFUSION_VARIANCE_LEARNED,
  DIFFUSION_VARIANCE_LEARNED_RANGE
} DiffusionVarianceType;

/**
 * DiffusionClipType:
 * @DIFFUSION_CLIP_NONE: x̂_0 as predicted
 * @DIFFUSION_CLIP_STATIC: x̂_0 limited to ±clip_range
 * @DIFFUSION_CLIP_DYNAMIC: limited to a quantile s ≥ 1 of |x̂_0| over the picture and divided by it
 *   (Saharia et al. 2022 section 2.3)
 */
typedef enum
{
  DIFFUSION_CLIP_NONE,
  DIFFUSION_CLIP_STATIC,
  DIFFUSION_CLIP_DYNAMIC
} DiffusionClipType;

/**
 * DiffusionParameterisation:
 * @mean: what the first channels of the output are
 * @variance: where Σ comes from
 * @clip: how x̂_0 is limited
 * @clip_range: for static clipping, 1 for ordinary pictures
 * @dynamic_quantile: for dynamic clipping, 0.995 usually
 * @dynamic_max: the largest s allowed; 0 for no limit
 * @keep_epsilon: after clipping use the predicted ε with the clipped x̂_0 (as diffusers' DDIM does) instead of the
 *   ε that belongs to the clipped x̂_0 (as OpenAI's code does)
 */
typedef struct
{
  DiffusionMeanType mean;
  DiffusionVarianceType variance;
  DiffusionClipType clip;
  float clip_range;
  double dynamic_quantile;
  double dynamic_max;
  gboolean keep_epsilon;
} DiffusionParameterisation;

#define DIFFUSION_PARAMETERISATION_INIT                                                                              \
  { DIFFUSION_MEAN_EPSILON, DIFFUSION_VARIANCE_FIXED_SMALL, DIFFUSION_CLIP_STATIC, 1.0f, 0.995, 0.0, FALSE }

/** diffusion_variance_is_learned: whether the network has twice as many outputs as channels. */
gboolean diffusion_variance_is_learned (DiffusionVarianceType variance);

/**
 * diffusion_output_to_x0:
 * @schedule: the schedule
 * @index: the step t
 * @parameterisation: what @output is
 * @x_t: [pixels, channels]
 * @output: [pixels, channels] or, if the variance is learned, [pixels, 2·channels]
 * @pixels: number of pixels
 * @channels: channels of x_t
 * @x0: (out caller-allocates): [pixels, channels] the prediction x̂_0, not clipped; may be @x_t
 *
 * DDPM eq. 15 for ε, eq. 7 solved for x_0 for μ.
 */
void diffusion_output_to_x0 (const DiffusionSchedule *schedule, gsize index,
                             const DiffusionParameterisation *parameterisation, const float *x_t,
                             const float *output, gsize pixels, gsize channels, float *x0);

/**
 * diffusion_output_to_x0_level:
 * @alpha_bar: ᾱ of a level between two steps
 *
 * Like diffusion_output_to_x0() at any noise level; not for %DIFFUSION_MEAN_PREVIOUS_X, which has none.
 */
void diffusion_output_to_x0_level (double alpha_bar, const DiffusionParameterisation *parameterisation,
                                   const float *x_t, const float *output, gsize pixels, gsize channels, float *x0);

/**
 * diffusion_clip_x0:
 * @parameterisation: how to clip
 * @x0: (inout): [count] all values of one picture
 * @count: number of values
 */
void diffusion_clip_x0 (const DiffusionParameterisation *parameterisation, float *x0, gsize count);

/** diffusion_x0_to_epsilon: ε from x_t and x_0 (DDPM eq. 4 solved for it); @epsilon may be any input. */
void diffusion_x0_to_epsilon (const DiffusionSchedule *schedule, gsize index, const float *x_t, const float *x0,
                              gsize count, float *epsilon);

/** diffusion_epsilon_to_x0: x_0 from x_t and ε; @x0 may be any input. */
void diffusion_epsilon_to_x0 (const DiffusionSchedule *schedule, gsize index, const float *x_t, const float *epsilon,
                              gsize count, float *x0);

/** diffusion_v_target: v of x_0 and ε, what a v-predicting network is trained on. */
void diffusion_v_target (const DiffusionSchedule *schedule, gsize index, const float *x0, const float *noise,
                         gsize count, float *v);

/**
 * diffusion_output_to_posterior:
 * @schedule: the schedule
 * @index: the step t
 * @parameterisation: what @output is
 * @x_t: [pixels, channels]
 * @x0: [pixels, channels] the prediction, clipped or not
 * @output: [pixels, channels] or, if the variance is learned, [pixels, 2·channels]
 * @pixels: number of pixels
 * @channels: channels of x_t
 * @mean: (out caller-allocates): [pixels, channels] mean of p(x_{t−1} | x_t)
 * @variance: (out caller-allocates): [pixels, channels] its variance
 * @log_variance: (out caller-allocates): [pixels, channels] the logarithm, clipped at β̃ of the second step
 *
 * DDPM eq. 7 with x̂_0, or the network's own mean for %DIFFUSION_MEAN_PREVIOUS_X.
 */
void diffusion_output_to_posterior (const DiffusionSchedule *schedule, gsize index,
                                    const DiffusionParameterisation *parameterisation, const float *x_t,
                                    const float *x0, const float *output, gsize pixels, gsize channels, float *mean,
                                    float *variance, float *log_variance);

G_END_DECLS
