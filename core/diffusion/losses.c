/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network is trained on. */
#include "core/diffusion/losses.h"

#include <math.h>
#include <string.h>

#include "core/diffusion/forward.h"

/* Pixels worked on at a time, so that scratch does not grow with the picture. */
#define BLOCK 1024

typedef struct
{
  DiffusionLossType type;
  const DiffusionSchedule *schedule;
  gsize index;
  const DiffusionParameterisation *parameterisation;
  gsize channels, stride, total; /* total: values of the whole picture */
  double bound_weight;
  float *target, *x0, *mean, *variance, *log_variance;
  double *d_mean, *d_log_variance;
} Work;

void
diffusion_loss_target (const DiffusionSchedule *schedule, gsize index, DiffusionMeanType mean, const float *x0,
                       const float *noise, const float *x_t, gsize count, float *target)
{
  switch (mean)
    {
    case DIFFUSION_MEAN_EPSILON:
      memmove (target, noise, count * sizeof (float));
      break;
    case DIFFUSION_MEAN_START_X:
      memmove (target, x0, count * sizeof (float));
      break;
    case DIFFUSION_MEAN_PREVIOUS_X:
      diffusion_forward_posterior_mean (schedule, index, x0, x_t, count, target);
      break;
    case DIFFUSION_MEAN_V:
      diffusion_v_target (schedule, index, x0, noise, count, target);
      break;
    }
}

/* d mean of p(x_{t−1} | x_t) / d output, the same for all values. */
static double
mean_slope (const Work *work)
{
  const DiffusionSchedule *s = work->schedule;
  double of_x0 = s->posterior_mean_coef1[work->index];

  switch (work->parameterisation->mean)
    {
    case DIFFUSION_MEAN_EPSILON:
      return -of_x0 * s->sqrt_recipm1_alphas_cumprod[work->index];
    case DIFFUSION_MEAN_START_X:
      return of_x0;
    case DIFFUSION_MEAN_V:
      return -of_x0 * s->sqrt_one_minus_alphas_cumprod[work->index];
    case DIFFUSION_MEAN_PREVIOUS_X:
      break;
    }
  return 1.0;
}

/* d log variance / d output. */
static double
log_variance_slope (const Work *work)
{
  const DiffusionSchedule *s = work->schedule;

  if (work->parameterisation->variance == DIFFUSION_VARIANCE_LEARNED)
    return 1.0;
  return 0.5 * (log (s->betas[work->index]) - s->posterior_log_variance_clipped[work->index]);
}

static double
simple_block (const Work *work, const float *output, gsize pixels, float *gradient)
{
  double sum = 0.0, unit = 1.0 / (double) work->total;

  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < work->channels; c++)
      {
        gsize at = p * work->stride + c;
        double difference = (double) output[at] - work->target[p * work->channels + c], slope;

        if (work->type == DIFFUSION_LOSS_L1)
          {
            sum += fabs (difference) * unit;
            slope = difference > 0.0 ? 1.0 : difference < 0.0 ? -1.0 : 0.0;
          }
        else
          {
            sum += difference * difference * unit;
            slope = 2.0 * difference;
          }
        if (gradient != NULL)
          gradient[at] += (float) (slope * unit);
      }
  return sum;
}

static double
bound_block (const Work *work, const float *x0, const float *x_t, const float *output, gsize pixels, float *gradient)
{
  gsize count = pixels * work->channels;
  double share = (double) count / (double) work->total, scale = work->bound_weight * share, value;
  double of_mean = work->type == DIFFUSION_LOSS_BOUND ? mean_slope (work) * scale : 0.0;
  double of_log_variance = work->stride > work->channels ? log_variance_slope (work) * scale : 0.0;

  diffusion_output_to_x0 (work->schedule, work->index, work->parameterisation, x_t, output, pixels, work->channels,
                          work->x0);
  diffusion_output_to_posterior (work->schedule, work->index, work->parameterisation, x_t, work->x0, output, pixels,
                                 work->channels, work->mean, work->variance, work->log_variance);
  value = diffusion_bound_term (work->schedule, work->index, DIFFUSION_DECODER_TANH, x0, x_t, work->mean,
                                work->log_variance, count, work->d_mean, work->d_log_variance);
  for (gsize p = 0; gradient != NULL && p < pixels; p++)
    for (gsize c = 0; c < work->channels; c++)
      {
        gsize from = p * work->channels + c, to = p * work->stride + c;

        gradient[to] += (float) (of_mean * work->d_mean[from]);
        if (work->stride > work->channels)
          gradient[to + work->channels] += (float) (of_log_variance * work->d_log_variance[from]);
      }
  return value * scale;
}

DiffusionLoss
diffusion_loss (DiffusionLossType type, const DiffusionSchedule *schedule, gsize index,
                const DiffusionParameterisation *parameterisation, const float *x0, const float *noise,
                const float *x_t, const float *output, gsize pixels, gsize channels, float *gradient)
{
  gboolean learned = diffusion_variance_is_learned (parameterisation->variance);
  gboolean simple = type != DIFFUSION_LOSS_BOUND;
  gboolean bound = type == DIFFUSION_LOSS_BOUND || (type == DIFFUSION_LOSS_HYBRID && learned);
  gsize room = MIN (pixels, BLOCK) * channels;
  g_autofree float *floats = g_new (float, 5 * room);
  g_autofree double *doubles = g_new (double, 2 * room);
  DiffusionLoss loss = { 0 };
  Work work = {
    .type = type,
    .schedule = schedule,
    .index = index,
    .parameterisation = parameterisation,
    .channels = channels,
    .stride = learned ? 2 * channels : channels,
    .total = pixels * channels,
    .bound_weight = type == DIFFUSION_LOSS_HYBRID ? (double) schedule->steps / 1000.0 : 1.0,
    .target = floats,
    .x0 = floats + room,
    .mean = floats + 2 * room,
    .variance = floats + 3 * room,
    .log_variance = floats + 4 * room,
    .d_mean = doubles,
    .d_log_variance = doubles + room,
  };

  if (gradient != NULL)
    memset (gradient, 0, pixels * work.stride * sizeof (float));
  for (gsize first = 0; first < pixels; first += BLOCK)
    {
      gsize part = MIN (BLOCK, pixels - first), at = first * channels, out = first * work.stride;
      float *part_gradient = gradient != NULL ? gradient + out : NULL;

      if (simple)
        {
          diffusion_loss_target (schedule, index, parameterisation->mean, x0 + at, noise + at, x_t + at,
                                 part * channels, work.target);
          loss.simple += simple_block (&work, output + out, part, part_gradient);
        }
      if (bound)
        loss.bound += bound_block (&work, x0 + at, x_t + at, output + out, part, part_gradient);
    }
  loss.total = loss.simple + loss.bound;
  return loss;
}
