/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tint and grid are what is to be expected, and nothing else is changed. */
#include "core/diffusion.h"
#include "core/model/json.h"

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
  DiffusionPictureMeans means;
  DiffusionPredictor predictor;
  DiffusionNoise noise = { .seed = 4 };
  g_autofree float *x_t = g_new (float, N *pixels *CHANNELS), *x0 = g_new (float, pixels *CHANNELS);
  g_autofree float *given = g_new (float, N *pixels *OUT), *found = g_new (float, N *pixels *OUT);
  const gsize steps[N] = { 3, 41 };
  const double t[N] = { 3 * time_scale, 41 * time_scale };
  DiffusionPrediction prediction = { .n = N, .height = height, .width = width, .x_t = x_t, .t = t };
  gboolean fits = height % block == 0 && width % block == 0;

  schedule->time_scale = time_scale;
  predictor = diffusion_picture_means_init (&means, &inner, block, NULL, schedule, mean);
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

/* Without blocks and colours, and where the answer is about more than x_0, the network stays as it is. */
static void
test_none (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_cosine (5, NULL);
  g_autofree DiffusionMeanColours *colours = diffusion_mean_colours_new (1), *more = diffusion_mean_colours_new (2);
  const DiffusionPredictor inner = { .predict = any_answer, .channels = CHANNELS, .out_channels = OUT };
  const struct { gsize block; DiffusionMeanColours *colours; DiffusionMeanType mean; gboolean same; } cases[] = {
    { 1, NULL, DIFFUSION_MEAN_V, TRUE },     { 2, NULL, DIFFUSION_MEAN_V, FALSE },
    { 1, colours, DIFFUSION_MEAN_V, FALSE }, { 1, more, DIFFUSION_MEAN_V, TRUE },
    { 2, colours, DIFFUSION_MEAN_PREVIOUS_X, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      DiffusionPictureMeans means;
      DiffusionPredictor predictor = diffusion_picture_means_init (&means, &inner, cases[i].block, cases[i].colours,
                                                                   schedule, cases[i].mean);

      g_assert_cmpint (predictor.predict == any_answer, ==, cases[i].same);
    }
}

static const DiffusionMeanColour known[2] = {
  { { 0.3, -0.2, 0.1 }, { { 0.04, 0.03, 0.01 }, { 0.03, 0.05, 0.02 }, { 0.01, 0.02, 0.03 } } },
  { { -0.4, 0.5, 0.0 }, { { 0.02, -0.01, 0 }, { -0.01, 0.03, 0 }, { 0, 0, 0 } } },
};

/* Against the solution of another form of the same equations: the precisions add up. */
static void
test_infer (void)
{
  const double seen[3] = { 0.9, -0.7, 0.2 }, variances[] = { 1e-9, 0.01, 1, 1e9 };

  for (gsize i = 0; i < G_N_ELEMENTS (variances); i++)
    for (gsize k = 0; k < 2; k++)
      {
        double found[3], left[3];

        diffusion_mean_colour_infer (&known[k], seen, variances[i], found);
        /* (seen − found)/variance = Σ⁻¹ (found − μ), without the inverse. */
        for (gsize a = 0; a < 3; a++)
          {
            left[a] = 0;
            for (gsize b = 0; b < 3; b++)
              left[a] += known[k].covariance[a][b] * (seen[b] - found[b]) / variances[i];
            g_assert_cmpfloat_with_epsilon (left[a], found[a] - known[k].mean[a], 1e-6);
          }
        if (i == 3)
          for (gsize a = 0; a < 3; a++)
            g_assert_cmpfloat_with_epsilon (found[a], known[k].mean[a], 1e-8);
      }
}

/* Whatever the network says, a chain makes pictures whose mean colours are spread as they should be. */
static void
test_colours (void)
{
  enum { SIDE = 4, PICTURES = 800 };
  const DiffusionMeanType types[] = { DIFFUSION_MEAN_EPSILON, DIFFUSION_MEAN_START_X, DIFFUSION_MEAN_V };
  g_autofree DiffusionMeanColours *colours = diffusion_mean_colours_new (2);
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_cosine (100, NULL);
  g_autofree float *out = g_new (float, PICTURES *SIDE *SIDE *CHANNELS);
  g_autofree gint *classes = g_new (gint, PICTURES);

  colours->each[0] = known[0];
  colours->each[1] = known[1];
  for (gsize i = 0; i < PICTURES; i++)
    classes[i] = 1;
  for (gsize type = 0; type < G_N_ELEMENTS (types); type++)
    {
      const DiffusionPredictor inner = { .predict = any_answer, .channels = CHANNELS, .out_channels = OUT, .classes = 2 };
      DiffusionPictureMeans means;
      DiffusionPredictor predictor = diffusion_picture_means_init (&means, &inner, 2, colours, schedule, types[type]);
      DiffusionEditor editor = { .schedule = schedule, .predictor = &predictor, .sampler = &diffusion_sampler_ddim,
                                 .steps = 100, .classes = classes, .seed = type };
      double mean[3] = { 0 }, squares[3][3] = { { 0 } };
      g_autoptr (GError) error = NULL;

      editor.parameterisation
        = (DiffusionParameterisation) { .mean = types[type], .variance = DIFFUSION_VARIANCE_LEARNED };
      diffusion_generate (&editor, PICTURES, SIDE, SIDE, out, &error);
      g_assert_no_error (error);
      for (gsize i = 0; i < PICTURES; i++)
        {
          double colour[3] = { 0 };

          for (gsize k = 0; k < SIDE * SIDE * CHANNELS; k++)
            colour[k % CHANNELS] += out[i * SIDE * SIDE * CHANNELS + k] / (SIDE * SIDE);
          for (gsize a = 0; a < 3; a++)
            {
              mean[a] += colour[a] / PICTURES;
              for (gsize b = 0; b < 3; b++)
                squares[a][b] += (colour[a] - known[1].mean[a]) * (colour[b] - known[1].mean[b]) / PICTURES;
            }
        }
      for (gsize a = 0; a < 3; a++)
        {
          g_assert_cmpfloat_with_epsilon (mean[a], known[1].mean[a], 0.03);
          for (gsize b = 0; b < 3; b++)
            g_assert_cmpfloat_with_epsilon (squares[a][b], known[1].covariance[a][b], 0.006);
        }
    }
}

static void
test_card (void)
{
  const char *const wrong[] = {
    "{}",
    "{\"mean_colours\": 3}",
    "{\"mean_colours\": []}",
    "{\"mean_colours\": [1]}",
    "{\"mean_colours\": [{\"mean\": [0, 0, 0]}]}",
    "{\"mean_colours\": [{\"mean\": [0, 0], \"covariance\": [0, 0, 0, 0, 0, 0]}]}",
    "{\"mean_colours\": [{\"mean\": [0, 0, 3], \"covariance\": [0, 0, 0, 0, 0, 0]}]}",
    "{\"mean_colours\": [{\"mean\": [0, 0, \"0\"], \"covariance\": [0, 0, 0, 0, 0, 0]}]}",
    "{\"mean_colours\": [{\"mean\": [0, 0, 0], \"covariance\": [-0.1, 0, 0, 0, 0, 0]}]}",
    "{\"mean_colours\": [{\"mean\": [0, 0, 0], \"covariance\": [0.1, 0.2, 0, 0.1, 0, 0]}]}",
    "{\"mean_colours\": [{\"mean\": [0, 0, 0], \"covariance\": [0.1, 0, 0, 0.1, 0, 1e300]}]}",
  };
  g_autofree DiffusionMeanColours *colours = diffusion_mean_colours_new (2), *read = NULL;
  g_autoptr (JsonObject) card = json_object_new ();

  colours->each[0] = known[0];
  colours->each[1] = known[1];
  diffusion_card_add_mean_colours (card, colours);
  read = diffusion_card_get_mean_colours (card);
  g_assert_cmpuint (read->classes, ==, 2);
  for (gsize k = 0; k < 2; k++)
    for (gsize a = 0; a < 3; a++)
      {
        g_assert_cmpfloat_with_epsilon (read->each[k].mean[a], known[k].mean[a], 1e-7);
        for (gsize b = 0; b < 3; b++)
          g_assert_cmpfloat_with_epsilon (read->each[k].covariance[a][b], known[k].covariance[a][b], 1e-7);
      }
  g_assert_null (diffusion_card_get_mean_colours (NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) object = diffusion_json_parse_object ("card", wrong[i], strlen (wrong[i]), &error);

      g_assert_no_error (error);
      g_assert_null (diffusion_card_get_mean_colours (object));
    }
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
  DiffusionPictureMeans means;
  DiffusionPredictor predictor = diffusion_picture_means_init (&means, &inner, 2, NULL, schedule, DIFFUSION_MEAN_EPSILON);
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
  g_test_add_func ("/picture-means/means", test_means);
  g_test_add_func ("/picture-means/none", test_none);
  g_test_add_func ("/picture-means/error", test_error);
  g_test_add_func ("/picture-means/infer", test_infer);
  g_test_add_func ("/picture-means/colours", test_colours);
  g_test_add_func ("/picture-means/card", test_card);
  return g_test_run ();
}
