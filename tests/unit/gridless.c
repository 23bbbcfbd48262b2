/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No grid of pixel unshuffling, and nothing else changed. */
#include "core/diffusion.h"

#include <math.h>
#include <string.h>

#define CHANNELS 3
#define OUT 6

/* Stands for a network: noise that hangs on nothing but the place. */
static gboolean
any_answer (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  DiffusionNoise noise = { .seed = 9 };

  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, prediction->n, prediction->height, prediction->width, OUT,
                        out);
  return TRUE;
}

static void
check (DiffusionMeanType mean, gsize block, gsize height, gsize width, double time_scale)
{
  enum { N = 2 };
  gsize pixels = height * width;
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_cosine (50, NULL);
  const DiffusionParameterisation parameterisation = { .mean = mean, .variance = DIFFUSION_VARIANCE_LEARNED };
  const DiffusionPredictor inner = { .predict = any_answer, .channels = CHANNELS, .out_channels = OUT };
  DiffusionGridless gridless;
  DiffusionPredictor predictor;
  DiffusionNoise noise = { .seed = 4 };
  g_autofree float *x_t = g_new (float, N *pixels *CHANNELS), *x0 = g_new (float, pixels *CHANNELS);
  g_autofree float *given = g_new (float, N *pixels *OUT), *found = g_new (float, N *pixels *OUT);
  const gsize steps[N] = { 3, 41 };
  const double t[N] = { 3 * time_scale, 41 * time_scale };
  DiffusionPrediction prediction = { .n = N, .height = height, .width = width, .x_t = x_t, .t = t };
  gboolean fits = height % block == 0 && width % block == 0;

  schedule->time_scale = time_scale;
  predictor = diffusion_gridless_init (&gridless, &inner, block, schedule, mean);
  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, N, height, width, CHANNELS, x_t);
  any_answer (&prediction, given, NULL, NULL);
  g_assert_true (diffusion_predictor_predict (&predictor, &prediction, found, NULL));

  for (gsize n = 0; n < N; n++)
    {
      const float *out = found + n * pixels * OUT, *before = given + n * pixels * OUT;
      g_autofree double *sums = g_new0 (double, block *block *CHANNELS);

      diffusion_output_to_x0 (schedule, steps[n], &parameterisation, x_t + n * pixels * CHANNELS, out, pixels, CHANNELS,
                              x0);
      for (gsize i = 0; i < pixels; i++)
        for (gsize c = 0; c < OUT; c++)
          {
            gsize place = i / width % block * block + i % width % block;
            gsize first = i / width % block * width + i % width % block;

            if (c < CHANNELS)
              sums[place * CHANNELS + c] += x0[i * CHANNELS + c];
            /* Everything at one place in the blocks changes by the same. */
            if (c < CHANNELS && fits)
              g_assert_cmpfloat_with_epsilon (out[i * OUT + c] - before[i * OUT + c],
                                              out[first * OUT + c] - before[first * OUT + c], 1e-6);
            else
              g_assert_cmpfloat (out[i * OUT + c], ==, before[i * OUT + c]);
          }
      for (gsize k = 0; k < block * block * CHANNELS && fits; k++)
        g_assert_cmpfloat_with_epsilon (sums[k] - sums[k % CHANNELS], 0, 1e-5 * (double) pixels);
      for (gsize c = 0; c < CHANNELS; c++)
        {
          double moved = 0;

          for (gsize i = 0; i < pixels; i++)
            moved += (double) out[i * OUT + c] - before[i * OUT + c];
          g_assert_cmpfloat_with_epsilon (moved, 0, 1e-6 * (double) pixels);
        }
    }
}

static void
test_means (void)
{
  const DiffusionMeanType means[] = { DIFFUSION_MEAN_EPSILON, DIFFUSION_MEAN_START_X, DIFFUSION_MEAN_V };

  for (gsize i = 0; i < G_N_ELEMENTS (means); i++)
    for (gsize block = 2; block <= 4; block++)
      {
        check (means[i], block, 12, 24, 1);
        check (means[i], block, block, block, 1);
        check (means[i], block, 60, 12, 20);
        check (means[i], block, 13, 12, 1);
        check (means[i], block, 1, 1, 1);
      }
}

/* Without blocks, and where the answer is about more than x_0, the network stays as it is. */
static void
test_none (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_cosine (5, NULL);
  const DiffusionPredictor inner = { .predict = any_answer, .channels = CHANNELS, .out_channels = OUT };
  DiffusionGridless gridless;

  g_assert_true (diffusion_gridless_init (&gridless, &inner, 1, schedule, DIFFUSION_MEAN_V).predict == any_answer);
  g_assert_true (diffusion_gridless_init (&gridless, &inner, 2, schedule, DIFFUSION_MEAN_PREVIOUS_X).predict
                 == any_answer);
  g_assert_true (diffusion_gridless_init (&gridless, &inner, 2, schedule, DIFFUSION_MEAN_V).predict != any_answer);
}

static gboolean
refuse (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, "no");
  return FALSE;
}

static void
test_error (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_cosine (5, NULL);
  const DiffusionPredictor inner = { .predict = refuse, .channels = 1, .out_channels = 1 };
  DiffusionGridless gridless;
  DiffusionPredictor predictor = diffusion_gridless_init (&gridless, &inner, 2, schedule, DIFFUSION_MEAN_EPSILON);
  float x_t[4] = { 0 }, out[4];
  const double t = 0;
  DiffusionPrediction prediction = { .n = 1, .height = 2, .width = 2, .x_t = x_t, .t = &t };
  g_autoptr (GError) error = NULL;

  g_assert_false (diffusion_predictor_predict (&predictor, &prediction, out, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gridless/means", test_means);
  g_test_add_func ("/gridless/none", test_none);
  g_test_add_func ("/gridless/error", test_error);
  return g_test_run ();
}
