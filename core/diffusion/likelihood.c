/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many bits a model needs for a picture. */
#include "core/diffusion/likelihood.h"

#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/diffusion/forward.h"

typedef struct
{
  const DiffusionLikelihoodOptions *options;
  gsize n, height, width, pixels, channels, count; /* count: values of one picture */
  gsize out_channels;
  const float *x0;
  float *block; /* what the following point into */
  float *noise, *x_t, *output, *predicted, *mean, *variance, *log_variance;
  double *times;
  gsize index;
  DiffusionLikelihood *result;
} Work;

static gboolean
work_alloc (Work *work, GError **error)
{
  gsize count = work->n * work->count;
  float *next;

  work->block = next = diffusion_try_alloc (
      (6 * count + work->n * work->pixels * work->out_channels) * sizeof (float), _("the likelihood"), error);
  if (next == NULL)
    return FALSE;
  work->noise = next;
  work->x_t = next += count;
  work->predicted = next += count;
  work->mean = next += count;
  work->variance = next += count;
  work->log_variance = next += count;
  work->output = next += count;
  work->times = g_new (double, work->n);
  return TRUE;
}

static double
mean_square (const float *a, const float *b, gsize count)
{
  double sum = 0.0;

  for (gsize i = 0; i < count; i++)
    sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
  return sum / (double) count;
}

/* All numbers of one picture at one step; the arrays are per picture, so pictures run on different threads. */
static void
measure_part (gsize picture, guint worker, gpointer data)
{
  Work *work = data;
  const DiffusionLikelihoodOptions *options = work->options;
  gsize at = picture * work->count, to = picture * work->result->steps + work->index;
  const float *output = work->output + picture * work->pixels * work->out_channels;
  const float *x0 = work->x0 + at, *x_t = work->x_t + at;
  float *predicted = work->predicted + at, *epsilon = work->variance + at;

  diffusion_output_to_x0 (options->schedule, work->index, &options->parameterisation, x_t, output, work->pixels,
                          work->channels, predicted);
  diffusion_clip_x0 (&options->parameterisation, predicted, work->count);
  diffusion_output_to_posterior (options->schedule, work->index, &options->parameterisation, x_t, predicted, output,
                                 work->pixels, work->channels, work->mean + at, work->variance + at,
                                 work->log_variance + at);
  work->result->terms[to] =
      diffusion_bound_term (options->schedule, work->index, options->decoder, x0, x_t, work->mean + at,
                            work->log_variance + at, work->count, NULL, NULL);
  work->result->x0_mse[to] = mean_square (predicted, x0, work->count);
  diffusion_x0_to_epsilon (options->schedule, work->index, x_t, predicted, work->count, epsilon);
  work->result->epsilon_mse[to] = mean_square (epsilon, work->noise + at, work->count);
}

static gboolean
measure_step (Work *work, GError **error)
{
  const DiffusionLikelihoodOptions *options = work->options;
  DiffusionPrediction prediction = {
    .n = work->n,
    .height = work->height,
    .width = work->width,
    .x = options->noise.x,
    .y = options->noise.y,
    .x_t = work->x_t,
    .t = work->times,
    .classes = options->classes,
    .condition = options->condition,
    .cancellable = options->cancellable,
  };

  diffusion_noise_fill (&options->noise, DIFFUSION_PURPOSE_NOISE, (guint32) work->index, work->n, work->height,
                        work->width, work->channels, work->noise);
  diffusion_forward (options->schedule, work->index, work->x0, work->noise, work->n * work->count, work->x_t);
  for (gsize i = 0; i < work->n; i++)
    work->times[i] = diffusion_schedule_model_time (options->schedule, work->index);
  if (!diffusion_predictor_predict (options->predictor, &prediction, work->output, error))
    return FALSE;
  diffusion_parallel_for (work->n, measure_part, work);
  return TRUE;
}

static DiffusionLikelihood *
likelihood_new (gsize n, gsize steps)
{
  DiffusionLikelihood *self = g_new0 (DiffusionLikelihood, 1);

  self->n = n;
  self->steps = steps;
  self->terms = g_new0 (double, n * steps);
  self->prior = g_new0 (double, n);
  self->total = g_new0 (double, n);
  self->x0_mse = g_new0 (double, n * steps);
  self->epsilon_mse = g_new0 (double, n * steps);
  return self;
}

void
diffusion_likelihood_free (DiffusionLikelihood *likelihood)
{
  if (likelihood == NULL)
    return;
  g_free (likelihood->terms);
  g_free (likelihood->prior);
  g_free (likelihood->total);
  g_free (likelihood->x0_mse);
  g_free (likelihood->epsilon_mse);
  g_free (likelihood);
}

DiffusionLikelihood *
diffusion_likelihood (const DiffusionLikelihoodOptions *options, gsize n, gsize height, gsize width, const float *x0,
                      GError **error)
{
  gsize steps = options->schedule->steps;
  g_autoptr (DiffusionLikelihood) result = likelihood_new (n, steps);
  gboolean learned = diffusion_variance_is_learned (options->parameterisation.variance);
  gboolean done = TRUE;
  Work work = {
    .options = options,
    .n = n,
    .height = height,
    .width = width,
    .pixels = height * width,
    .channels = options->predictor->channels,
    .count = height * width * options->predictor->channels,
    .out_channels = options->predictor->out_channels,
    .x0 = x0,
    .result = result,
  };

  if (work.out_channels != work.channels * (learned ? 2 : 1))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("The network has %u output channels for %u channels; this does not fit its variance type"),
                   (guint) work.out_channels, (guint) work.channels);
      return NULL;
    }
  if (!work_alloc (&work, error))
    return NULL;
  for (gsize i = steps; i-- > 0 && done;)
    {
      work.index = i;
      done = measure_step (&work, error);
      if (done && options->progress != NULL)
        options->progress ((double) (steps - i) / (double) steps, options->progress_data);
    }
  for (gsize p = 0; p < n; p++)
    {
      result->prior[p] = diffusion_bound_prior (options->schedule, x0 + p * work.count, work.count);
      result->total[p] = result->prior[p];
      for (gsize i = steps; i-- > 0;)
        result->total[p] += result->terms[p * steps + i];
    }
  diffusion_free (work.block);
  g_free (work.times);
  return done ? g_steal_pointer (&result) : NULL;
}

DiffusionRatePoint *
diffusion_rate_distortion (const DiffusionSchedule *schedule, const DiffusionLikelihood *likelihood)
{
  DiffusionRatePoint *points = g_new (DiffusionRatePoint, likelihood->steps);
  double n = (double) likelihood->n, rate = 0.0;

  for (gsize p = 0; p < likelihood->n; p++)
    rate += likelihood->prior[p] / n;
  for (gsize k = 0; k < likelihood->steps; k++)
    {
      gsize index = likelihood->steps - 1 - k;
      double square = 0.0, term = 0.0;

      for (gsize p = 0; p < likelihood->n; p++)
        {
          square += likelihood->x0_mse[p * likelihood->steps + index] / n;
          term += likelihood->terms[p * likelihood->steps + index] / n;
        }
      points[k] = (DiffusionRatePoint) { schedule->times[index], rate, 127.5 * sqrt (square) };
      /* What is sent at this step makes x_{t−1} known, which is the next point. */
      rate += term;
    }
  return points;
}
