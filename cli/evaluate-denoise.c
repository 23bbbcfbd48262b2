/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion evaluate --denoise: PSNR at given levels of white noise. */
#include <stdio.h>
#include <string.h>

#include "cli/denoiser.h"
#include "cli/evaluate.h"
#include "cli/pixels.h"
#include "cli/progress.h"
#include "core/base/i18n.h"

static CliPixels *
add_noise (const CliPixels *clean, double sigma, guint64 seed, guint32 index, GError **error)
{
  const DiffusionStream stream = { seed, DIFFUSION_PURPOSE_NOISE, index };
  CliPixels *noisy = cli_pixels_new (clean->width, clean->height, clean->channels, clean->bits, error);
  gsize count = (gsize) clean->width * (gsize) clean->height * (gsize) clean->channels;

  if (noisy == NULL)
    return NULL;
  diffusion_random_normal_fill (&stream, 0, 0, clean->width, clean->height, clean->channels, noisy->data);
  for (gsize i = 0; i < count; i++)
    noisy->data[i] = clean->data[i] + (float) (sigma / 255.0) * noisy->data[i];
  return noisy;
}

/* PSNR of one picture, noisy, denoised, and of the denoised one's detail. */
static gboolean
measure (const CliEvaluation *evaluation, CliDenoiser *denoiser, const char *path, guint32 index, double sigma,
         DiffusionProgressShare *share, double psnr[3], GError **error)
{
  g_autoptr (CliPixels) clean = cli_pixels_load (path, error);
  if (clean == NULL)
    return FALSE;

  g_autoptr (CliPixels) noisy = add_noise (clean, sigma, evaluation->seed, index, error);
  if (noisy == NULL)
    return FALSE;

  g_autoptr (CliPixels) denoised = cli_denoiser_run (denoiser, noisy, sigma, NULL, diffusion_progress_share, share,
                                                     evaluation->cancellable, error);
  if (denoised == NULL)
    return FALSE;
  psnr[0] = cli_pixels_psnr (clean, noisy);
  psnr[1] = cli_pixels_psnr (clean, denoised);
  psnr[2] = cli_pixels_detail_psnr (clean, denoised);
  return TRUE;
}

gboolean
cli_evaluate_denoise (const CliEvaluation *evaluation, const GArray *sigmas, GError **error)
{
  g_autoptr (CliDenoiser) denoiser = cli_denoiser_open (evaluation->model, evaluation->precision, error);
  if (denoiser == NULL)
    return FALSE;

  g_autoptr (GPtrArray) paths = cli_list_pictures (evaluation->data, error);
  if (paths == NULL)
    return FALSE;

  guint count = evaluation->count > 0 ? MIN (evaluation->count, paths->len) : paths->len;
  g_autoptr (CliProgress) progress = cli_progress_new (_ ("Denoising"), 0);
  g_autoptr (JsonArray) results = json_array_new ();
  DiffusionProgressShare share = { cli_progress_update, progress, 0.0, 1.0 / (count * sigmas->len) };

  for (guint i = 0; i < sigmas->len; i++)
    {
      double sigma = g_array_index (sigmas, double, i);
      double sums[3] = { 0.0, 0.0, 0.0 };
      JsonObject *result = json_object_new ();

      json_array_add_object_element (results, result);
      for (guint j = 0; j < count; j++)
        {
          double psnr[3];

          share.before = (i * count + j) * share.part;
          if (!measure (evaluation, denoiser, g_ptr_array_index (paths, j), j, sigma, &share, psnr, error))
            return FALSE;
          for (guint k = 0; k < G_N_ELEMENTS (sums); k++)
            sums[k] += psnr[k];
        }
      json_object_set_double_member (result, "sigma", sigma);
      json_object_set_double_member (result, "psnr", sums[1] / count);
      json_object_set_double_member (result, "noisy", sums[0] / count);
      json_object_set_double_member (result, "detail", sums[2] / count);
      json_object_set_int_member (result, "images", count);
    }
  json_object_set_array_member (evaluation->results, "denoise", g_steal_pointer (&results));
  return TRUE;
}
