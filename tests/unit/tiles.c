/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiles: the result hangs neither on their size nor on threads, regions or the picture's borders. */
#include "core/diffusion.h"

#include <math.h>
#include <string.h>

#define OVERLAP 13

typedef struct
{
  gint calls;
  gint fail_at; /* 0: never */
  GCancellable *cancel;
  gint largest;
} Fake;

/* Like a network with a receptive field of 13 pixels and a grid of 8: the pixel, the far corners of its
 * field, and the mean of its block of the grid. In whole 1/256s, so that sums are exact in any order. */
static gboolean
fake_network (const float *in, gint x, gint y, gint width, gint height, float *out, guint worker,
              GCancellable *cancellable, gpointer data, GError **error)
{
  Fake *fake = data;
  gint call;

  g_assert_cmpint (((x % 8) + 8) % 8, ==, 0);
  g_assert_cmpint (((y % 8) + 8) % 8, ==, 0);
  g_assert_cmpint (width % 8, ==, 0);
  g_assert_cmpint (height % 8, ==, 0);
  call = g_atomic_int_add (&fake->calls, 1) + 1;
  if (width * height > fake->largest)
    fake->largest = width * height;
  if (call == fake->fail_at)
    {
      if (fake->cancel != NULL)
        g_cancellable_cancel (fake->cancel);
      else
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC, "failed");
      return fake->cancel != NULL;
    }
  for (gint i = 0; i < width * height * 3; i++)
    out[i] = NAN; /* outside the middle anything may be */
  for (gint row = OVERLAP; row < height - OVERLAP; row++)
    for (gint column = OVERLAP; column < width - OVERLAP; column++)
      for (int c = 0; c < 3; c++)
        {
          float block = 0;

          for (gint j = 0; j < 8; j++)
            for (gint i = 0; i < 8; i++)
              block += in[((row / 8 * 8 + j) * width + column / 8 * 8 + i) * 3 + c];
          out[(row * width + column) * 3 + c] =
            in[(row * width + column) * 3 + c] + 2 * in[((row - OVERLAP) * width + column + OVERLAP) * 3 + (c + 1) % 3] -
            in[((row + OVERLAP) * width + column - OVERLAP) * 3 + c] + block;
        }
  return TRUE;
}

static float *
make_picture (gint width, gint height, gint channels)
{
  float *pixels = g_new (float, width * height * channels);

  for (gint i = 0; i < width * height * channels; i++)
    pixels[i] = (float) ((i * 2654435761u) >> 24) / 256;
  return pixels;
}

static void
compute (const float *in, float *out, gint width, gint height, gint channels, const gint *region, gint tile)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (width, height, channels, in, out);
  Fake fake = { 0 };
  DiffusionTileWork work = { fake_network, &fake, OVERLAP, 8, 100, 1000 };
  DiffusionTilePlan plan;

  diffusion_tiles_plan (picture, region, &work, tile, 0, &plan, &error);
  g_assert_no_error (error);
  diffusion_tiles_run (picture, &work, &plan, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fake.calls, ==, plan.columns * plan.rows);
}

static void
test_any_size (void)
{
  static const gint sizes[][2] = { { 150, 117 }, { 64, 64 }, { 9, 200 }, { 1, 1 }, { 2, 5 }, { 13, 12 } };

  for (gsize k = 0; k < G_N_ELEMENTS (sizes); k++)
    for (gint channels = 1; channels <= 3; channels += 2)
      {
        gint width = sizes[k][0], height = sizes[k][1], n = width * height * channels;
        g_autofree float *in = make_picture (width, height, channels), *a = g_new (float, n), *b = g_new (float, n);

        compute (in, a, width, height, channels, NULL, 1024);
        for (gint i = 0; i < n; i++)
          g_assert_true (isfinite (a[i]));
        for (gint tile = 8; tile <= 64; tile += 24)
          for (guint threads = 1; threads <= 3; threads += 2)
            {
              diffusion_set_threads (threads);
              memset (b, 0, sizeof (float) * (gsize) n);
              compute (in, b, width, height, channels, NULL, tile);
              g_assert_cmpmem (a, sizeof (float) * (gsize) n, b, sizeof (float) * (gsize) n);
            }
        diffusion_set_threads (0);
      }
}

static void
test_region (void)
{
  static const gint regions[][4] = { { 0, 0, 100, 90 }, { 37, 11, 1, 1 }, { 50, 3, 49, 80 }, { 8, 16, 24, 32 } };
  g_autofree float *in = make_picture (100, 90, 3), *all = g_new (float, 27000), *part = g_new (float, 27000);

  compute (in, all, 100, 90, 3, NULL, 0);
  for (gsize k = 0; k < G_N_ELEMENTS (regions); k++)
    for (gint tile = 0; tile <= 32; tile += 16)
      {
        const gint *region = regions[k];

        for (gint i = 0; i < 27000; i++)
          part[i] = -7;
        compute (in, part, 100, 90, 3, region, tile);
        for (gint i = 0; i < 27000; i++)
          {
            gint x = i / 3 % 100, y = i / 300;
            gboolean inside = x >= region[0] && x < region[0] + region[2] && y >= region[1] && y < region[1] + region[3];

            g_assert_true (part[i] == (inside ? all[i] : -7));
          }
      }
}

static void
test_not_finite (void)
{
  g_autofree float *in = make_picture (40, 40, 3), *zero = make_picture (40, 40, 3);
  float a[4800], b[4800];

  in[1234] = NAN;
  in[2345] = -INFINITY;
  zero[1234] = zero[2345] = 0;
  compute (in, a, 40, 40, 3, NULL, 0);
  compute (zero, b, 40, 40, 3, NULL, 0);
  g_assert_true (isnan (a[1234]) && isinf (a[2345]));
  a[1234] = b[1234];
  a[2345] = b[2345];
  g_assert_cmpmem (a, sizeof a, b, sizeof b);
}

static void
count_progress (double fraction, gpointer data)
{
  double *last = data;

  g_assert_cmpfloat (fraction, >=, *last);
  *last = fraction;
}

static void
test_stops (void)
{
  g_autofree float *in = make_picture (200, 200, 3), *out = g_new (float, 120000);
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (200, 200, 3, in, out);
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Fake fake = { .fail_at = 3 };
  DiffusionTileWork work = { fake_network, &fake, OVERLAP, 8, 100, 0 };
  DiffusionTilePlan plan;
  double last = 0;

  diffusion_set_threads (1);
  g_assert_true (diffusion_tiles_plan (picture, NULL, &work, 24, 0, &plan, NULL));
  g_assert_false (diffusion_tiles_run (picture, &work, &plan, count_progress, &last, cancellable, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC);
  g_assert_cmpint (fake.calls, ==, 3);
  g_assert_cmpfloat (last, <, 1);
  g_clear_error (&error);

  fake = (Fake) { .fail_at = 2, .cancel = cancellable };
  g_assert_false (diffusion_tiles_run (picture, &work, &plan, NULL, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (fake.calls, ==, 2);
  diffusion_set_threads (0);

  fake = (Fake) { 0 };
  last = 0;
  g_assert_true (diffusion_tiles_run (picture, &work, &plan, count_progress, &last, NULL, NULL));
  g_assert_cmpfloat (last, ==, 1);
}

static void
test_memory (void)
{
  g_autofree float *in = make_picture (300, 300, 3), *out = g_new (float, 270000);
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (300, 300, 3, in, out);
  g_autoptr (GError) error = NULL;
  Fake fake = { 0 };
  DiffusionTileWork work = { fake_network, &fake, OVERLAP, 8, 1000, 5000 };
  DiffusionTilePlan plan, same;
  const gint outside[4] = { 299, 0, 2, 1 };

  g_assert_true (diffusion_tiles_plan (picture, NULL, &work, 0, 0, &plan, &error));
  g_assert_cmpint (plan.columns, ==, 1);
  g_assert_cmpuint (plan.workers, ==, 1); /* one tile: the threads work inside it */
  g_assert_cmpuint (plan.peak_bytes, >, 300 * 300 * 1000);
  g_assert_true (diffusion_tiles_plan (picture, NULL, &work, 0, 30000000, &plan, &error));
  g_assert_cmpint (plan.tile, <, 300);
  g_assert_cmpuint (plan.peak_bytes, <=, 30000000);
  g_assert_true (diffusion_tiles_run (picture, &work, &plan, NULL, NULL, NULL, NULL));
  g_assert_cmpuint ((gsize) fake.largest * 1000, <, plan.peak_bytes);
  diffusion_set_threads (7);
  g_assert_true (diffusion_tiles_plan (picture, NULL, &work, 0, 30000000, &same, &error));
  diffusion_set_threads (0);
  g_assert_cmpint (plan.tile, ==, same.tile);
  g_assert_false (diffusion_tiles_plan (picture, NULL, &work, 0, 100000, &plan, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY);
  g_clear_error (&error);
  g_assert_false (diffusion_tiles_plan (picture, outside, &work, 0, 0, &plan, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tiles/any-size", test_any_size);
  g_test_add_func ("/tiles/region", test_region);
  g_test_add_func ("/tiles/not-finite", test_not_finite);
  g_test_add_func ("/tiles/stops", test_stops);
  g_test_add_func ("/tiles/memory", test_memory);
  return g_test_run ();
}
