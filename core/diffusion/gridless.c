/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the grid of pixel unshuffling out of pictures. */
#include "core/diffusion/gridless.h"

#include <math.h>

/* Where x̂_0 is 0, the answer is this times x_t. */
static double
answer_to_noise (const DiffusionGridless *gridless, double t)
{
  double bar = diffusion_schedule_alpha_bar (gridless->schedule, t / gridless->schedule->time_scale);

  if (gridless->mean == DIFFUSION_MEAN_EPSILON)
    return 1.0 / sqrt (1.0 - bar);
  if (gridless->mean == DIFFUSION_MEAN_V)
    return sqrt (bar / (1.0 - bar));
  return 0.0;
}

/* In one channel of one picture. */
static void
level (const DiffusionGridless *gridless, const DiffusionPrediction *prediction, double factor, const float *x_t,
       float *out)
{
  gsize block = gridless->block, channels = gridless->inner.channels, out_channels = gridless->inner.out_channels;
  double share = (double) (block * block) / (double) (prediction->height * prediction->width), mean = 0.0;
  g_autofree double *means = g_new0 (double, block *block);

  for (gsize y = 0; y < prediction->height; y++)
    for (gsize x = 0; x < prediction->width; x++)
      {
        gsize i = y * prediction->width + x;

        means[y % block * block + x % block] += share * (out[i * out_channels] - factor * x_t[i * channels]);
      }
  for (gsize i = 0; i < block * block; i++)
    mean += means[i] / (double) (block * block);
  for (gsize y = 0; y < prediction->height; y++)
    for (gsize x = 0; x < prediction->width; x++)
      out[(y * prediction->width + x) * out_channels] -= (float) (means[y % block * block + x % block] - mean);
}

static gboolean
gridless_predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  const DiffusionGridless *gridless = data;
  const DiffusionPredictor *inner = &gridless->inner;
  gsize pixels = prediction->height * prediction->width;

  if (!diffusion_predictor_predict (inner, prediction, out, error))
    return FALSE;
  if (prediction->height % gridless->block != 0 || prediction->width % gridless->block != 0)
    return TRUE;
  for (gsize i = 0; i < prediction->n; i++)
    for (gsize c = 0; c < inner->channels; c++)
      level (gridless, prediction, answer_to_noise (gridless, prediction->t[i]),
             prediction->x_t + i * pixels * inner->channels + c, out + i * pixels * inner->out_channels + c);
  return TRUE;
}

DiffusionPredictor
diffusion_gridless_init (DiffusionGridless *gridless, const DiffusionPredictor *inner, gsize block,
                         const DiffusionSchedule *schedule, DiffusionMeanType mean)
{
  DiffusionPredictor predictor = *inner;

  if (block <= 1 || mean == DIFFUSION_MEAN_PREVIOUS_X)
    return predictor;
  *gridless = (DiffusionGridless) { .inner = *inner, .block = block, .schedule = schedule, .mean = mean };
  predictor.predict = gridless_predict;
  predictor.data = gridless;
  return predictor;
}
