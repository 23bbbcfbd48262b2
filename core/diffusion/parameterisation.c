/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network's output means. Float32 in the published order of operations. */
#include "core/diffusion/parameterisation.h"

#include <math.h>
#include <string.h>

#include "core/diffusion/forward.h"

gboolean
diffusion_variance_is_learned (DiffusionVarianceType variance)
{
  return variance == DIFFUSION_VARIANCE_LEARNED || variance == DIFFUSION_VARIANCE_LEARNED_RANGE;
}

/* x0 = of_x · x_t + of_output · output for every mean type. */
static void
linear_prediction (double of_x, double of_output, const float *x_t, const float *output, gsize pixels, gsize channels,
                   gsize stride, float *x0)
{
  float a = (float) of_x, b = (float) of_output;

  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++)
      x0[p * channels + c] = a * x_t[p * channels + c] + b * output[p * stride + c];
}

static gsize
output_stride (const DiffusionParameterisation *parameterisation, gsize channels)
{
  return diffusion_variance_is_learned (parameterisation->variance) ? 2 * channels : channels;
}

void
diffusion_output_to_x0 (const DiffusionSchedule *schedule, gsize index,
                        const DiffusionParameterisation *parameterisation, const float *x_t, const float *output,
                        gsize pixels, gsize channels, float *x0)
{
  gsize stride = output_stride (parameterisation, channels);
  double of_x = 0, of_output = 1;

  switch (parameterisation->mean)
    {
    case DIFFUSION_MEAN_EPSILON:
      of_x = schedule->sqrt_recip_alphas_cumprod[index];
      of_output = -schedule->sqrt_recipm1_alphas_cumprod[index];
      break;
    case DIFFUSION_MEAN_START_X:
      break;
    case DIFFUSION_MEAN_PREVIOUS_X:
      of_x = -(schedule->posterior_mean_coef2[index] / schedule->posterior_mean_coef1[index]);
      of_output = 1.0 / schedule->posterior_mean_coef1[index];
      break;
    case DIFFUSION_MEAN_V:
      of_x = schedule->sqrt_alphas_cumprod[index];
      of_output = -schedule->sqrt_one_minus_alphas_cumprod[index];
      break;
    }
  linear_prediction (of_x, of_output, x_t, output, pixels, channels, stride, x0);
}

void
diffusion_output_to_x0_level (double alpha_bar, const DiffusionParameterisation *parameterisation, const float *x_t,
                              const float *output, gsize pixels, gsize channels, float *x0)
{
  gsize stride = output_stride (parameterisation, channels);
  double of_x = 0, of_output = 1;

  if (parameterisation->mean == DIFFUSION_MEAN_EPSILON)
    {
      of_x = sqrt (1.0 / alpha_bar);
      of_output = -sqrt (1.0 / alpha_bar - 1.0);
    }
  else if (parameterisation->mean == DIFFUSION_MEAN_V)
    {
      of_x = sqrt (alpha_bar);
      of_output = -sqrt (1.0 - alpha_bar);
    }
  linear_prediction (of_x, of_output, x_t, output, pixels, channels, stride, x0);
}

/* Magnitudes order like the bits of non-negative floats, so a quantile needs histograms and no copy. */
static guint32
magnitude_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits & 0x7fffffffu;
}

/* The value of rank @rank (from 0) of |x|: 11 bits are settled by each of three passes. */
static float
select_magnitude (const float *x, gsize count, gsize rank)
{
  static const struct { int shift, bits; } passes[] = { { 21, 11 }, { 10, 11 }, { 0, 10 } };
  g_autofree gsize *histogram = g_new (gsize, 1 << 11);
  guint32 prefix = 0, mask = 0;
  float value;

  for (gsize p = 0; p < G_N_ELEMENTS (passes); p++)
    {
      guint32 buckets = 1u << passes[p].bits, bucket = 0;

      memset (histogram, 0, buckets * sizeof (gsize));
      for (gsize i = 0; i < count; i++)
        {
          guint32 bits = magnitude_bits (x[i]);

          if ((bits & mask) == prefix)
            histogram[(bits >> passes[p].shift) & (buckets - 1)]++;
        }
      while (bucket + 1 < buckets && rank >= histogram[bucket])
        rank -= histogram[bucket++];
      prefix |= bucket << passes[p].shift;
      mask |= (buckets - 1) << passes[p].shift;
    }
  memcpy (&value, &prefix, sizeof value);
  return value;
}

static double
quantile_of_magnitudes (const float *x, gsize count, double quantile)
{
  double position = CLAMP (quantile, 0.0, 1.0) * (double) (count - 1);
  gsize low = (gsize) position;
  double value = select_magnitude (x, count, low), next;

  if (low + 1 >= count)
    return value;
  next = select_magnitude (x, count, low + 1);
  return value + (position - (double) low) * (next - value);
}

void
diffusion_clip_x0 (const DiffusionParameterisation *parameterisation, float *x0, gsize count)
{
  float range = parameterisation->clip_range, divisor = 1.0f;

  if (parameterisation->clip == DIFFUSION_CLIP_NONE || count == 0)
    return;
  if (parameterisation->clip == DIFFUSION_CLIP_DYNAMIC)
    {
      double s = quantile_of_magnitudes (x0, count, parameterisation->dynamic_quantile);

      if (parameterisation->dynamic_max > 0.0)
        s = MIN (s, parameterisation->dynamic_max);
      range = divisor = (float) MAX (s, 1.0);
    }
  for (gsize i = 0; i < count; i++)
    x0[i] = CLAMP (x0[i], -range, range) / divisor;
}

void
diffusion_x0_to_epsilon (const DiffusionSchedule *schedule, gsize index, const float *x_t, const float *x0,
                         gsize count, float *epsilon)
{
  float recip = (float) schedule->sqrt_recip_alphas_cumprod[index];
  float recipm1 = (float) schedule->sqrt_recipm1_alphas_cumprod[index];

  for (gsize i = 0; i < count; i++)
    epsilon[i] = (recip * x_t[i] - x0[i]) / recipm1;
}

void
diffusion_epsilon_to_x0 (const DiffusionSchedule *schedule, gsize index, const float *x_t, const float *epsilon,
                         gsize count, float *x0)
{
  linear_prediction (schedule->sqrt_recip_alphas_cumprod[index], -schedule->sqrt_recipm1_alphas_cumprod[index], x_t,
                     epsilon, count, 1, 1, x0);
}

void
diffusion_v_target (const DiffusionSchedule *schedule, gsize index, const float *x0, const float *noise, gsize count,
                    float *v)
{
  linear_prediction (schedule->sqrt_alphas_cumprod[index], -schedule->sqrt_one_minus_alphas_cumprod[index], noise, x0,
                     count, 1, 1, v);
}

static void
learned_variance (const DiffusionSchedule *schedule, gsize index, DiffusionVarianceType type, const float *output,
                  gsize pixels, gsize channels, float *variance, float *log_variance)
{
  float smallest = (float) schedule->posterior_log_variance_clipped[index];
  float largest = (float) log (schedule->betas[index]);

  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++)
      {
        float value = output[p * 2 * channels + channels + c];
        gsize i = p * channels + c;

        if (type == DIFFUSION_VARIANCE_LEARNED_RANGE)
          {
            float fraction = (value + 1.0f) / 2.0f;

            value = fraction * largest + (1.0f - fraction) * smallest;
          }
        log_variance[i] = value;
        variance[i] = expf (value);
      }
}

void
diffusion_output_to_posterior (const DiffusionSchedule *schedule, gsize index,
                               const DiffusionParameterisation *parameterisation, const float *x_t, const float *x0,
                               const float *output, gsize pixels, gsize channels, float *mean, float *variance,
                               float *log_variance)
{
  gsize count = pixels * channels, stride = output_stride (parameterisation, channels);

  if (parameterisation->mean == DIFFUSION_MEAN_PREVIOUS_X)
    linear_prediction (0.0, 1.0, x_t, output, pixels, channels, stride, mean);
  else
    diffusion_forward_posterior_mean (schedule, index, x0, x_t, count, mean);

  if (stride != channels)
    learned_variance (schedule, index, parameterisation->variance, output, pixels, channels, variance, log_variance);
  else
    {
      gboolean large = parameterisation->variance == DIFFUSION_VARIANCE_FIXED_LARGE;
      float value = (float) (large ? schedule->large_variance : schedule->posterior_variance)[index];
      float logarithm =
          (float) (large ? schedule->large_log_variance : schedule->posterior_log_variance_clipped)[index];

      for (gsize i = 0; i < count; i++)
        {
          variance[i] = value;
          log_variance[i] = logarithm;
        }
    }
}
