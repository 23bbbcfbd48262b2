/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forward process: from a picture to noise. */
#pragma once

#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * diffusion_forward:
 * @schedule: the schedule
 * @index: the step, 0-based
 * @x0: [count] picture
 * @noise: [count] ε ~ N(0, 1)
 * @count: number of values
 * @x_t: (out caller-allocates): [count]; may be @x0 or @noise
 *
 * √ᾱ_t x_0 + √(1 − ᾱ_t) ε (DDPM eq. 4).
 */
void diffusion_forward (const DiffusionSchedule *schedule, gsize index, const float *x0, const float *noise,
                        gsize count, float *x_t);

/** diffusion_forward_level: like diffusion_forward() at any ᾱ, for fractional t. */
void diffusion_forward_level (double alpha_bar, const float *x0, const float *noise, gsize count, float *x_t);

/**
 * diffusion_forward_step:
 * @schedule: the schedule
 * @index: the step t to go to, 0-based
 * @x: [count] x_{t−1}; the picture itself for @index = 0
 * @noise: [count] ε ~ N(0, 1)
 * @count: number of values
 * @x_t: (out caller-allocates): [count]; may be @x
 *
 * One step of the forward process, √(1 − β_t) x_{t−1} + √β_t ε (DDPM eq. 2).
 */
void diffusion_forward_step (const DiffusionSchedule *schedule, gsize index, const float *x, const float *noise,
                             gsize count, float *x_t);

/**
 * diffusion_forward_posterior_mean:
 * @schedule: the schedule
 * @index: the step t
 * @x0: [count]
 * @x_t: [count]
 * @count: number of values
 * @mean: (out caller-allocates): [count]; may be @x0 or @x_t
 *
 * The mean of q(x_{t−1} | x_t, x_0) (DDPM eq. 7). Its variance is @schedule's posterior_variance.
 */
void diffusion_forward_posterior_mean (const DiffusionSchedule *schedule, gsize index, const float *x0,
                                       const float *x_t, gsize count, float *mean);

G_END_DECLS
