/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terms of the variational bound. */
#include "core/diffusion/bound.h"

#include <math.h>

#define HALF_BIN (1.0f / 255.0f)
/* Beyond these the bins of black and white, which are open, take over. */
#define ENDS 0.999f

typedef struct
{
  double log_probability;
  double d_upper, d_lower; /* derivatives to the two standardised edges */
} Bin;

static float
tanh_cdf (float x)
{
  return 0.5f * (1.0f + tanhf ((float) sqrt (2.0 / G_PI) * (x + 0.044715f * x * x * x)));
}

static double
tanh_density (double x)
{
  double t = tanh (sqrt (2.0 / G_PI) * (x + 0.044715 * x * x * x));

  return 0.5 * (1.0 - t * t) * sqrt (2.0 / G_PI) * (1.0 + 3.0 * 0.044715 * x * x);
}

static Bin
tanh_bin (float x, float upper, float lower)
{
  const float floor = 1e-12f;
  float below = tanh_cdf (upper), under = tanh_cdf (lower), probability;
  Bin bin = { 0 };

  if (x < -ENDS)
    probability = below;
  else if (x > ENDS)
    probability = 1.0f - under;
  else
    probability = below - under;
  bin.log_probability = logf (MAX (probability, floor));
  if (probability > floor)
    {
      bin.d_upper = x > ENDS ? 0.0 : tanh_density (upper) / (double) probability;
      bin.d_lower = x < -ENDS ? 0.0 : -tanh_density (lower) / (double) probability;
    }
  return bin;
}

/* The mass above x; accurate far out, where 1 − cdf is not. */
static double
upper_mass (double x)
{
  return 0.5 * erfc (x * G_SQRT2 / 2.0);
}

static double
density (double x)
{
  return exp (-0.5 * x * x) / sqrt (2.0 * G_PI);
}

static Bin
exact_bin (float x, double upper, double lower)
{
  double probability;
  Bin bin = { 0 };

  if (x < -ENDS)
    probability = upper_mass (-upper);
  else if (x > ENDS)
    probability = upper_mass (lower);
  else if (lower > 0.0)
    probability = upper_mass (lower) - upper_mass (upper);
  else
    probability = upper_mass (-upper) - upper_mass (-lower);
  probability = MAX (probability, 1e-300);
  bin.log_probability = log (probability);
  bin.d_upper = x > ENDS ? 0.0 : density (upper) / probability;
  bin.d_lower = x < -ENDS ? 0.0 : -density (lower) / probability;
  return bin;
}

double
diffusion_discretised_log_likelihood (DiffusionDecoder decoder, float x, float mean, float log_scale, double *d_mean,
                                      double *d_log_scale)
{
  float centred = x - mean, inverse = expf (-log_scale);
  float upper = inverse * (centred + HALF_BIN), lower = inverse * (centred - HALF_BIN);
  Bin bin;

  if (decoder == DIFFUSION_DECODER_EXACT)
    {
      double scale = exp (-(double) log_scale);

      bin = exact_bin (x, scale * ((double) x - mean + 1.0 / 255.0), scale * ((double) x - mean - 1.0 / 255.0));
    }
  else
    bin = tanh_bin (x, upper, lower);
  if (d_mean != NULL)
    *d_mean = -(double) inverse * (bin.d_upper + bin.d_lower);
  if (d_log_scale != NULL)
    *d_log_scale = -(bin.d_upper * (double) upper + bin.d_lower * (double) lower);
  return bin.log_probability;
}

static double
decoder_term (DiffusionDecoder decoder, const float *x0, const float *mean, const float *log_variance, gsize count,
              double *d_mean, double *d_log_variance)
{
  double sum = 0.0, unit = 1.0 / (G_LN2 * (double) count);

  for (gsize i = 0; i < count; i++)
    {
      double to_mean, to_log_scale;

      sum -= diffusion_discretised_log_likelihood (decoder, x0[i], mean[i], 0.5f * log_variance[i], &to_mean,
                                                   &to_log_scale);
      if (d_mean != NULL)
        d_mean[i] = -to_mean * unit;
      if (d_log_variance != NULL)
        d_log_variance[i] = -0.5 * to_log_scale * unit;
    }
  return sum * unit;
}

double
diffusion_bound_term (const DiffusionSchedule *schedule, gsize index, DiffusionDecoder decoder, const float *x0,
                      const float *x_t, const float *mean, const float *log_variance, gsize count, double *d_mean,
                      double *d_log_variance)
{
  double first = schedule->posterior_mean_coef1[index], second = schedule->posterior_mean_coef2[index];
  double true_log_variance = schedule->posterior_log_variance_clipped[index];
  double sum = 0.0, unit = 1.0 / (G_LN2 * (double) count);

  if (index == 0)
    return decoder_term (decoder, x0, mean, log_variance, count, d_mean, d_log_variance);
  for (gsize i = 0; i < count; i++)
    {
      double difference = (double) mean[i] - (first * x0[i] + second * x_t[i]);
      double inverse = exp (-(double) log_variance[i]);
      double ratio = exp (true_log_variance - (double) log_variance[i]);

      sum += 0.5 * (-1.0 + (double) log_variance[i] - true_log_variance + ratio + difference * difference * inverse);
      if (d_mean != NULL)
        d_mean[i] = difference * inverse * unit;
      if (d_log_variance != NULL)
        d_log_variance[i] = 0.5 * (1.0 - ratio - difference * difference * inverse) * unit;
    }
  return sum * unit;
}

double
diffusion_bound_prior (const DiffusionSchedule *schedule, const float *x0, gsize count)
{
  double bar = schedule->alphas_cumprod[schedule->steps - 1];
  double log_variance = log1p (-bar), sum = 0.0;

  for (gsize i = 0; i < count; i++)
    sum += 0.5 * (-bar - log_variance + bar * (double) x0[i] * (double) x0[i]);
  return sum / (G_LN2 * (double) count);
}
