/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adds the noise of a simulated camera to a picture, after cutting, reducing and softening it: makes the
 * bundled sample, and pictures to measure the noise estimate on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diffusion.h"
#include "core/pictures/pictures.h"

static int
fail (GError *error)
{
  g_printerr ("%s\n", error->message);
  g_error_free (error);
  return 1;
}

/* Area filter along both axes. */
static float *
reduce (const float *in, gint width, gint height, gint new_width, gint new_height)
{
  float *out = g_new0 (float, (gsize) new_width * (gsize) new_height * 3);

  for (gint y = 0; y < new_height; y++)
    for (gint x = 0; x < new_width; x++)
      {
        double x0 = (double) x * width / new_width, x1 = (double) (x + 1) * width / new_width;
        double y0 = (double) y * height / new_height, y1 = (double) (y + 1) * height / new_height, sum[3] = { 0, 0, 0 };

        for (gint j = (gint) y0; j < MIN ((gint) ceil (y1), height); j++)
          for (gint i = (gint) x0; i < MIN ((gint) ceil (x1), width); i++)
            for (int c = 0; c < 3; c++)
              sum[c] += (MIN (x1, i + 1) - MAX (x0, i)) * (MIN (y1, j + 1) - MAX (y0, j)) * in[(j * width + i) * 3 + c];
        for (int c = 0; c < 3; c++)
          out[(y * new_width + x) * 3 + c] = (float) (sum[c] / ((x1 - x0) * (y1 - y0)));
      }
  return out;
}

static gboolean
save (const char *path, const float *pixels, gint width, gint height, gint bits, GError **error)
{
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (width, height, 3, bits, error);
  gsize count = (gsize) width * (gsize) height * 3;
  g_autofree float *unit = g_new (float, count);

  for (gsize i = 0; i < count; i++)
    unit[i] = 0.5f + 0.5f * pixels[i];
  return picture != NULL && picture->write (picture, 0, 0, width, height, unit, error) &&
         diffusion_pictures_save (picture, path, error);
}

int
main (int argc, char **argv)
{
  double sigma = 10, white = 0;
  gint seed = 1, width = 0, bits = 8;
  g_autofree char *crop = NULL, *clean_path = NULL;
  g_auto (GStrv) paths = NULL;
  const GOptionEntry entries[] = {
    { "sigma", 0, 0, G_OPTION_ARG_DOUBLE, &sigma, "root mean square of the noise, of 255 (10)", "N" },
    { "white", 0, 0, G_OPTION_ARG_DOUBLE, &white, "share of its square that is white instead (0)", "SHARE" },
    { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "which camera and which noise (1)", "N" },
    { "crop", 0, 0, G_OPTION_ARG_STRING, &crop, "cut this rectangle out first", "X,Y,WIDTH,HEIGHT" },
    { "width", 0, 0, G_OPTION_ARG_INT, &width, "reduce to this width", "PIXELS" },
    { "bits", 0, 0, G_OPTION_ARG_INT, &bits, "8, 16 or 32 (8)", "BITS" },
    { "clean", 0, 0, G_OPTION_ARG_FILENAME, &clean_path, "also write the clean picture", "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "IN OUT" },
    { 0 }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (DiffusionPicture) picture = NULL;
  GError *error = NULL;
  gint rectangle[4];
  g_autofree float *clean = NULL, *noise = NULL;
  gsize count;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return fail (error);
  if (paths == NULL || g_strv_length (paths) != 2)
    {
      g_printerr ("usage: camera-noise [OPTION…] IN OUT\n");
      return 2;
    }
  picture = diffusion_pictures_open (paths[0], &error);
  if (picture == NULL)
    return fail (error);
  rectangle[0] = rectangle[1] = 0;
  rectangle[2] = picture->width;
  rectangle[3] = picture->height;
  if (crop != NULL && sscanf (crop, "%d,%d,%d,%d", &rectangle[0], &rectangle[1], &rectangle[2], &rectangle[3]) != 4)
    return 2;
  if (picture->channels != 3 || rectangle[0] < 0 || rectangle[1] < 0 || rectangle[2] < 2 || rectangle[3] < 2 ||
      rectangle[0] + rectangle[2] > picture->width || rectangle[1] + rectangle[3] > picture->height)
    {
      g_printerr ("%s: not a colour picture that holds this rectangle\n", paths[0]);
      return 1;
    }
  clean = g_new (float, (gsize) rectangle[2] * (gsize) rectangle[3] * 3);
  if (!picture->read (picture, rectangle[0], rectangle[1], rectangle[2], rectangle[3], clean, &error))
    return fail (error);
  if (width > 0 && width < rectangle[2])
    {
      gint height = (gint) lround ((double) rectangle[3] * width / rectangle[2]);
      float *reduced = reduce (clean, rectangle[2], rectangle[3], width, height);

      g_free (clean);
      clean = reduced;
      rectangle[2] = width;
      rectangle[3] = height;
    }
  count = (gsize) rectangle[2] * (gsize) rectangle[3] * 3;
  for (gsize i = 0; i < count; i++)
    clean[i] = 2 * clean[i] - 1;
  if (clean_path != NULL && !save (clean_path, clean, rectangle[2], rectangle[3], bits, &error))
    return fail (error);

  noise = g_new (float, count);
  {
    DiffusionStream stream = { (guint64) seed, DIFFUSION_PURPOSE_NOISE, 0 }, other = { (guint64) seed, DIFFUSION_PURPOSE_NOISE, 1 };
    g_autofree float *even = g_new (float, count);

    diffusion_camera_noise (&stream, clean, rectangle[3], rectangle[2], noise);
    diffusion_random_normal_fill (&other, 0, 0, rectangle[2], rectangle[3], 3, even);
    for (gsize i = 0; i < count; i++)
      clean[i] += (float) (sigma / 127.5 * (sqrt (1 - white) * noise[i] + sqrt (white) * even[i]));
  }
  return save (paths[1], clean, rectangle[2], rectangle[3], bits, &error) ? 0 : fail (error);
}
