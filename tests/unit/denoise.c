/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising with a small random network: what must not depend on tiles and threads, what must not change. */
#include "core/diffusion.h"

#include <glib/gstdio.h>
#include <math.h>

#define WIDTH 203
#define HEIGHT 157

static char *folder;

/* A network of the right shape whose weights are random, so that every path carries something; the more the larger
 * the gain. */
static char *
make_model (float gain)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  DiffusionPhotoConfig config = { { 8, 16, 24 }, { 1, 1, 1, 1, 1 }, 8 };
  DiffusionPhotoValues values;
  g_autoptr (GError) error = NULL;
  float *block;

  diffusion_graph_free (diffusion_photo_model_build (&config, params, 1, 8, 8, &values));
  block = diffusion_params_allocate (params, &error);
  g_assert_no_error (error);
  diffusion_params_initialise (params, 5, block);
  for (gsize i = 0; i < diffusion_params_get_total (params); i++)
    block[i] = gain * (block[i] != 0 ? block[i] : 0.02f * (float) sin ((double) i));
  g_autofree char *made = g_dir_make_tmp ("diffusion-XXXXXX", &error);
  g_assert_no_error (error);
  diffusion_photo_folder_save (made, &config, params, block, NULL, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&made);
}

static void
remove_model (char *path)
{
  static const char *const names[] = { "config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *file = g_build_filename (path, names[i], NULL);

      g_unlink (file);
    }
  g_rmdir (path);
  g_free (path);
}

static float *
run_bits (gint width, gint height, gint channels, gint bits, const DiffusionDenoiseOptions *options, const float *in)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPhotoModel) model = diffusion_photo_model_open (folder, &error);
  float *out = g_memdup2 (in, (gsize) (width * height * channels) * sizeof (float));
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (width, height, channels, in, out);
  DiffusionDenoiseReport report;

  g_assert_no_error (error);
  picture->bits = bits;
  diffusion_denoise (model, picture, options, &report, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.peak_bytes, <=, DIFFUSION_TILE_MEMORY);
  return out;
}

static float *
run (gint width, gint height, gint channels, const DiffusionDenoiseOptions *options, const float *in)
{
  return run_bits (width, height, channels, 32, options, in);
}

static float *
make_picture (gint width, gint height, gint channels)
{
  DiffusionStream stream = { 3, DIFFUSION_PURPOSE_NOISE, 0 };
  float *pixels = g_new (float, width * height * channels);

  diffusion_random_normal_fill (&stream, 0, 0, width, height, channels, pixels);
  for (gint i = 0; i < width * height * channels; i++)
    pixels[i] = 0.5f + 0.3f * sinf ((float) i * 0.01f) + 0.1f * pixels[i];
  return pixels;
}

static void
test_tiles_and_threads (void)
{
  g_autofree float *in = make_picture (WIDTH, HEIGHT, 3);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autofree float *whole = NULL;
  double change = 0;

  options.sigma = 25;
  options.tile = 1024;
  whole = run (WIDTH, HEIGHT, 3, &options, in);
  for (gint i = 0; i < WIDTH * HEIGHT * 3; i++)
    change = MAX (change, fabs (whole[i] - in[i]));
  g_assert_cmpfloat (change, >, 0.01);
  for (guint threads = 1; threads <= 3; threads++)
    {
      g_autofree float *again = NULL;

      diffusion_set_threads (threads);
      again = run (WIDTH, HEIGHT, 3, &options, in);
      g_assert_cmpmem (again, WIDTH * HEIGHT * 12, whole, WIDTH * HEIGHT * 12);
      for (options.tile = 24; options.tile < 128; options.tile += 40)
        {
          g_autofree float *tiled = run (WIDTH, HEIGHT, 3, &options, in);

          for (gint i = 0; i < WIDTH * HEIGHT * 3; i++)
            g_assert_cmpfloat_with_epsilon (tiled[i], whole[i], 1e-5);
        }
      options.tile = 1024;
    }
  diffusion_set_threads (0);
}

/* Three levels, one of them no noise, in parts that are no rectangles. */
static void
make_map (DiffusionNoiseMap *map)
{
  *map = (DiffusionNoiseMap) { .columns = 6, .rows = 5, .n_levels = 3, .sigmas = { 0, 30, 12 } };
  for (gint i = 0; i < map->columns; i++)
    map->x[i] = 10 + 37 * i;
  for (gint j = 0; j < map->rows; j++)
    map->y[j] = -3 + 35 * j;
  for (gint k = 0; k < map->columns * map->rows; k++)
    map->levels[k] = (guint8) (k % 6 < 2 ? 0 : k % 6 < 2 + k / 6 ? 1 : 2);
}

/* Where one level counts alone, that level's result stays; in between lies one between them. */
static void
test_map (void)
{
  g_autofree float *in = make_picture (WIDTH, HEIGHT, 3);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  float *levels[3];
  g_autofree float *whole = NULL;
  DiffusionNoiseMap map;
  gboolean mixed = FALSE;

  make_map (&map);
  options.tile = 1024;
  for (gint k = 0; k < 3; k++)
    {
      options.sigma = map.sigmas[k];
      levels[k] = run (WIDTH, HEIGHT, 3, &options, in);
    }
  options.sigma = DIFFUSION_SIGMA_AUTO;
  options.map = &map;
  whole = run (WIDTH, HEIGHT, 3, &options, in);
  for (gint y = 0; y < HEIGHT; y++)
    {
      float weights[3][WIDTH];

      for (gint k = 0; k < 3; k++)
        diffusion_noise_map_weigh (&map, k, y, 0, WIDTH, weights[k]);
      for (gint x = 0; x < WIDTH; x++)
        {
          gint i = 3 * (y * WIDTH + x);
          double expected = 0, sum = 0;

          for (gint k = 0; k < 3; k++)
            {
              sum += weights[k][x];
              expected += weights[k][x] * levels[k][i];
              mixed |= weights[k][x] > 0.1f && weights[k][x] < 0.9f;
            }
          g_assert_cmpfloat_with_epsilon (sum, 1, 1e-6);
          g_assert_cmpfloat_with_epsilon (whole[i], expected, 1e-5);
          if (weights[0][x] == 1)
            g_assert_cmpfloat (whole[i], ==, in[i]);
        }
    }
  for (gint k = 0; k < 3; k++)
    g_free (levels[k]);
  g_assert_true (mixed);
  for (guint threads = 1; threads <= 3; threads += 2)
    {
      diffusion_set_threads (threads);
      for (options.tile = 24; options.tile < 128; options.tile += 40)
        {
          g_autofree float *tiled = run (WIDTH, HEIGHT, 3, &options, in);

          for (gint i = 0; i < WIDTH * HEIGHT * 3; i++)
            g_assert_cmpfloat_with_epsilon (tiled[i], whole[i], 1e-5);
        }
      options.tile = 1024;
      g_autofree float *again = run (WIDTH, HEIGHT, 3, &options, in);
      g_assert_cmpmem (again, WIDTH * HEIGHT * 12, whole, WIDTH * HEIGHT * 12);
    }
  diffusion_set_threads (0);
}

/* Passes, details and a region go with levels too; a given level wins over a map; what it costs is known before. */
static void
test_map_options (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPhotoModel) model = diffusion_photo_model_open (folder, &error);
  g_autofree float *in = make_picture (WIDTH, HEIGHT, 3);
  g_autofree float *out = g_memdup2 (in, WIDTH * HEIGHT * 12);
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (WIDTH, HEIGHT, 3, in, out);
  const gint region[4] = { 31, 17, 120, 101 };
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autofree float *whole = NULL, *tiled = NULL, *given = NULL, *even = NULL;
  DiffusionDenoiseReport planned, done;
  DiffusionNoiseMap map;

  make_map (&map);
  options.map = &map;
  options.passes = 2;
  options.detail = 0.5;
  options.tile = 1024;
  whole = run (WIDTH, HEIGHT, 3, &options, in);
  options.tile = 64;
  options.region = region;
  tiled = run (WIDTH, HEIGHT, 3, &options, in);
  for (gint y = 0; y < HEIGHT; y++)
    for (gint i = 3 * y * WIDTH; i < 3 * (y + 1) * WIDTH; i++)
      {
        gint x = i / 3 % WIDTH;
        gboolean inside = x >= 31 && x < 151 && y >= 17 && y < 118;

        g_assert_cmpfloat_with_epsilon (tiled[i], inside ? whole[i] : in[i], inside ? 1e-5 : 1e-9);
      }

  g_assert_true (diffusion_denoise_plan (model, picture, &options, &planned, &error));
  g_assert_true (diffusion_denoise (model, picture, &options, &done, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (planned.computed, ==, done.computed);
  g_assert_cmpuint (planned.peak_bytes, ==, done.peak_bytes);
  g_assert_cmpfloat (done.computed, >, 0);
  g_assert_cmpfloat (done.least, ==, 0);
  g_assert_cmpfloat (done.most, ==, 30);
  g_assert_cmpfloat (done.sigma, >, 5);
  g_assert_cmpfloat (done.sigma, <, 25);

  options.sigma = 12;
  given = run (WIDTH, HEIGHT, 3, &options, in);
  options.sigma = DIFFUSION_SIGMA_AUTO;
  diffusion_noise_map_init_even (&map, 12);
  even = run (WIDTH, HEIGHT, 3, &options, in);
  g_assert_cmpmem (given, WIDTH * HEIGHT * 12, even, WIDTH * HEIGHT * 12);
}

/* A part holds all that a level counts for, and nothing at all where it does not. */
static void
test_map_parts (void)
{
  static const gint regions[][4] = { { 0, 0, WIDTH, HEIGHT }, { 50, 40, 9, 3 }, { 0, 0, 5, 5 }, { 190, 150, 13, 7 }, { 84, 67, 1, 1 } };
  DiffusionNoiseMap map;

  make_map (&map);
  for (gsize r = 0; r < G_N_ELEMENTS (regions); r++)
    for (gint k = 0; k < 3; k++)
      {
        const gint *region = regions[r];
        gint part[4] = { 0 }, left = G_MAXINT, right = -1, top = G_MAXINT, bottom = -1;
        gboolean found = diffusion_noise_map_find (&map, k, region, part);

        for (gint y = region[1]; y < region[1] + region[3]; y++)
          {
            float weights[WIDTH];

            diffusion_noise_map_weigh (&map, k, y, region[0], region[2], weights);
            for (gint i = 0; i < region[2]; i++)
              if (weights[i] > 0)
                {
                  left = MIN (left, region[0] + i);
                  right = MAX (right, region[0] + i + 1);
                  top = MIN (top, y);
                  bottom = MAX (bottom, y + 1);
                }
          }
        g_assert_cmpint (found, ==, right > 0);
        if (!found)
          continue;
        g_assert_cmpint (part[0], ==, left);
        g_assert_cmpint (part[0] + part[2], ==, right);
        g_assert_cmpint (part[1], ==, top);
        g_assert_cmpint (part[1] + part[3], ==, bottom);
      }
}

/* Rounded products change the picture by less than a step of 8 bits, and by more than float32's rounding where the processor has
 * them. */
static void
test_precision (void)
{
  g_autofree float *in = make_picture (64, 48, 3);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autofree float *exact = NULL, *rounded = NULL, *few_bits = NULL, *many_bits = NULL;
  float difference = 0;
  const gboolean faster = diffusion_cpu_level () >= DIFFUSION_CPU_AVX512_BF16;

  options.sigma = 25;
  few_bits = run_bits (64, 48, 3, 8, &options, in);
  many_bits = run_bits (64, 48, 3, 16, &options, in);
  options.precision = DIFFUSION_DENOISE_PRECISION_F32;
  exact = run (64, 48, 3, &options, in);
  options.precision = DIFFUSION_DENOISE_PRECISION_BF16;
  rounded = run (64, 48, 3, &options, in);
  for (gsize i = 0; i < 64 * 48 * 3; i++)
    difference = MAX (difference, fabsf (rounded[i] - exact[i]));
  g_assert_cmpfloat (difference, <, 1.0 / 255);
  g_assert_cmpmem (many_bits, 64 * 48 * 12, exact, 64 * 48 * 12);
  g_assert_cmpmem (few_bits, 64 * 48 * 12, faster ? rounded : exact, 64 * 48 * 12);
  if (faster)
    g_assert_cmpfloat (difference, >, 1e-5);
  else
    g_assert_cmpfloat (difference, <, 1e-5);
}

static void
test_strengths (void)
{
  g_autofree float *in = make_picture (40, 30, 3);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autofree float *full = NULL, *half = NULL, *luma = NULL, *none = NULL;

  options.sigma = 20;
  full = run (40, 30, 3, &options, in);
  options.strength = 0.5;
  half = run (40, 30, 3, &options, in);
  options.strength = 1;
  options.chroma = 0;
  luma = run (40, 30, 3, &options, in);
  options.luma = 0;
  none = run (40, 30, 3, &options, in);
  for (gint i = 0; i < 40 * 30 * 3; i++)
    {
      g_assert_cmpfloat_with_epsilon (half[i], (in[i] + full[i]) / 2, 1e-6);
      g_assert_cmpfloat (none[i], ==, in[i]);
    }
  for (gint i = 0; i < 40 * 30; i++)
    for (gint k = 1; k < 3; k++)
      g_assert_cmpfloat_with_epsilon (luma[3 * i + k] - luma[3 * i], in[3 * i + k] - in[3 * i], 1e-6);
}

/* Several passes hang on tiles as little as one does. */
static void
test_passes (void)
{
  g_autofree float *in = make_picture (WIDTH, HEIGHT, 3);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autofree float *once = NULL, *whole = NULL, *tiled = NULL;
  double change = 0;

  options.sigma = 25;
  once = run (WIDTH, HEIGHT, 3, &options, in);
  options.passes = 3;
  options.tile = 1024;
  whole = run (WIDTH, HEIGHT, 3, &options, in);
  options.tile = 64;
  tiled = run (WIDTH, HEIGHT, 3, &options, in);
  for (gint i = 0; i < WIDTH * HEIGHT * 3; i++)
    {
      change = MAX (change, fabs (whole[i] - once[i]));
      g_assert_cmpfloat_with_epsilon (tiled[i], whole[i], 1e-5);
    }
  g_assert_cmpfloat (change, >, 1e-3);
}

/* A network that takes away far more than noise: much of that comes back, whatever the tiles. */
static void
test_details_of_tiles (void)
{
  char *gentle = folder;
  g_autofree float *in = make_picture (WIDTH, HEIGHT, 3);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autofree float *without = NULL, *whole = NULL, *tiled = NULL;
  double taken = 0, back = 0;

  folder = make_model (40);
  options.sigma = 25;
  options.tile = 1024;
  without = run (WIDTH, HEIGHT, 3, &options, in);
  options.detail = 0.7;
  whole = run (WIDTH, HEIGHT, 3, &options, in);
  options.tile = 64;
  tiled = run (WIDTH, HEIGHT, 3, &options, in);
  remove_model (folder);
  folder = gentle;
  for (gint i = 0; i < WIDTH * HEIGHT * 3; i++)
    {
      taken = MAX (taken, fabs (without[i] - in[i]));
      back = MAX (back, fabs (whole[i] - without[i]));
      g_assert_cmpfloat_with_epsilon (tiled[i], whole[i], 1e-5 * MAX (1, fabs (whole[i])));
    }
  g_test_message ("up to %g was taken away, up to %g came back", taken, back);
  g_assert_cmpfloat (back, >, 1e-2);
}

/* A weave on a flat ground that a denoiser smoothed away together with the noise. */
static void
test_detail (void)
{
  const gint size = 128;
  const double sigma = 0.05;
  DiffusionStream stream = { 7, DIFFUSION_PURPOSE_NOISE, 0 };
  g_autofree float *in = g_new (float, size * size * 3);
  g_autofree float *flat = g_new (float, size * size * 3);
  g_autofree float *out = NULL;
  g_autoptr (GError) error = NULL;
  double before = 0, after = 0, leaked = 0;

  diffusion_random_normal_fill (&stream, 0, 0, size, size, 3, in);
  for (gint i = 0; i < size * size * 3; i++)
    {
      gint x = i / 3 % size, y = i / 3 / size;
      /* the left half is woven */
      float weave = x < size / 2 ? 0.12f * ((x / 2 + y / 2) % 2 == 0 ? 1.0f : -1.0f) : 0.0f;

      in[i] = 0.5f + weave + (float) sigma * in[i];
      flat[i] = 0.5f;
    }
  out = g_memdup2 (flat, (gsize) size * size * 3 * sizeof (float));
  g_assert_true (diffusion_detail_recover (in, size, size, sigma / sqrt (3), 1, out, &error));
  g_assert_no_error (error);
  for (gint i = 0; i < size * size; i++)
    {
      gint x = i % size, y = i / size;
      double wanted = 0.5 + 0.12 * ((x / 2 + y / 2) % 2 == 0 ? 1 : -1);

      /* Only brightness comes back, equal in all channels. */
      g_assert_cmpfloat_with_epsilon (out[3 * i], out[3 * i + 2], 1e-6);
      if (x < size / 2 - 12)
        {
          before += (0.5 - wanted) * (0.5 - wanted);
          after += (out[3 * i] - wanted) * (out[3 * i] - wanted);
        }
      else if (x >= size / 2 + 20)
        leaked += (out[3 * i] - 0.5) * (out[3 * i] - 0.5) / ((size / 2 - 20) * size);
    }
  g_test_message ("error with the weave lost %g, recovered %g; noise let through %.2f %%", before, after,
                  100 * leaked / (sigma * sigma / 3));
  g_assert_cmpfloat (after, <, before / 4);
  g_assert_cmpfloat (leaked, <, 0.02 * sigma * sigma / 3);

  g_assert_true (diffusion_detail_recover (in, size, size, sigma, 0, flat, &error));
  for (gint i = 0; i < size * size * 3; i++)
    g_assert_cmpfloat (flat[i], ==, 0.5f);
}

static void
test_small (void)
{
  static const gint sizes[][2] = { { 1, 1 }, { 1, 7 }, { 9, 2 }, { 8, 8 } };
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();

  options.sigma = 10;
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (gint channels = 1; channels <= 3; channels += 2)
      {
        g_autofree float *in = make_picture (sizes[i][0], sizes[i][1], channels);
        g_autofree float *out = run (sizes[i][0], sizes[i][1], channels, &options, in);

        for (gint k = 0; k < sizes[i][0] * sizes[i][1] * channels; k++)
          g_assert_true (isfinite (out[k]));
      }
}

/* What is known before is what happens. */
static void
test_plan (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPhotoModel) model = diffusion_photo_model_open (folder, &error);
  g_autofree float *in = make_picture (WIDTH, HEIGHT, 3);
  g_autofree float *out = g_memdup2 (in, WIDTH * HEIGHT * 12);
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (WIDTH, HEIGHT, 3, in, out);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  DiffusionDenoiseReport planned, done;
  double once;

  options.sigma = 10;
  options.tile = 64;
  g_assert_true (diffusion_denoise_plan (model, picture, &options, &planned, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (in, WIDTH * HEIGHT * 12, out, WIDTH * HEIGHT * 12);
  g_assert_true (diffusion_denoise (model, picture, &options, &done, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (planned.peak_bytes, ==, done.peak_bytes);
  g_assert_cmpfloat (planned.computed, ==, done.computed);
  once = planned.computed;
  g_assert_cmpfloat (once, >, WIDTH * HEIGHT);
  options.tile = 256;
  g_assert_true (diffusion_denoise_plan (model, picture, &options, &planned, &error));
  g_assert_cmpfloat (planned.computed, <, once);
  options.tile = 64;
  options.passes = 4;
  g_assert_true (diffusion_denoise_plan (model, picture, &options, &planned, &error));
  g_assert_cmpfloat (planned.computed, >, 4 * once);
}

static void
test_refused (void)
{
  static const DiffusionDenoiseOptions wrong[]
    = { { .sigma = 256, .strength = 1, .luma = 1, .chroma = 1, .passes = 1 },
        { .sigma = NAN, .strength = 1, .luma = 1, .chroma = 1, .passes = 1 },
        { .sigma = 10, .strength = -0.1, .luma = 1, .chroma = 1, .passes = 1 },
        { .sigma = 10, .strength = 1, .luma = 1.5, .chroma = 1, .passes = 1 },
        { .sigma = 10, .strength = 1, .luma = 1, .chroma = NAN, .passes = 1 },
        { .sigma = 10, .strength = 1, .luma = 1, .chroma = 1, .detail = 1.1, .passes = 1 },
        { .sigma = 10, .strength = 1, .luma = 1, .chroma = 1, .passes = 0 },
        { .sigma = 10, .strength = 1, .luma = 1, .chroma = 1, .passes = DIFFUSION_DENOISE_MAX_PASSES + 1 } };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPhotoModel) model = diffusion_photo_model_open (folder, &error);
  g_autofree float *pixels = make_picture (16, 16, 3);
  g_autofree float *copy = g_memdup2 (pixels, 16 * 16 * 12);
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (16, 16, 3, pixels, copy);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();

  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (diffusion_denoise (model, picture, &wrong[i], NULL, NULL, NULL, NULL, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
      g_clear_error (&error);
    }
  options.sigma = 10;
  g_cancellable_cancel (cancellable);
  g_assert_false (diffusion_denoise (model, picture, &options, NULL, NULL, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  options.memory_limit = 1000;
  g_assert_false (diffusion_denoise (model, picture, &options, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY);
  g_assert_cmpmem (pixels, 16 * 16 * 12, copy, 16 * 16 * 12);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = make_model (1);
  g_test_add_func ("/denoise/tiles-and-threads", test_tiles_and_threads);
  g_test_add_func ("/denoise/map", test_map);
  g_test_add_func ("/denoise/map-options", test_map_options);
  g_test_add_func ("/denoise/map-parts", test_map_parts);
  g_test_add_func ("/denoise/precision", test_precision);
  g_test_add_func ("/denoise/strengths", test_strengths);
  g_test_add_func ("/denoise/passes", test_passes);
  g_test_add_func ("/denoise/details-of-tiles", test_details_of_tiles);
  g_test_add_func ("/denoise/detail", test_detail);
  g_test_add_func ("/denoise/small", test_small);
  g_test_add_func ("/denoise/plan", test_plan);
  g_test_add_func ("/denoise/refused", test_refused);
  status = g_test_run ();
  remove_model (folder);
  return status;
}
