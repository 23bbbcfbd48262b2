/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising of whole pictures in memory, for measurements. */
#include "cli/denoiser.h"

#include <string.h>

#include "core/diffusion.h"

struct _CliDenoiser
{
  DiffusionPhotoModel *model;
  DiffusionPrecision precision;
};

G_STATIC_ASSERT (CLI_SIGMA_AUTO == DIFFUSION_SIGMA_AUTO);

CliDenoiser *
cli_denoiser_open (const char *name, DiffusionPrecision precision, GError **error)
{
  g_autofree char *path = diffusion_library_find (name, error);
  DiffusionPhotoModel *model = path != NULL ? diffusion_photo_model_open (path, error) : NULL;

  if (model == NULL)
    return NULL;

  CliDenoiser *denoiser = g_new0 (CliDenoiser, 1);
  denoiser->model = model;
  denoiser->precision = precision;
  return denoiser;
}

void
cli_denoiser_free (CliDenoiser *denoiser)
{
  diffusion_photo_model_free (denoiser->model);
  g_free (denoiser);
}

CliPixels *
cli_denoiser_run (CliDenoiser *denoiser, CliPixels *noisy, double sigma, double *used, DiffusionProgressFunc progress,
                  gpointer progress_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (CliPixels) out = cli_pixels_new (noisy->width, noisy->height, noisy->channels, noisy->bits, error);
  if (out == NULL)
    return NULL;

  /* Where there is no noise nothing is written. */
  memcpy (out->data, noisy->data,
          (gsize) noisy->width * (gsize) noisy->height * (gsize) noisy->channels * sizeof (float));

  g_autoptr (DiffusionPicture) picture
      = diffusion_picture_new_memory (noisy->width, noisy->height, noisy->channels, noisy->data, out->data);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();
  DiffusionDenoiseReport report = { 0 };

  options.sigma = sigma;
  options.precision = denoiser->precision == DIFFUSION_PRECISION_BF16 ? DIFFUSION_DENOISE_PRECISION_BF16
                                                                      : DIFFUSION_DENOISE_PRECISION_F32;
  if (!diffusion_denoise (denoiser->model, picture, &options, &report, progress, progress_data, cancellable, error))
    return NULL;
  if (used != NULL)
    *used = report.sigma;
  return g_steal_pointer (&out);
}
