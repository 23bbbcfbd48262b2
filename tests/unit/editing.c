/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generating, regenerating, interpolating, upscaling and denoising with a network that is known to be right. */
#include "core/imaging/resize.h"
#include "tests/unit/toy.h"

#include <math.h>
#include <string.h>

#define HEIGHT 70
#define WIDTH 90
#define PIXELS (HEIGHT * WIDTH)
#define COUNT (PIXELS * TOY_CHANNELS)

/* The toy behind a counter. */
typedef struct
{
  DiffusionSchedule *schedule;
  Toy toy;
  DiffusionPredictor toy_predictor, predictor;
  guint asked;
  double least, most; /* mean of the first channel of a window in noise */
  DiffusionEditor editor;
} World;

/* In the first step the network sees nothing but noise. */
static void
note_mean (World *world, const DiffusionPrediction *prediction)
{
  gsize pixels = prediction->height * prediction->width;

  for (gsize n = 0; n < prediction->n && prediction->t[n] == 999; n++)
    {
      double mean = 0;

      for (gsize i = 0; i < pixels; i++)
        mean += prediction->x_t[(n * pixels + i) * TOY_CHANNELS] / (double) pixels;
      world->least = MIN (world->least, mean);
      world->most = MAX (world->most, mean);
    }
}

static gboolean
counted_predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  World *world = data;

  world->asked += (guint) prediction->n;
  note_mean (world, prediction);
  return world->toy_predictor.predict (prediction, out, world->toy_predictor.data, error);
}

static void
world_init (World *world, gsize native, gsize multiple)
{
  memset (world, 0, sizeof *world);
  world->schedule = diffusion_schedule_new_named ("linear", 1000, 0, 0, NULL);
  toy_init (&world->toy, world->schedule);
  world->toy_predictor = toy_predictor (&world->toy);
  world->predictor = world->toy_predictor;
  world->predictor.predict = counted_predict;
  world->predictor.data = world;
  world->predictor.native = native;
  world->predictor.multiple = multiple;
  world->least = INFINITY;
  world->most = -INFINITY;
  world->editor = (DiffusionEditor) {
    .schedule = world->schedule,
    .parameterisation = DIFFUSION_PARAMETERISATION_INIT,
    .predictor = &world->predictor,
    .sampler = &diffusion_sampler_ddim,
    .eta = 0,
    .steps = 40,
    .batch = 2,
    .seed = 5,
  };
  world->editor.parameterisation.clip = DIFFUSION_CLIP_NONE;
  world->editor.parameterisation.variance = DIFFUSION_VARIANCE_FIXED_LARGE;
}

static void
world_clear (World *world)
{
  diffusion_schedule_unref (world->schedule);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_clear)

static void
test_generate (void)
{
  const struct { gsize native, multiple; } kinds[] = { { 0, 0 }, { 0, 16 }, { 32, 0 }, { 128, 0 } };
  const char *spacings[] = { NULL, "100", "ddim50", "20,10,10,5" };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_auto (World) world = { 0 };
      g_autofree float *both = g_new (float, 2 * COUNT), *second = g_new (float, COUNT);
      g_autoptr (GError) error = NULL;

      world_init (&world, kinds[i].native, kinds[i].multiple);
      world.editor.sampler = i % 2 ? &diffusion_sampler_dpmpp_2m : &diffusion_sampler_ddim;
      world.editor.respacing = spacings[i];
      diffusion_generate (&world.editor, 2, HEIGHT, WIDTH, both, &error);
      g_assert_no_error (error);
      toy_check (&world.toy, both, 2 * PIXELS, 4, 0.35);
      g_assert_cmpuint (world.asked, ==,
                        2 * diffusion_editor_evaluations (&world.editor, 999, NULL, HEIGHT, WIDTH));
      /* The next seed gives the next picture. */
      world.editor.seed++;
      g_assert_true (diffusion_generate (&world.editor, 1, HEIGHT, WIDTH, second, NULL));
      g_assert_cmpmem (both + COUNT, COUNT * sizeof (float), second, COUNT * sizeof (float));
    }
}

static void
test_seamless (void)
{
  g_auto (World) world = { 0 };
  g_autofree float *plain = g_new (float, COUNT), *circular = g_new (float, COUNT);

  world_init (&world, 64, 0);
  g_assert_true (diffusion_generate (&world.editor, 1, HEIGHT, WIDTH, plain, NULL));
  world.editor.circular = TRUE;
  g_assert_true (diffusion_generate (&world.editor, 1, HEIGHT, WIDTH, circular, NULL));
  /* This network looks at single pixels: windows across the edges change nothing for it. */
  for (gsize i = 0; i < COUNT; i++)
    g_assert_cmpfloat_with_epsilon (plain[i], circular[i], 1e-4);
}

/* All windows of a generated picture see noise of nearly one mean; the given picture's noise stays white. */
static void
test_even (void)
{
  enum { NATIVE = 16, SIZE = 96 };
  double spread[2];

  for (int regenerate = 0; regenerate < 2; regenerate++)
    {
      g_auto (World) world = { 0 };
      g_autofree float *picture = g_new0 (float, SIZE * SIZE *TOY_CHANNELS), *out = g_new (float, SIZE * SIZE *TOY_CHANNELS);
      const DiffusionRegeneration regeneration = { .picture = picture, .t = 999 };

      world_init (&world, NATIVE, 0);
      world.editor.circular = TRUE;
      world.editor.steps = 2;
      g_assert_true (regenerate ? diffusion_regenerate (&world.editor, &regeneration, 1, SIZE, SIZE, out, NULL)
                                : diffusion_generate (&world.editor, 1, SIZE, SIZE, out, NULL));
      spread[regenerate] = (world.most - world.least) * NATIVE;
    }
  g_assert_cmpfloat (spread[0], <, 0.5 * spread[1]);
}

static float *
toy_picture (const World *world, guint64 seed, gsize pixels)
{
  float *picture = g_new (float, pixels * TOY_CHANNELS);

  toy_draw (&world->toy, seed, pixels, picture);
  return picture;
}

/* Pictures of the distribution stay pictures of the distribution, whatever t; the closer, the smaller t is. */
static void
test_regenerate (void)
{
  const double levels[] = { 0, 0.5, 3, 100.25, 500, 999 };
  double previous = -1;

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_auto (World) world = { 0 };
      g_autofree float *picture = NULL, *out = g_new (float, COUNT);
      DiffusionRegeneration regeneration = { .t = levels[i] };
      g_autoptr (GError) error = NULL;
      double distance = 0;

      world_init (&world, 0, 0);
      world.editor.steps = 100;
      world.editor.sampler = &diffusion_sampler_ancestral;
      regeneration.picture = picture = toy_picture (&world, 8, PIXELS);
      diffusion_regenerate (&world.editor, &regeneration, 1, HEIGHT, WIDTH, out, &error);
      g_assert_no_error (error);
      toy_check (&world.toy, out, PIXELS, 4, 0.15);
      for (gsize k = 0; k < COUNT; k++)
        distance += fabsf (out[k] - picture[k]) / COUNT;
      g_assert_cmpfloat (distance, >, previous);
      previous = distance;
      g_assert_cmpuint (world.asked, ==,
                        diffusion_editor_evaluations (&world.editor, levels[i], &regeneration, HEIGHT, WIDTH));
    }
}

typedef struct
{
  gsize height, width;
  guint calls;
} Expected;

static void
check_preview (const DiffusionPreview *preview, gpointer data)
{
  Expected *expected = data;

  g_assert_cmpuint (preview->height, ==, expected->height);
  g_assert_cmpuint (preview->width, ==, expected->width);
  g_assert_true (isfinite (preview->x0[expected->height * expected->width * TOY_CHANNELS - 1]));
  expected->calls++;
}

static void
test_mask (void)
{
  const struct { gsize height, width, native; guint length, count; } cases[] = {
    { HEIGHT, WIDTH, 0, 0, 0 }, { HEIGHT, WIDTH, 32, 4, 3 }, { 20, 11, 32, 0, 1 }, { 1, 1, 32, 3, 2 }
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize pixels = cases[i].height * cases[i].width;
      g_auto (World) world = { 0 };
      g_autofree float *picture = NULL, *mask = g_new (float, pixels), *out = g_new (float, pixels * TOY_CHANNELS);
      DiffusionRegeneration regeneration = {
        .t = 400, .mask = mask, .jump_length = cases[i].length, .jump_count = cases[i].count
      };
      Expected expected = { cases[i].height, cases[i].width, 0 };
      g_autoptr (GError) error = NULL;
      gsize changed = 0, free_pixels = 0;

      world_init (&world, cases[i].native, 0);
      world.editor.preview = check_preview;
      world.editor.preview_data = &expected;
      world.editor.steps = 12;
      regeneration.picture = picture = toy_picture (&world, 8, pixels);
      for (gsize p = 0; p < pixels; p++)
        mask[p] = p % 5 == 0 ? 0 : p % 5 == 1 ? 0.5f : 1;
      diffusion_regenerate (&world.editor, &regeneration, 1, cases[i].height, cases[i].width, out, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (expected.calls, >=, 12);
      for (gsize p = 0; p < pixels; p++)
        if (mask[p] == 0)
          g_assert_cmpmem (out + p * TOY_CHANNELS, TOY_CHANNELS * sizeof (float), picture + p * TOY_CHANNELS,
                           TOY_CHANNELS * sizeof (float));
        else if (mask[p] == 1)
          {
            free_pixels++;
            changed += out[p * TOY_CHANNELS] != picture[p * TOY_CHANNELS];
          }
      g_assert_cmpuint (changed, ==, free_pixels);

      mask[pixels - 1] = i % 2 ? (float) NAN : 1.5f;
      g_assert_false (
          diffusion_regenerate (&world.editor, &regeneration, 1, cases[i].height, cases[i].width, out, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
    }
}

static void
test_interpolate (void)
{
  const DiffusionInterpolationType types[] = { DIFFUSION_INTERPOLATE_SHARED_NOISE, DIFFUSION_INTERPOLATE_SLERP,
                                               DIFFUSION_INTERPOLATE_INVERSION };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_auto (World) world = { 0 };
      g_autofree float *a = NULL, *b = NULL, *out = g_new (float, 3 * COUNT), *alone = g_new (float, COUNT);
      const double lambdas[] = { 0, 0.4, 1 };
      DiffusionInterpolation interpolation = { .type = types[i], .t = 300, .lambdas = lambdas };
      DiffusionRegeneration regeneration = { .t = 300 };
      g_autoptr (GError) error = NULL;
      double to_a = 0, to_b = 0;

      world_init (&world, 0, 0);
      world.editor.steps = 200;
      interpolation.a = a = toy_picture (&world, 1, PIXELS);
      interpolation.b = b = toy_picture (&world, 2, PIXELS);
      diffusion_interpolate (&world.editor, &interpolation, 3, HEIGHT, WIDTH, out, &error);
      g_assert_no_error (error);
      regeneration.picture = a;
      g_assert_true (diffusion_regenerate (&world.editor, &regeneration, 1, HEIGHT, WIDTH, alone, NULL));
      if (types[i] != DIFFUSION_INTERPOLATE_INVERSION)
        g_assert_cmpmem (out, COUNT * sizeof (float), alone, COUNT * sizeof (float));
      if (types[i] == DIFFUSION_INTERPOLATE_SHARED_NOISE)
        {
          regeneration.picture = b;
          g_assert_true (diffusion_regenerate (&world.editor, &regeneration, 1, HEIGHT, WIDTH, alone, NULL));
          g_assert_cmpmem (out + 2 * COUNT, COUNT * sizeof (float), alone, COUNT * sizeof (float));
        }
      for (gsize k = 0; k < COUNT; k++)
        {
          to_a = MAX (to_a, fabsf (out[k] - a[k]));
          to_b = MAX (to_b, fabsf (out[2 * COUNT + k] - b[k]));
        }
      /* Inverted pictures come back. */
      if (types[i] == DIFFUSION_INTERPOLATE_INVERSION)
        g_assert_cmpfloat (MAX (to_a, to_b), <, 0.04);
      else
        g_assert_cmpfloat (to_a, >, 0.1);
    }
}

static void
test_denoise (void)
{
  const double sigmas[] = { 0.5, 5, 25, 50.5, 127, 5000 };
  const gsize natives[] = { 0, 32, 128 };

  for (gsize i = 0; i < G_N_ELEMENTS (sigmas) * G_N_ELEMENTS (natives); i++)
    {
      double sigma = sigmas[i / 3];
      g_auto (World) world = { 0 };
      g_autofree float *noisy = NULL, *out = g_new (float, COUNT);
      g_autoptr (GError) error = NULL;
      double level, variance, gain;

      world_init (&world, natives[i % 3], 0);
      memset (world.toy.covariance, 0, sizeof world.toy.covariance);
      for (int c = 0; c < TOY_CHANNELS; c++)
        world.toy.covariance[c][c] = 0.1;
      world.toy.type = i % 2 ? DIFFUSION_MEAN_V : DIFFUSION_MEAN_EPSILON;
      world.editor.parameterisation.mean = world.toy.type;
      noisy = toy_picture (&world, 3, PIXELS);
      diffusion_denoise_matched (&world.editor, noisy, sigma, 1, HEIGHT, WIDTH, out, &error);
      g_assert_no_error (error);
      /* Wiener's filter, for the nearest level the schedule has. */
      level = diffusion_schedule_sigma_for_t (world.schedule, diffusion_schedule_t_for_sigma (world.schedule, sigma));
      variance = level / 127.5 * level / 127.5;
      gain = 0.1 / (0.1 + variance);
      for (gsize k = 0; k < COUNT; k++)
        {
          double mean = world.toy.mean[k % TOY_CHANNELS];

          g_assert_cmpfloat_with_epsilon (out[k], mean + gain * (noisy[k] - mean), 1e-4);
        }
      g_assert_false (diffusion_denoise_matched (&world.editor, noisy, 0, 1, HEIGHT, WIDTH, out, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
    }
}

/* An upsampler that is sure of what it is shown. */
static gboolean
echo_predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  memcpy (out, prediction->condition,
          prediction->n * prediction->height * prediction->width * TOY_CHANNELS * sizeof (float));
  return TRUE;
}

static void
test_upscale (void)
{
  g_auto (World) world = { 0 };
  g_autofree float *low = NULL, *out = g_new (float, 2 * COUNT), *expected = g_new (float, 2 * COUNT);
  DiffusionPredictor echo = { .predict = echo_predict,
                              .channels = TOY_CHANNELS,
                              .out_channels = TOY_CHANNELS,
                              .condition_channels = TOY_CHANNELS,
                              .native = 64 };
  g_autoptr (GError) error = NULL;

  world_init (&world, 0, 0);
  g_assert_false (diffusion_upscale (&world.editor, out, 35, 45, 2, HEIGHT, WIDTH, out, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);

  low = toy_picture (&world, 3, 2 * 35 * 45);
  world.editor.predictor = &echo;
  world.editor.parameterisation.mean = DIFFUSION_MEAN_START_X;
  diffusion_upscale (&world.editor, low, 35, 45, 2, HEIGHT, WIDTH, out, &error);
  g_assert_no_error (error);
  diffusion_resize_bilinear (2, 35, 45, TOY_CHANNELS, low, HEIGHT, WIDTH, expected);
  for (gsize i = 0; i < 2 * COUNT; i++)
    g_assert_cmpfloat_with_epsilon (out[i], expected[i], 1e-5);
}

static void
test_slerp (void)
{
  const float a[] = { 3, 0, 4 }, b[] = { 0, 5, 0 }, c[] = { 6, 0, 8 };
  float out[3];

  for (double lambda = 0; lambda <= 1; lambda += 0.125)
    {
      diffusion_slerp (a, b, lambda, 3, out);
      g_assert_cmpfloat_with_epsilon (out[0] * out[0] + out[1] * out[1] + out[2] * out[2], 25, 1e-4);
      g_assert_cmpfloat_with_epsilon (out[1], 5 * sin (lambda * G_PI / 2), 1e-5);
      diffusion_slerp (a, c, lambda, 3, out);
      g_assert_cmpfloat_with_epsilon (out[0], 3 + 3 * lambda, 1e-5);
    }
}

static void
test_errors (void)
{
  g_auto (World) world = { 0 };
  g_autofree float *picture = g_new0 (float, COUNT);
  const double bad[] = { -1, 999.5, 1000, NAN };
  g_autoptr (GError) error = NULL;
  DiffusionInterpolation interpolation = { .a = picture, .b = picture, .t = 3, .lambdas = &bad[0] };

  world_init (&world, 0, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      DiffusionRegeneration regeneration = { .picture = picture, .t = bad[i] };

      g_assert_false (diffusion_regenerate (&world.editor, &regeneration, 1, HEIGHT, WIDTH, picture, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
      g_clear_error (&error);
    }
  g_assert_false (diffusion_interpolate (&world.editor, &interpolation, 1, HEIGHT, WIDTH, picture, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (diffusion_generate (&world.editor, 1, 0, 5, picture, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (diffusion_generate (&world.editor, 1, G_MAXINT32, G_MAXINT32, picture, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  world.editor.respacing = "1001";
  g_assert_false (diffusion_generate (&world.editor, 1, HEIGHT, WIDTH, picture, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/editing/generate", test_generate);
  g_test_add_func ("/editing/seamless", test_seamless);
  g_test_add_func ("/editing/even", test_even);
  g_test_add_func ("/editing/regenerate", test_regenerate);
  g_test_add_func ("/editing/mask", test_mask);
  g_test_add_func ("/editing/interpolate", test_interpolate);
  g_test_add_func ("/editing/denoise", test_denoise);
  g_test_add_func ("/editing/upscale", test_upscale);
  g_test_add_func ("/editing/slerp", test_slerp);
  g_test_add_func ("/editing/errors", test_errors);
  return g_test_run ();
}
