/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tint and grid of a picture, inferred instead of left to the network. */
#include "core/diffusion/picture-means.h"

#include <math.h>

#define COLOURS 3

/* A network's answer is @of_noisy · x_t + @of_clean · x_0. */
typedef struct
{
  double bar, of_noisy, of_clean;
} Meaning;

static Meaning
meaning_at (const DiffusionPictureMeans *means, double t)
{
  double bar = diffusion_schedule_alpha_bar (means->schedule, t / means->schedule->time_scale);
  double sigma = sqrt (1.0 - bar);

  if (means->mean == DIFFUSION_MEAN_EPSILON)
    return (Meaning) { bar, 1.0 / sigma, -sqrt (bar) / sigma };
  if (means->mean == DIFFUSION_MEAN_V)
    return (Meaning) { bar, sqrt (bar) / sigma, -1.0 / sigma };
  return (Meaning) { bar, 0.0, 1.0 };
}

/* [block², channels]: means at the places of a block. */
static double *
place_means (const DiffusionPrediction *prediction, gsize block, gsize channels, const float *values, gsize stride)
{
  double *means = g_new0 (double, block *block *channels);
  double share = (double) (block * block) / (double) (prediction->height * prediction->width);

  for (gsize y = 0; y < prediction->height; y++)
    for (gsize x = 0; x < prediction->width; x++)
      {
        const float *pixel = values + (y * prediction->width + x) * stride;
        double *place = means + (y % block * block + x % block) * channels;

        for (gsize c = 0; c < channels; c++)
          place[c] += share * pixel[c];
      }
  return means;
}

/* Of one picture: what every place's mean of the answer has to become less the network's, in @wrong. */
static void
find_wrong (const DiffusionPictureMeans *means, const Meaning *meaning, gsize pixels, guint class_number,
            const double *noisy, double *wrong)
{
  gsize places = means->block * means->block, channels = means->inner.channels;
  g_autofree double *clean = g_new0 (double, channels), *seen = g_new0 (double, channels);

  for (gsize i = 0; i < places * channels; i++)
    {
      seen[i % channels] += noisy[i] / ((double) places * sqrt (meaning->bar));
      clean[i % channels] += (wrong[i] - meaning->of_noisy * noisy[i]) / ((double) places * meaning->of_clean);
    }
  if (means->colours != NULL)
    diffusion_mean_colour_infer (&means->colours->each[class_number], seen,
                                 (1.0 - meaning->bar) / (meaning->bar * (double) pixels), clean);
  for (gsize i = 0; i < places * channels; i++)
    wrong[i] -= meaning->of_noisy * noisy[i] + meaning->of_clean * clean[i % channels];
}

static void
correct (const DiffusionPictureMeans *means, const DiffusionPrediction *prediction, gsize n, float *out)
{
  gsize pixels = prediction->height * prediction->width, block = means->block, channels = means->inner.channels;
  gsize stride = means->inner.out_channels;
  guint class_number = prediction->classes != NULL ? (guint) prediction->classes[n] : 0;
  Meaning meaning = meaning_at (means, prediction->t[n]);
  g_autofree double *noisy = place_means (prediction, block, channels, prediction->x_t + n * pixels * channels, channels);
  g_autofree double *wrong = place_means (prediction, block, channels, out, stride);

  find_wrong (means, &meaning, pixels, class_number, noisy, wrong);
  for (gsize y = 0; y < prediction->height; y++)
    for (gsize x = 0; x < prediction->width; x++)
      for (gsize c = 0; c < channels; c++)
        out[(y * prediction->width + x) * stride + c] -= (float) wrong[(y % block * block + x % block) * channels + c];
}

static gboolean
predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  const DiffusionPictureMeans *means = data;

  if (!diffusion_predictor_predict (&means->inner, prediction, out, error))
    return FALSE;
  if (prediction->height % means->block != 0 || prediction->width % means->block != 0)
    return TRUE;
  for (gsize n = 0; n < prediction->n; n++)
    correct (means, prediction, n, out + n * prediction->height * prediction->width * means->inner.out_channels);
  return TRUE;
}

DiffusionPredictor
diffusion_picture_means_init (DiffusionPictureMeans *means, const DiffusionPredictor *inner, gsize block,
                              const DiffusionMeanColours *colours, const DiffusionSchedule *schedule,
                              DiffusionMeanType mean)
{
  DiffusionPredictor predictor = *inner;

  /* Where colours and classes do not belong together, they say nothing. */
  if (inner->channels != COLOURS || (colours != NULL && colours->classes != MAX (1, inner->classes)))
    colours = NULL;
  if ((block <= 1 && colours == NULL) || mean == DIFFUSION_MEAN_PREVIOUS_X)
    return predictor;
  *means = (DiffusionPictureMeans) {
    .inner = *inner, .block = MAX (1, block), .colours = colours, .schedule = schedule, .mean = mean
  };
  predictor.predict = predict;
  predictor.data = means;
  return predictor;
}
