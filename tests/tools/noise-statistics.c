/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints how noise is correlated: of pairs of files (noisy and clean), or of the simulated cameras on the
 * pictures of a folder, as quantiles over many random cameras. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/diffusion.h"
#include "core/pictures/pictures.h"

enum { LEVEL, RED, BLUE, R1, R2, R4, G1, G2, G4, B1, B2, B4, RG, GB, RB, HAAR1, HAAR2, HAAR3, HAAR4, VARY, SLOPE, N_STATISTICS };

static const char *const names[N_STATISTICS] = { "level", "red/green", "blue/green", "r lag 1", "r lag 2", "r lag 4", "g lag 1", "g lag 2",
                                                 "g lag 4", "b lag 1", "b lag 2", "b lag 4", "r-g", "g-b", "r-b",
                                                 "Haar 1", "Haar 2", "Haar 3", "Haar 4", "variation", "dark/bright" };

static double
covariance (const float *a, const float *b, gint width, gint height, gint dx, gint dy, gint ca, gint cb)
{
  double sum = 0;
  gint n = 0;

  for (gint y = 0; y < height - dy; y++)
    for (gint x = 0; x < width - dx; x++, n++)
      sum += (double) a[(y * width + x) * 3 + ca] * b[((y + dy) * width + x + dx) * 3 + cb];
  return sum / n;
}

/* Deviation (over the finest diagonal, horizontal and vertical Haar bands) times 2^(level − 1), all channels. */
static double
haar (const float *noise, gint width, gint height, gint level)
{
  gint block = 1 << (level - 1);
  double sum = 0;
  gsize n = 0;

  for (gint c = 0; c < 3; c++)
    for (gint y = 0; y + 2 * block <= height; y += 2 * block)
      for (gint x = 0; x + 2 * block <= width; x += 2 * block)
        {
          double quads[4] = { 0, 0, 0, 0 };

          for (gint j = 0; j < 2 * block; j++)
            for (gint i = 0; i < 2 * block; i++)
              quads[j / block * 2 + i / block] += noise[((y + j) * width + x + i) * 3 + c];
          for (int k = 0; k < 4; k++)
            quads[k] /= block * block;
          /* The diagonal band, as the classic median estimate uses it. */
          sum += pow ((quads[0] - quads[1] - quads[2] + quads[3]) / 2 * block, 2);
          n++;
        }
  return sqrt (sum / (double) n);
}

static void
measure (const float *noise, const float *clean, gint width, gint height, double out[N_STATISTICS])
{
  double v[3], sum = 0, dark = 0, bright = 0;
  gsize n_dark = 0, n_bright = 0;
  static const gint lags[3] = { 1, 2, 4 };

  for (int c = 0; c < 3; c++)
    {
      v[c] = covariance (noise, noise, width, height, 0, 0, c, c);
      sum += v[c] / 3;
      for (int k = 0; k < 3; k++)
        out[R1 + 3 * c + k] = (covariance (noise, noise, width, height, lags[k], 0, c, c) +
                               covariance (noise, noise, width, height, 0, lags[k], c, c)) / 2 / v[c];
    }
  out[LEVEL] = sqrt (sum) * 127.5;
  out[RED] = sqrt (v[0] / v[1]);
  out[BLUE] = sqrt (v[2] / v[1]);
  out[RG] = covariance (noise, noise, width, height, 0, 0, 0, 1) / sqrt (v[0] * v[1]);
  out[GB] = covariance (noise, noise, width, height, 0, 0, 1, 2) / sqrt (v[1] * v[2]);
  out[RB] = covariance (noise, noise, width, height, 0, 0, 0, 2) / sqrt (v[0] * v[2]);
  for (int level = 1; level <= 4; level++)
    out[HAAR1 + level - 1] = haar (noise, width, height, level) / sqrt (sum);
  {
    /* Spread of the local level over 16² blocks, and dark against bright. */
    double first = 0, second = 0;
    gsize blocks = 0;

    for (gint y = 0; y + 16 <= height; y += 16)
      for (gint x = 0; x + 16 <= width; x += 16, blocks++)
        {
          double local = 0, brightness = 0;

          for (gint j = 0; j < 16; j++)
            for (gint i = 0; i < 48; i++)
              {
                local += pow (noise[((y + j) * width + x) * 3 + i], 2);
                brightness += clean[((y + j) * width + x) * 3 + i];
              }
          local = sqrt (local / 768);
          first += local;
          second += local * local;
          if (brightness < -0.4 * 768)
            dark += local, n_dark++;
          else if (brightness > 0.2 * 768)
            bright += local, n_bright++;
        }
    first /= (double) blocks;
    out[VARY] = sqrt (MAX (second / (double) blocks - first * first, 0)) / first;
    out[SLOPE] = n_dark > 0 && n_bright > 0 ? dark / (double) n_dark / (bright / (double) n_bright) : NAN;
  }
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return isnan (x) ? (isnan (y) ? 0 : 1) : isnan (y) ? -1 : x < y ? -1 : x > y;
}

static float *
load (const char *path, gint *width, gint *height)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (path, &error);
  float *pixels;

  if (picture == NULL || picture->channels != 3)
    {
      g_printerr ("%s\n", error != NULL ? error->message : path);
      exit (1);
    }
  *width = picture->width;
  *height = picture->height;
  pixels = g_new (float, (gsize) *width * (gsize) *height * 3);
  picture->read (picture, 0, 0, *width, *height, pixels, NULL);
  for (gsize i = 0; i < (gsize) *width * (gsize) *height * 3; i++)
    pixels[i] = pixels[i] * 2 - 1;
  return pixels;
}

static int
pairs (int n, char **paths)
{
  double (*all)[N_STATISTICS] = g_malloc0 (sizeof *all * (gsize) n);

  for (int i = 0; i + 1 < n; i += 2)
    {
      gint width, height;
      g_autofree float *noisy = load (paths[i], &width, &height), *clean = load (paths[i + 1], &width, &height);

      for (gsize k = 0; k < (gsize) width * (gsize) height * 3; k++)
        noisy[k] -= clean[k];
      measure (noisy, clean, width, height, all[i / 2]);
    }
  for (int s = 0; s < N_STATISTICS; s++)
    {
      g_print ("%-12s", names[s]);
      for (int i = 0; i + 1 < n; i += 2)
        g_print (" %6.2f", all[i / 2][s]);
      g_print ("\n");
    }
  g_free (all);
  return 0;
}

static int
population (const char *folder, int n, int size)
{
  const char *folders[] = { folder, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionDataset) data = diffusion_dataset_open (folders, diffusion_pictures_open, FALSE, DIFFUSION_DATASET_ALL, 0,
                                                              NULL, NULL, NULL, NULL, &error);
  DiffusionAugmentation augmentation = diffusion_augmentation_photos ();
  g_autofree float *clean = g_new (float, size * size * 3), *noise = g_new (float, size * size * 3);
  double (*all)[N_STATISTICS] = g_malloc0 (sizeof *all * (gsize) n), *column = g_new (double, n);
  gint64 time = 0;

  if (data == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  for (int i = 0; i < n; i++)
    {
      DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, (guint32) i };
      gint64 start;

      diffusion_dataset_fill_batch (data, &augmentation, 1, (guint32) i, 0, 1, size, clean, NULL);
      start = g_get_monotonic_time ();
      diffusion_camera_noise (&stream, clean, size, size, noise);
      time += g_get_monotonic_time () - start;
      measure (noise, clean, size, size, all[i]);
    }
  g_print ("%.2f ms a patch\n%-12s %6s %6s %6s %6s %6s\n", (double) time / n / 1000, "", "5 %", "25 %", "50 %", "75 %", "95 %");
  for (int s = 0; s < N_STATISTICS; s++)
    {
      int valid = 0;

      for (int i = 0; i < n; i++)
        column[i] = all[i][s];
      qsort (column, (size_t) n, sizeof *column, compare);
      while (valid < n && !isnan (column[valid]))
        valid++;
      g_print ("%-12s", names[s]);
      for (int k = 0; valid > 0 && k < 5; k++)
        g_print (" %6.2f", column[(int) ((double[]) { 0.05, 0.25, 0.5, 0.75, 0.95 }[k] * (valid - 1))]);
      g_print ("\n");
    }
  g_free (all);
  g_free (column);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc >= 4 && g_str_equal (argv[1], "simulate"))
    return population (argv[2], atoi (argv[3]), argc > 4 ? atoi (argv[4]) : 64);
  if (argc >= 4 && g_str_equal (argv[1], "pairs"))
    return pairs (argc - 2, argv + 2);
  g_printerr ("usage: noise-statistics simulate FOLDER CAMERAS [SIZE] | pairs NOISY CLEAN…\n");
  return 2;
}
