/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole pictures in memory, for verbs that measure them or hand them to a model at once. */
#include "cli/pixels.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

static const char *const extensions[] = { ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff" };

CliPixels *
cli_pixels_new (gint width, gint height, gint channels, gint bits, GError **error)
{
  gsize count = (gsize) width * (gsize) height * (gsize) channels;
  float *data = diffusion_try_alloc0 (count * sizeof (float), _ ("a picture"), error);

  if (data == NULL)
    return NULL;

  CliPixels *pixels = g_new0 (CliPixels, 1);
  *pixels = (CliPixels) { width, height, channels, bits, data };
  return pixels;
}

CliPixels *
cli_pixels_load (const char *path, GError **error)
{
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (path, error);

  if (picture == NULL)
    return NULL;

  g_autoptr (CliPixels) pixels = cli_pixels_new (picture->width, picture->height, picture->channels, picture->bits, error);
  if (pixels == NULL
      || !picture->read (picture, 0, 0, picture->width, picture->height, pixels->data, error))
    return NULL;
  return g_steal_pointer (&pixels);
}

gboolean
cli_pixels_to_rgb (CliPixels *pixels, GError **error)
{
  gsize count = (gsize) pixels->width * (gsize) pixels->height;

  if (pixels->channels == 3)
    return TRUE;

  float *data = diffusion_try_alloc (count * 3 * sizeof (float), _ ("a picture"), error);
  if (data == NULL)
    return FALSE;
  for (gsize i = 0; i < count; i++)
    data[3 * i] = data[3 * i + 1] = data[3 * i + 2] = pixels->data[i];
  diffusion_free (pixels->data);
  pixels->data = data;
  pixels->channels = 3;
  return TRUE;
}

void
cli_pixels_to_gray (CliPixels *pixels)
{
  gsize count = (gsize) pixels->width * (gsize) pixels->height;

  for (gsize i = 0; pixels->channels == 3 && i < count; i++)
    pixels->data[i] = (pixels->data[3 * i] + pixels->data[3 * i + 1] + pixels->data[3 * i + 2]) / 3.0f;
  pixels->channels = 1;
}

void
cli_pixels_free (CliPixels *pixels)
{
  diffusion_free (pixels->data);
  g_free (pixels);
}

static gboolean
is_picture (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    if (g_str_has_suffix (lower, extensions[i]))
      return name[0] != '.';
  return FALSE;
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
cli_list_pictures (const char *path, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *display = g_filename_display_name (path);
  g_autoptr (GError) problem = NULL;
  const char *name = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND, _ ("%s: no such folder or file"), display);
      return NULL;
    }
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_ptr_array_add (list, g_strdup (path));
      return g_steal_pointer (&list);
    }

  g_autoptr (GDir) folder = g_dir_open (path, 0, &problem);
  if (folder == NULL)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, problem->message);
      return NULL;
    }
  while ((name = g_dir_read_name (folder)) != NULL)
    if (is_picture (name))
      g_ptr_array_add (list, g_build_filename (path, name, NULL));
  if (list->len == 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND,
                   _ ("%s: found no picture, expected PNG, JPEG, WebP or TIFF files"), display);
      return NULL;
    }
  g_ptr_array_sort (list, compare_paths);
  return g_steal_pointer (&list);
}

char *
cli_find_picture (const char *folder, const char *stem)
{
  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    {
      g_autofree char *name = g_strconcat (stem, extensions[i], NULL);
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }
  return NULL;
}

double
cli_pixels_psnr (const CliPixels *reference, CliPixels *picture)
{
  gsize count = (gsize) picture->width * (gsize) picture->height * (gsize) picture->channels;
  double sum = 0.0;

  for (gsize i = 0; i < count; i++)
    {
      picture->data[i] = CLAMP (picture->data[i], 0.0f, 1.0f);

      double difference = (double) reference->data[i] - (double) picture->data[i];
      sum += difference * difference;
    }
  return 10.0 * log10 ((double) count / sum);
}

/* A sample less the mean of its neighbours, which at the border are repeated. */
static double
get_detail (const CliPixels *pixels, gint x, gint y, gint c)
{
  const gsize channels = (gsize) pixels->channels, stride = (gsize) pixels->width * channels;
  const float *row = pixels->data + (gsize) y * stride, *above = y > 0 ? row - stride : row;
  const float *below = y < pixels->height - 1 ? row + stride : row;
  gsize at = (gsize) x * channels + (gsize) c;
  gsize left = x > 0 ? at - channels : at, right = x < pixels->width - 1 ? at + channels : at;

  return row[at] - 0.25 * ((double) row[left] + row[right] + above[at] + below[at]);
}

double
cli_pixels_detail_psnr (const CliPixels *reference, const CliPixels *picture)
{
  double sum = 0.0;

  for (gint y = 0; y < picture->height; y++)
    for (gint x = 0; x < picture->width; x++)
      for (gint c = 0; c < picture->channels; c++)
        {
          double difference = get_detail (reference, x, y, c) - get_detail (picture, x, y, c);

          sum += difference * difference;
        }
  return 10.0 * log10 ((double) picture->width * picture->height * picture->channels / sum);
}
