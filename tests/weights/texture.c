/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texture generator that ships: its tiles wrap, its classes have names and differ, and its classifier knows them. */
#include "core/diffusion.h"

#include <math.h>

#define SIZE 64
#define VALUES (SIZE * SIZE * 3)
#define BRICKS 8

static char *model, *classifier;

/* Makes a picture, or with @t above 0 makes the one in @out anew. */
static void
sample (const char *name, const char *guide, gint64 seed, double t, gsize height, gsize width, float *out)
{
  const DiffusionSamplingOptions options = { .model = model,
                                             .sampler = "ddim",
                                             .steps = 20,
                                             .class_name = name,
                                             .classifier = guide,
                                             .guidance_scale = 1,
                                             .seed = seed };
  g_autoptr (DiffusionSampling) sampling = diffusion_sampling_new ();
  g_autoptr (GError) error = NULL;
  DiffusionEditor editor;

  diffusion_sampling_prepare (sampling, &options, 1, &error);
  g_assert_no_error (error);
  editor = *diffusion_sampling_get_editor (sampling);
  editor.seed = (guint64) seed;
  editor.circular = TRUE;
  if (t > 0)
    {
      const DiffusionRegeneration regeneration = { .picture = out, .t = t };

      diffusion_regenerate (&editor, &regeneration, 1, height, width, out, &error);
    }
  else
    diffusion_generate (&editor, 1, height, width, out, &error);
  g_assert_no_error (error);
}

static void
generate (const char *name, const char *guide, gint64 seed, gsize height, gsize width, float *out)
{
  sample (name, guide, seed, 0, height, width, out);
}

static double
deviation (const float *picture)
{
  double sum = 0, squares = 0;

  for (gsize i = 0; i < VALUES; i++)
    {
      sum += picture[i];
      squares += (double) picture[i] * picture[i];
    }
  return sqrt (squares / VALUES - sum / VALUES * sum / VALUES);
}

/* The means of the four places in 2×2 pixels, as the network takes them apart: half a level of 255 cannot be seen. */
static void
check_no_grid (const float *picture)
{
  double means[4][3] = { 0 };

  for (gsize i = 0; i < VALUES; i++)
    means[i / 3 / SIZE % 2 * 2 + i / 3 % 2][i % 3] += picture[i] * 4 * 3 / VALUES;
  for (gsize i = 3; i < 12; i++)
    g_assert_cmpfloat_with_epsilon (means[i / 3][i % 3], means[0][i % 3], 1.0 / 255);
}

static void
test_tiles (void)
{
  g_autofree float *picture = g_new (float, 2 * VALUES);
  double seams = 0;

  for (gint64 seed = 0; seed < BRICKS; seed++)
    {
      double seam;

      generate ("brick", NULL, seed, SIZE, SIZE, picture);
      for (gsize i = 0; i < VALUES; i++)
        g_assert_true (isfinite (picture[i]));
      seam = diffusion_wrap_seam (SIZE, SIZE, picture);
      g_test_message ("seam %.2f", seam);
      seams += seam / BRICKS;
      check_no_grid (picture);
    }
  /* One wall may have its mortar at the border, where differences are larger; that is as likely as anywhere else. */
  g_assert_cmpfloat (seams, <, 1.3);
  generate ("ground", NULL, 4, SIZE, 2 * SIZE, picture);
  g_assert_cmpfloat (diffusion_wrap_seam (SIZE, 2 * SIZE, picture), <, 1.5);
}

/* A sibling of a tile is one. */
static void
test_variation (void)
{
  g_autofree float *tile = g_new (float, 2 * VALUES), *sibling = NULL;
  double squares = 0;

  generate ("rock", NULL, 5, SIZE, 2 * SIZE, tile);
  sibling = g_memdup2 (tile, 2 * VALUES * sizeof (float));
  sample ("rock", NULL, 6, 449, SIZE, 2 * SIZE, sibling);
  g_assert_cmpfloat (diffusion_wrap_seam (SIZE, 2 * SIZE, sibling), <, 1.5);
  for (gsize i = 0; i < 2 * VALUES; i++)
    squares += ((double) sibling[i] - tile[i]) * ((double) sibling[i] - tile[i]) / (2 * VALUES);
  g_assert_cmpfloat (sqrt (squares), >, 0.02);
  g_assert_cmpfloat (sqrt (squares), <, 0.5);
}

static void
test_classes (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) generator = diffusion_model_open (model, NULL, NULL, &error);
  g_autoptr (DiffusionModel) judge = NULL;
  g_auto (GStrv) names = NULL, judged = NULL;
  g_autofree float *snow = g_new (float, VALUES), *brick = g_new (float, VALUES);
  double difference = 0;

  g_assert_no_error (error);
  judge = diffusion_model_open (classifier, NULL, NULL, &error);
  g_assert_no_error (error);
  names = diffusion_model_get_class_names (generator);
  judged = diffusion_model_get_class_names (judge);
  g_assert_cmpuint (g_strv_length (names), ==, 12);
  g_assert_cmpstrv (names, judged);
  generate ("snow", NULL, 1, SIZE, SIZE, snow);
  generate ("brick", NULL, 1, SIZE, SIZE, brick);
  for (gsize i = 0; i < VALUES; i++)
    difference += ((double) snow[i] - brick[i]) / VALUES;
  /* Of all classes, snow is the brightest by far. */
  g_assert_cmpfloat (difference, >, 0.2);
}

/* Guided, it is another picture of the kind, with as much light and shade. */
static void
test_guidance (void)
{
  g_autofree float *plain = g_new (float, VALUES), *guided = g_new (float, VALUES);

  for (gint64 seed = 1; seed < 4; seed++)
    {
      double difference = 0;

      generate ("brick", NULL, seed, SIZE, SIZE, plain);
      generate ("brick", classifier, seed, SIZE, SIZE, guided);
      for (gsize i = 0; i < VALUES; i++)
        difference = MAX (difference, fabs ((double) guided[i] - plain[i]));
      g_assert_cmpfloat (difference, >, 0.001);
      g_assert_cmpfloat (deviation (guided), >, 0.5 * deviation (plain));
      g_assert_cmpfloat (deviation (guided), <, 2 * deviation (plain));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  model = g_build_filename (g_getenv ("DIFFUSION_SOURCE_ROOT"), "weights/texture", NULL);
  classifier = g_build_filename (g_getenv ("DIFFUSION_SOURCE_ROOT"), "weights/texture-classifier", NULL);
  g_test_add_func ("/weights/texture/tiles", test_tiles);
  g_test_add_func ("/weights/texture/variation", test_variation);
  g_test_add_func ("/weights/texture/classes", test_classes);
  g_test_add_func ("/weights/texture/guidance", test_guidance);
  int status = g_test_run ();
  g_free (model);
  g_free (classifier);
  return status;
}
