/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world in which the best possible network is known. */
#include "tests/unit/toy.h"

#include <math.h>
#include <string.h>

typedef double Matrix[TOY_CHANNELS][TOY_CHANNELS];

void
toy_init (Toy *toy, const DiffusionSchedule *schedule)
{
  *toy = (Toy) {
    .schedule = schedule,
    .mean = { 0.3, -0.5, 0.1 },
    .covariance = { { 0.25, 0.1, -0.02 }, { 0.1, 0.16, 0.03 }, { -0.02, 0.03, 0.04 } },
  };
}

/* Gauss–Jordan; covariances need no pivoting. */
static void
invert (const Matrix from, Matrix out)
{
  Matrix a;

  memcpy (a, from, sizeof (Matrix));
  memset (out, 0, sizeof (Matrix));
  for (int i = 0; i < TOY_CHANNELS; i++)
    out[i][i] = 1;
  for (int i = 0; i < TOY_CHANNELS; i++)
    {
      double pivot = a[i][i];

      for (int k = 0; k < TOY_CHANNELS; k++)
        {
          a[i][k] /= pivot;
          out[i][k] /= pivot;
        }
      for (int j = 0; j < TOY_CHANNELS; j++)
        {
          double factor = a[j][i];

          for (int k = 0; k < TOY_CHANNELS && j != i; k++)
            {
              a[j][k] -= factor * a[i][k];
              out[j][k] -= factor * out[i][k];
            }
        }
    }
}

/* E[x_0 | x_t] = m + gain (x_t − √ᾱ m) with gain = √ᾱ Σ (ᾱ Σ + (1 − ᾱ) I)⁻¹. */
static void
posterior_gain (const Toy *toy, double bar, Matrix gain)
{
  Matrix level, inverse;

  for (int i = 0; i < TOY_CHANNELS; i++)
    for (int j = 0; j < TOY_CHANNELS; j++)
      level[i][j] = bar * toy->covariance[i][j] + (i == j ? 1.0 - bar : 0.0);
  invert (level, inverse);
  for (int i = 0; i < TOY_CHANNELS; i++)
    for (int j = 0; j < TOY_CHANNELS; j++)
      {
        gain[i][j] = 0;
        for (int k = 0; k < TOY_CHANNELS; k++)
          gain[i][j] += sqrt (bar) * toy->covariance[i][k] * inverse[k][j];
      }
}

static gsize
index_of_time (const DiffusionSchedule *schedule, double t)
{
  for (gsize i = 0; i < schedule->steps; i++)
    if (fabs (diffusion_schedule_model_time (schedule, i) - t) < 1e-9)
      return i;
  g_error ("t = %g is not in the schedule", t);
}

/* Var[x_{t−1} | x_t] = β̃ + coef1² Var[x_0 | x_t]; its diagonal, which is all a network can say. */
static double
log_variance (const Toy *toy, const Matrix gain, double bar, gsize index, int channel)
{
  double coefficient = toy->chain->posterior_mean_coef1[index], remaining = toy->covariance[channel][channel];

  for (int k = 0; k < TOY_CHANNELS; k++)
    remaining -= gain[channel][k] * sqrt (bar) * toy->covariance[k][channel];
  return log (toy->chain->posterior_variance[index] + coefficient * coefficient * remaining);
}

static void
predict_pixel (const Toy *toy, const Matrix gain, double bar, const DiffusionSchedule *chain, gsize index,
               const float *x_t, float *out)
{
  for (int c = 0; c < TOY_CHANNELS; c++)
    {
      double x0 = toy->mean[c], epsilon;

      for (int k = 0; k < TOY_CHANNELS; k++)
        x0 += gain[c][k] * (x_t[k] - sqrt (bar) * toy->mean[k]);
      epsilon = (x_t[c] - sqrt (bar) * x0) / sqrt (1 - bar);
      switch (toy->type)
        {
        case DIFFUSION_MEAN_EPSILON:
          out[c] = (float) epsilon;
          break;
        case DIFFUSION_MEAN_START_X:
          out[c] = (float) x0;
          break;
        case DIFFUSION_MEAN_V:
          out[c] = (float) (sqrt (bar) * epsilon - sqrt (1 - bar) * x0);
          break;
        case DIFFUSION_MEAN_PREVIOUS_X:
          out[c] = (float) (chain->posterior_mean_coef1[index] * x0 + chain->posterior_mean_coef2[index] * x_t[c]);
          break;
        }
    }
}

static gboolean
predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  const Toy *toy = data;
  const DiffusionSchedule *chain = toy->chain != NULL ? toy->chain : toy->schedule;
  gsize pixels = prediction->height * prediction->width, stride = TOY_CHANNELS * (toy->learned ? 2 : 1);

  for (gsize i = 0; i < prediction->n; i++)
    {
      /* Without a chain any t will do, and the questions that need its neighbours cannot be asked. */
      gsize index = toy->chain != NULL ? index_of_time (chain, prediction->t[i]) : 0;
      double bar = toy->chain != NULL ? chain->alphas_cumprod[index]
                                      : diffusion_schedule_alpha_bar (chain, prediction->t[i] / chain->time_scale);
      Matrix gain;

      posterior_gain (toy, bar, gain);
      for (gsize p = i * pixels; p < (i + 1) * pixels; p++)
        {
          predict_pixel (toy, gain, bar, chain, index, prediction->x_t + p * TOY_CHANNELS, out + p * stride);
          for (int c = 0; c < TOY_CHANNELS && toy->learned; c++)
            out[p * stride + TOY_CHANNELS + (gsize) c] = (float) log_variance (toy, gain, bar, index, c);
        }
    }
  return TRUE;
}

DiffusionPredictor
toy_predictor (Toy *toy)
{
  return (DiffusionPredictor) {
    .predict = predict,
    .data = toy,
    .channels = TOY_CHANNELS,
    .out_channels = TOY_CHANNELS * (toy->learned ? 2 : 1),
  };
}

void
toy_draw (const Toy *toy, guint64 seed, gsize pixels, float *x0)
{
  DiffusionNoise noise = { .seed = seed };
  Matrix root = { { 0 } };

  for (int i = 0; i < TOY_CHANNELS; i++)
    for (int j = 0; j <= i; j++)
      {
        double sum = toy->covariance[i][j];

        for (int k = 0; k < j; k++)
          sum -= root[i][k] * root[j][k];
        root[i][j] = i == j ? sqrt (sum) : sum / root[j][j];
      }
  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_DATA, 0, 1, 1, pixels, TOY_CHANNELS, x0);
  for (gsize p = 0; p < pixels; p++)
    for (int i = TOY_CHANNELS - 1; i >= 0; i--)
      {
        double value = toy->mean[i];

        for (int k = 0; k <= i; k++)
          value += root[i][k] * x0[p * TOY_CHANNELS + (gsize) k];
        x0[p * TOY_CHANNELS + (gsize) i] = (float) value;
      }
}

void
toy_check (const Toy *toy, const float *x, gsize pixels, double sigmas, double bias)
{
  double mean[TOY_CHANNELS] = { 0 }, n = (double) pixels;

  for (gsize p = 0; p < pixels; p++)
    for (int i = 0; i < TOY_CHANNELS; i++)
      mean[i] += x[p * TOY_CHANNELS + (gsize) i] / n;
  for (int i = 0; i < TOY_CHANNELS; i++)
    {
      double deviation = sqrt (toy->covariance[i][i]);

      g_assert_cmpfloat (fabs (mean[i] - toy->mean[i]), <, deviation * (sigmas / sqrt (n) + bias));
      for (int j = 0; j <= i; j++)
        {
          double found = 0, expected = toy->covariance[i][j];
          double scale = sqrt (toy->covariance[i][i] * toy->covariance[j][j]);
          double standard_error = sqrt ((scale * scale + expected * expected) / n);

          for (gsize p = 0; p < pixels; p++)
            found += (x[p * TOY_CHANNELS + (gsize) i] - mean[i]) * (x[p * TOY_CHANNELS + (gsize) j] - mean[j]) / n;
          g_assert_cmpfloat (fabs (found - expected), <, sigmas * standard_error + bias * scale);
        }
    }
}
