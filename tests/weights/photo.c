/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model that ships, on pictures made here: the noise level it finds, and what is left when it has gone. */
#include "core/diffusion.h"

#include <math.h>
#include <string.h>

#define SIDE 256
#define VALUES (SIDE * SIDE * 3)

static DiffusionPhotoModel *model;

/* A picture with flat and curved areas, edges and stripes, 0 to 1. */
static float *
make_clean (void)
{
  float *clean = g_new (float, VALUES);

  for (gint y = 0; y < SIDE; y++)
    for (gint x = 0; x < SIDE; x++)
      {
        gboolean disc = (x - 90) * (x - 90) + (y - 150) * (y - 150) < 50 * 50;
        gboolean stripes = x > 180 && y < 100 && (x / 6) % 2 == 0;

        for (gint c = 0; c < 3; c++)
          {
            float value = 0.35f + 0.25f * (float) x / SIDE + 0.1f * sinf (0.03f * (float) (y + 40 * c));

            if (disc)
              value = 0.3f + 0.15f * (float) c;
            if (stripes)
              value += 0.2f;
            clean[(y * SIDE + x) * 3 + c] = value;
          }
      }
  return clean;
}

/* noise: 'w' white, 'c' a camera's; quality 0: no JPEG. */
static float *
make_noisy (const float *clean, char noise, double sigma, gint quality)
{
  float *noisy = g_new (float, VALUES);
  g_autofree float *signed_clean = g_new (float, VALUES);
  DiffusionStream stream = { 11, DIFFUSION_PURPOSE_NOISE, 3 };

  for (gsize i = 0; i < VALUES; i++)
    signed_clean[i] = 2 * clean[i] - 1;
  if (noise == 'w')
    diffusion_random_normal_fill (&stream, 0, 0, SIDE, SIDE, 3, noisy);
  else
    diffusion_camera_noise (&stream, signed_clean, SIDE, SIDE, noisy);
  for (gsize i = 0; i < VALUES; i++)
    noisy[i] = signed_clean[i] + (float) (2 * sigma / 255) * noisy[i];
  if (quality > 0)
    diffusion_jpeg_round_trip (noisy, SIDE, SIDE, 0, 0, quality, DIFFUSION_JPEG_420);
  for (gsize i = 0; i < VALUES; i++)
    noisy[i] = 0.5f + 0.5f * noisy[i];
  return noisy;
}

static double
psnr (const float *a, const float *b)
{
  double sum = 0;

  for (gsize i = 0; i < VALUES; i++)
    sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
  return 10 * log10 (VALUES / MAX (sum, 1e-12));
}

static DiffusionNoiseLevel
estimate (gint width, gint height, gint channels, const float *in)
{
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (width, height, channels, in, NULL);
  g_autoptr (GError) error = NULL;
  DiffusionNoiseLevel level;

  diffusion_noise_level_estimate (model, picture, &level, NULL, &error);
  g_assert_no_error (error);
  return level;
}

static float *
denoise (const float *in, double sigma)
{
  float *out = g_memdup2 (in, VALUES * sizeof (float));
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (SIDE, SIDE, 3, in, out);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  g_autoptr (GError) error = NULL;

  options.sigma = sigma;
  diffusion_denoise (model, picture, &options, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return out;
}

/* What is found of noise of one kind and deviation. */
static DiffusionNoiseLevel
find_level (char kind, double sigma)
{
  g_autofree float *clean = make_clean (), *noisy = make_noisy (clean, kind, sigma, 0);
  DiffusionNoiseLevel level = estimate (SIDE, SIDE, 3, noisy);

  g_test_message ("noise %c of %g: found %.2f, correlation %.2f", kind, sigma, level.sigma, level.correlation);
  return level;
}

static void
test_white (void)
{
  const double sigmas[] = { 4, 12, 35 };

  for (gsize i = 0; i < G_N_ELEMENTS (sigmas); i++)
    {
      DiffusionNoiseLevel level = find_level ('w', sigmas[i]);

      g_assert_cmpfloat (level.sigma, >, 0.8 * sigmas[i]);
      g_assert_cmpfloat (level.sigma, <, 1.3 * sigmas[i]);
      g_assert_cmpfloat (level.correlation, <, 0.2);
    }
}

/* A camera's noise that is strong is nearly all seen where the picture is flat; a level far above it takes texture too. */
static void
test_camera (void)
{
  const double sigmas[] = { 8, 20 };

  for (gsize i = 0; i < G_N_ELEMENTS (sigmas); i++)
    {
      DiffusionNoiseLevel level = find_level ('c', sigmas[i]);

      g_assert_cmpfloat (level.sigma, >, 0.7 * sigmas[i]);
      g_assert_cmpfloat (level.sigma, <, 1.4 * sigmas[i]);
      g_assert_cmpfloat (level.correlation, >, 0.2);
    }
}

/* Grain without colour, which the network takes for texture as long as the level is far too low. */
static void
test_gray (void)
{
  const double sigmas[] = { 8, 25, 40 };
  g_autofree float *clean = make_clean (), *noise = g_new0 (float, VALUES), *noisy = g_new (float, VALUES);
  DiffusionStream stream = { 12, DIFFUSION_PURPOSE_NOISE, 3 };

  diffusion_random_normal_fill (&stream, 0, 0, SIDE, SIDE, 1, noise);
  for (gsize k = 0; k < G_N_ELEMENTS (sigmas); k++)
    {
      DiffusionNoiseLevel level;

      for (gsize i = 0; i < VALUES; i++)
        noisy[i] = clean[i] + (float) (sigmas[k] / 255) * noise[i / 3];
      level = estimate (SIDE, SIDE, 3, noisy);
      g_test_message ("noise without colour of %g: found %.2f", sigmas[k], level.sigma);
      g_assert_cmpfloat (level.sigma, >, 0.7 * sigmas[k]);
      g_assert_cmpfloat (level.sigma, <, 1.4 * sigmas[k]);
    }
}

/* Noise that nobody told of goes, and more of it than a third. */
static void
test_auto (void)
{
  const struct
  {
    char noise;
    double sigma;
    gint quality;
    double gain;
  } cases[] = { { 'w', 12, 0, 8 }, { 'c', 6, 0, 4 }, { 'c', 15, 0, 4 }, { 'c', 6, 90, 3 } };
  g_autofree float *clean = make_clean ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree float *noisy = make_noisy (clean, cases[i].noise, cases[i].sigma, cases[i].quality);
      g_autofree float *out = denoise (noisy, DIFFUSION_SIGMA_AUTO);
      double before = psnr (clean, noisy), after = psnr (clean, out);

      g_test_message ("%c %g JPEG %d: %.2f dB, then %.2f dB", cases[i].noise, cases[i].sigma, cases[i].quality, before,
                      after);
      g_assert_cmpfloat (after, >, before + cases[i].gain);
    }
}

/* White noise whose deviation changes in the middle of a picture as wide as several windows. */
static float *
make_collage (gint width, gint height, double left, double right, float **clean)
{
  gsize values = (gsize) width * (gsize) height * 3;
  DiffusionStream stream = { 5, DIFFUSION_PURPOSE_NOISE, 4 };
  g_autofree float *part = make_clean ();
  float *noisy = g_new (float, values);

  diffusion_random_normal_fill (&stream, 0, 0, width, height, 3, noisy);
  *clean = g_new (float, values);
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      for (gint c = 0; c < 3; c++)
        {
          gsize i = ((gsize) y * (gsize) width + (gsize) x) * 3 + (gsize) c;

          (*clean)[i] = part[((y % SIDE) * SIDE + x % SIDE) * 3 + c];
          noisy[i] = (*clean)[i] + (float) ((x < width / 2 ? left : right) / 255) * noisy[i];
        }
  return noisy;
}

static double
half_error (const float *a, const float *b, gint width, gint height, gint half)
{
  double sum = 0;

  for (gint y = 0; y < height; y++)
    for (gint i = 3 * half * (width / 2); i < 3 * (half + 1) * (width / 2); i++)
      sum += pow (a[(gsize) y * (gsize) width * 3 + (gsize) i] - b[(gsize) y * (gsize) width * 3 + (gsize) i], 2);
  return 255 * sqrt (sum / (3.0 * (width / 2) * height));
}

/* Each part of a collage gets its own level, whether windows cover the picture or are spread over it; and whatever the threads. */
static void
test_collage (void)
{
  static const struct
  {
    gint width, height;
    double left, right;
  } cases[] = { { 384, 256, 5, 35 }, { 384, 256, 25, 0 }, { 1024, 160, 8, 24 } };

  for (gsize k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      const gint width = cases[k].width, height = cases[k].height;
      g_autofree float *clean = NULL;
      g_autofree float *noisy = make_collage (width, height, cases[k].left, cases[k].right, &clean);
      g_autofree float *out = g_memdup2 (noisy, (gsize) (width * height) * 3 * sizeof (float));
      g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (width, height, 3, noisy, out);
      DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
      g_autoptr (GError) error = NULL;
      DiffusionNoiseLevel levels[2];
      double least, most;

      for (guint i = 0; i < 2; i++)
        {
          diffusion_set_threads (1 + i);
          levels[i] = estimate (width, height, 3, noisy);
        }
      diffusion_set_threads (0);
      g_assert_cmpmem (levels[0].map.levels, sizeof levels[0].map.levels, levels[1].map.levels, sizeof levels[1].map.levels);
      g_assert_cmpmem (levels[0].map.sigmas, sizeof levels[0].map.sigmas, levels[1].map.sigmas, sizeof levels[1].map.sigmas);
      diffusion_noise_map_range (&levels[0].map, &least, &most);
      options.map = &levels[0].map;
      diffusion_denoise (model, picture, &options, NULL, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      g_test_message ("white noise of %g and %g: found %.1f to %.1f; left are %.2f and %.2f", cases[k].left, cases[k].right,
                      least, most, half_error (out, clean, width, height, 0), half_error (out, clean, width, height, 1));
      g_assert_cmpfloat (most, >, 0.8 * MAX (cases[k].left, cases[k].right));
      g_assert_cmpfloat (most, <, 1.3 * MAX (cases[k].left, cases[k].right));
      g_assert_cmpfloat (least, <, 1.3 * MIN (cases[k].left, cases[k].right) + 1);
      for (gint half = 0; half < 2; half++)
        {
          double sigma = half == 0 ? cases[k].left : cases[k].right;

          g_assert_cmpfloat (half_error (out, clean, width, height, half), <, sigma > 0 ? 0.5 * sigma : 1.5);
        }
    }
}

/* The same noise everywhere has one level. */
static void
test_even (void)
{
  static const char kinds[] = "wwwcc-";
  static const double sigmas[] = { 4, 15, 40, 6, 15, 0 };
  g_autofree float *clean = make_clean ();

  for (gsize i = 0; i < G_N_ELEMENTS (sigmas); i++)
    {
      g_autofree float *noisy = sigmas[i] > 0 ? make_noisy (clean, kinds[i], sigmas[i], 0) : g_memdup2 (clean, VALUES * sizeof (float));
      DiffusionNoiseLevel level = estimate (SIDE, SIDE, 3, noisy);

      g_assert_cmpint (level.map.n_levels, ==, 1);
      g_assert_cmpfloat (level.map.sigmas[0], ==, level.sigma);
    }
}

/* What cannot be seen says nothing about what can. */
static gboolean
read_alpha (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  for (gint i = 0; i < width * height; i++)
    out[i] = x + i % width < SIDE / 2 ? 1 : 0;
  return TRUE;
}

static void
test_transparent (void)
{
  g_autofree float *clean = make_clean ();
  g_autofree float *noisy = make_noisy (clean, 'w', 8, 0), *hidden = make_noisy (clean, 'w', 40, 0);
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (SIDE, SIDE, 3, noisy, NULL);
  g_autoptr (GError) error = NULL;
  DiffusionNoiseLevel level;

  for (gsize i = 0; i < VALUES; i++)
    if (i / 3 % SIDE >= SIDE / 2)
      noisy[i] = hidden[i];
  picture->read_alpha = read_alpha;
  diffusion_noise_level_estimate (model, picture, &level, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (level.map.n_levels, ==, 1);
  g_assert_cmpfloat (level.sigma, >, 6.4);
  g_assert_cmpfloat (level.sigma, <, 10.4);
}

/* Beside bars that have no noise there is as much as elsewhere. */
static void
test_letterbox (void)
{
  static const float bars[] = { 0, 1 };
  g_autofree float *clean = make_clean ();

  for (gsize k = 0; k < G_N_ELEMENTS (bars); k++)
    {
      g_autofree float *noisy = make_noisy (clean, 'w', 15, 0);
      DiffusionNoiseLevel level;

      for (gint y = 0; y < SIDE; y++)
        if (y < SIDE / 6 || y >= SIDE - SIDE / 6)
          for (gint i = 0; i < 3 * SIDE; i++)
            noisy[y * SIDE * 3 + i] = bars[k];
      level = estimate (SIDE, SIDE, 3, noisy);
      g_test_message ("bars of %g: %u levels, %.2f to %.2f", bars[k], level.map.n_levels, level.map.sigmas[0],
                      level.map.sigmas[level.map.n_levels - 1]);
      g_assert_cmpint (level.map.n_levels, ==, 1);
      g_assert_cmpfloat (level.sigma, >, 12);
      g_assert_cmpfloat (level.sigma, <, 18);
    }
}

static void
test_wrong_level (void)
{
  const double factors[] = { 0.7, 1.3 };
  g_autofree float *clean = make_clean ();
  g_autofree float *noisy = make_noisy (clean, 'w', 15, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (factors); i++)
    {
      g_autofree float *out = denoise (noisy, 15 * factors[i]);

      g_assert_cmpfloat (psnr (clean, out), >, psnr (clean, noisy) + 3);
    }
}

/* The deviation of what is left of the noise in the disc, where the picture is even, in levels of 255. */
static double
left_in_disc (const float *clean, const float *out)
{
  double sum = 0;
  gint n = 0;

  for (gint y = 110; y < 190; y++)
    for (gint x = 0; x < SIDE; x++)
      if ((x - 90) * (x - 90) + (y - 150) * (y - 150) < 40 * 40)
        for (gint c = 0; c < 3; c++, n++)
          sum += pow (255 * (out[(y * SIDE + x) * 3 + c] - clean[(y * SIDE + x) * 3 + c]), 2);
  return sqrt (sum / n);
}

/* Who asks for more gets more: a higher level leaves no more noise than a lower one. */
static void
test_strength (void)
{
  const struct
  {
    char noise;
    double sigma;
    gint quality;
  } cases[] = { { 'w', 6, 0 }, { 'w', 20, 0 }, { 'c', 5, 0 }, { 'c', 15, 0 }, { 'c', 5, 92 }, { 'c', 12, 80 } };
  const double factors[] = { 0.5, 1, 1.5, 2, 3 };
  g_autofree float *clean = make_clean ();

  for (gsize k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree float *noisy = make_noisy (clean, cases[k].noise, cases[k].sigma, cases[k].quality);
      double last = left_in_disc (clean, noisy);

      for (gsize i = 0; i < G_N_ELEMENTS (factors); i++)
        {
          g_autofree float *out = denoise (noisy, cases[k].sigma * factors[i]);
          double left = left_in_disc (clean, out);

          g_test_message ("noise %c of %g, JPEG %d, told %g times that: %.2f left", cases[k].noise, cases[k].sigma,
                          cases[k].quality, factors[i], left);
          g_assert_cmpfloat (left, <, 1.1 * last + 0.1);
          last = left;
        }
    }
}

static void
test_no_noise (void)
{
  g_autofree float *clean = make_clean ();
  g_autofree float *out = denoise (clean, DIFFUSION_SIGMA_AUTO);

  g_test_message ("without noise: %.1f dB", psnr (clean, out));
  g_assert_cmpfloat (psnr (clean, out), >, 45);
}

/* What repeats itself comes off at high levels as noise does, and is none; what noise lies over it is found all the same. */
static void
test_patterns (void)
{
  for (gint pattern = 0; pattern < 3; pattern++)
    {
      g_autofree float *clean = g_new (float, VALUES), *noisy = NULL;
      DiffusionNoiseLevel level;

      for (gint y = 0; y < SIDE; y++)
        for (gint x = 0; x < SIDE; x++)
          for (gint c = 0; c < 3; c++)
            {
              float u = (float) x, v = (float) y;
              const float values[] = { 0.1f * sinf (0.7f * u + sinf (0.05f * v)) * sinf (0.9f * v),
                                       0.25f * tanhf (3 * sinf (0.9f * u + 0.4f * v) * sinf (0.9f * v - 0.4f * u)),
                                       (x / 4 + y / 4) % 2 == 0 ? -0.1f : 0.1f };

              clean[(y * SIDE + x) * 3 + c] = 0.5f + values[pattern];
            }
      level = estimate (SIDE, SIDE, 3, clean);
      g_assert_cmpfloat (level.sigma, ==, 0);
      g_assert_cmpint (level.map.n_levels, ==, 1);
      g_assert_cmpfloat (level.map.sigmas[0], ==, 0);
      if (pattern > 0)
        continue;
      noisy = make_noisy (clean, 'w', 10, 0);
      level = estimate (SIDE, SIDE, 3, noisy);
      g_test_message ("pattern %d with white noise of 10: found %.2f", pattern, level.sigma);
      g_assert_cmpfloat (level.sigma, >, 6);
      g_assert_cmpfloat (level.sigma, <, 13);
    }
}

/* A few pixels may all be texture, so only noise that is plain counts, and what continues them beyond the borders does not. */
static void
test_small (void)
{
  static const gint sides[] = { 12, 24, 40 };
  g_autofree float *clean = make_clean (), *noisy = make_noisy (clean, 'w', 15, 0);

  for (gsize k = 0; k < G_N_ELEMENTS (sides); k++)
    for (gint place = 0; place < 4; place++)
      {
        const gint side = sides[k], x = 7 + place % 2 * 200, y = 5 + place / 2 * 120;
        const gsize row = (gsize) side * 3;
        g_autofree float *part = g_new (float, (gsize) side * row);
        double found[2];

        for (gint i = 0; i < 2; i++)
          {
            for (gint j = 0; j < side; j++)
              memcpy (part + (gsize) j * row, (i == 0 ? clean : noisy) + ((y + j) * SIDE + x) * 3, row * sizeof (float));
            found[i] = estimate (side, side, 3, part).sigma;
          }
        g_test_message ("%d×%d at %d, %d: found %.2f, and %.2f of 15", side, side, x, y, found[0], found[1]);
        g_assert_cmpfloat (found[0], ==, 0);
        g_assert_cmpfloat (found[1], >, 10);
        g_assert_cmpfloat (found[1], <, 20);
      }
}

static void
test_odd_pictures (void)
{
  float pixel[3] = { 0.2f, 0.5f, NAN };
  g_autofree float *black = g_new0 (float, 9 * 700);

  g_assert_cmpfloat (estimate (1, 1, 3, pixel).sigma, ==, 0);
  g_assert_cmpfloat (estimate (9, 700, 1, black).sigma, ==, 0);
}

static void
test_threads (void)
{
  g_autofree float *clean = make_clean ();
  g_autofree float *noisy = make_noisy (clean, 'c', 8, 0);
  DiffusionNoiseLevel levels[2];

  for (guint i = 0; i < 2; i++)
    {
      diffusion_set_threads (1 + 2 * i);
      levels[i] = estimate (SIDE, SIDE, 3, noisy);
    }
  diffusion_set_threads (0);
  g_assert_cmpfloat (levels[0].sigma, >, 0);
  g_assert_cmpfloat (levels[0].sigma, ==, levels[1].sigma);
  g_assert_cmpmem (levels[0].curve, sizeof levels[0].curve, levels[1].curve, sizeof levels[1].curve);
}

static void
test_cancel (void)
{
  g_autofree float *clean = make_clean ();
  g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (SIDE, SIDE, 3, clean, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  DiffusionNoiseLevel level;

  g_cancellable_cancel (cancellable);
  g_assert_false (diffusion_noise_level_estimate (model, picture, &level, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_build_filename (g_getenv ("DIFFUSION_SOURCE_ROOT"), "weights", "photo", NULL);
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  model = diffusion_photo_model_open (folder, &error);
  g_assert_no_error (error);
  g_test_add_func ("/weights/photo/white", test_white);
  g_test_add_func ("/weights/photo/camera", test_camera);
  g_test_add_func ("/weights/photo/gray", test_gray);
  g_test_add_func ("/weights/photo/auto", test_auto);
  g_test_add_func ("/weights/photo/collage", test_collage);
  g_test_add_func ("/weights/photo/even", test_even);
  g_test_add_func ("/weights/photo/transparent", test_transparent);
  g_test_add_func ("/weights/photo/letterbox", test_letterbox);
  g_test_add_func ("/weights/photo/wrong-level", test_wrong_level);
  g_test_add_func ("/weights/photo/strength", test_strength);
  g_test_add_func ("/weights/photo/no-noise", test_no_noise);
  g_test_add_func ("/weights/photo/patterns", test_patterns);
  g_test_add_func ("/weights/photo/small", test_small);
  g_test_add_func ("/weights/photo/odd-pictures", test_odd_pictures);
  g_test_add_func ("/weights/photo/threads", test_threads);
  g_test_add_func ("/weights/photo/cancel", test_cancel);
  status = g_test_run ();
  diffusion_photo_model_free (model);
  return status;
}
