/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terms of the variational bound (DDPM eq. 5), in bits per dimension. */
#pragma once

#include "core/diffusion/parameterisation.h"
#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * DiffusionDecoder:
 * @DIFFUSION_DECODER_TANH: the normal distribution by the tanh approximation in float32, probabilities at least
 *   1e-12: the published implementations, to compare with published numbers
 * @DIFFUSION_DECODER_EXACT: by erfc in float64
 *
 * How the discretised decoder (DDPM eq. 13) integrates over a bin.
 */
typedef enum
{
  DIFFUSION_DECODER_TANH,
  DIFFUSION_DECODER_EXACT
} DiffusionDecoder;

/**
 * diffusion_discretised_log_likelihood:
 * @decoder: how to integrate
 * @x: a value of an 8-bit picture, in −1 … 1
 * @mean: of the normal distribution
 * @log_scale: log of its standard deviation
 * @d_mean: (out) (optional): derivative to @mean
 * @d_log_scale: (out) (optional): derivative to @log_scale
 *
 * Returns: the natural logarithm of the probability of the bin of width 2/255 around @x, open at the ends −1 and 1
 *   (DDPM eq. 13)
 */
double diffusion_discretised_log_likelihood (DiffusionDecoder decoder, float x, float mean, float log_scale,
                                             double *d_mean, double *d_log_scale);

/**
 * diffusion_bound_term:
 * @schedule: the schedule
 * @index: the step t
 * @decoder: for the first step
 * @x0: [count] the picture
 * @x_t: [count]
 * @mean: [count] of p(x_{t−1} | x_t)
 * @log_variance: [count] its log variance
 * @count: number of values
 * @d_mean: (out caller-allocates) (optional): [count] derivative of the result to @mean
 * @d_log_variance: (out caller-allocates) (optional): [count] derivative of the result to @log_variance
 *
 * Returns: L_{t−1} of DDPM eq. 5: the Kullback–Leibler divergence of q(x_{t−1} | x_t, x_0) from p, at the first
 *   step −log p(x_0 | x_1) of the discretised decoder; averaged over the values, in bits
 */
double diffusion_bound_term (const DiffusionSchedule *schedule, gsize index, DiffusionDecoder decoder,
                             const float *x0, const float *x_t, const float *mean, const float *log_variance,
                             gsize count, double *d_mean, double *d_log_variance);

/** diffusion_bound_prior: L_T of DDPM eq. 5, the divergence of q(x_T | x_0) from N(0, 1); averaged, in bits. */
double diffusion_bound_prior (const DiffusionSchedule *schedule, const float *x0, gsize count);

G_END_DECLS
