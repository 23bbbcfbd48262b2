/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion evaluate --denoise auto: PSNR on pairs of a noisy photograph and what it should be. */
#include <math.h>
#include <string.h>

#include "cli/denoiser.h"
#include "cli/evaluate.h"
#include "cli/pixels.h"
#include "cli/progress.h"
#include "core/base/i18n.h"

/* The best σ is looked for between the estimate divided and multiplied by this, by golden section in the logarithm. */
#define ORACLE_RANGE 4.0
#define ORACLE_STEPS 8
#define GOLDEN 0.6180339887498949

typedef struct
{
  const CliEvaluation *evaluation;
  CliDenoiser *denoiser;
  CliPixels *clean, *noisy;
} Pair;

static gboolean
denoised_psnr (Pair *pair, double sigma, double *used, double *psnr, double *detail, GError **error)
{
  g_autoptr (CliPixels) denoised
      = cli_denoiser_run (pair->denoiser, pair->noisy, sigma, used, NULL, NULL, pair->evaluation->cancellable, error);

  if (denoised == NULL)
    return FALSE;
  *psnr = cli_pixels_psnr (pair->clean, denoised);
  if (detail != NULL)
    *detail = cli_pixels_detail_psnr (pair->clean, denoised);
  return TRUE;
}

static gboolean
find_oracle (Pair *pair, double estimate, double *best_sigma, double *best_psnr, GError **error)
{
  double low = log (MAX (estimate, 0.5) / ORACLE_RANGE), high = log (MAX (estimate, 0.5) * ORACLE_RANGE);
  double at[2] = { high - GOLDEN * (high - low), low + GOLDEN * (high - low) }, psnr[2];

  for (guint i = 0; i < 2; i++)
    if (!denoised_psnr (pair, exp (at[i]), NULL, &psnr[i], NULL, error))
      return FALSE;
  for (guint step = 0; step < ORACLE_STEPS; step++)
    {
      guint worse = psnr[0] < psnr[1] ? 0 : 1;

      /* the better point becomes the inner one on the other side */
      if (worse == 0)
        low = at[0];
      else
        high = at[1];
      at[worse] = at[!worse];
      psnr[worse] = psnr[!worse];
      at[!worse] = worse == 0 ? low + GOLDEN * (high - low) : high - GOLDEN * (high - low);
      if (!denoised_psnr (pair, exp (at[!worse]), NULL, &psnr[!worse], NULL, error))
        return FALSE;
    }
  *best_sigma = exp (at[psnr[0] < psnr[1]]);
  *best_psnr = MAX (psnr[0], psnr[1]);
  return TRUE;
}

static JsonObject *
measure_pair (const CliEvaluation *evaluation, CliDenoiser *denoiser, const char *real, const char *mean, gboolean oracle,
              GError **error)
{
  g_autoptr (CliPixels) clean = cli_pixels_load (mean, error);
  g_autoptr (CliPixels) noisy = clean != NULL ? cli_pixels_load (real, error) : NULL;
  g_autofree char *name = g_path_get_basename (real);
  Pair pair = { evaluation, denoiser, clean, noisy };
  double sigma, psnr, detail;

  if (noisy == NULL)
    return NULL;
  if (clean->width != noisy->width || clean->height != noisy->height || clean->channels != noisy->channels)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("%s: found %d×%d pixels of %d channels, expected %d×%d of %d as in its reference"), real, noisy->width,
                   noisy->height, noisy->channels, clean->width, clean->height, clean->channels);
      return NULL;
    }
  if (!denoised_psnr (&pair, CLI_SIGMA_AUTO, &sigma, &psnr, &detail, error))
    return NULL;

  g_autoptr (JsonObject) result = json_object_new ();
  json_object_set_string_member (result, "name", name);
  json_object_set_double_member (result, "noisy", cli_pixels_psnr (clean, noisy));
  json_object_set_double_member (result, "auto", psnr);
  json_object_set_double_member (result, "detail", detail);
  json_object_set_double_member (result, "sigma", sigma);
  if (oracle)
    {
      if (!find_oracle (&pair, sigma, &sigma, &psnr, error))
        return NULL;
      json_object_set_double_member (result, "oracle", psnr);
      json_object_set_double_member (result, "oracle_sigma", sigma);
    }
  return g_steal_pointer (&result);
}

/* Paths of the noisy pictures, each with its reference after it. */
static GPtrArray *
find_pairs (const char *folder, GError **error)
{
  static const char suffix[] = "_real";
  g_autoptr (GPtrArray) paths = cli_list_pictures (folder, error);
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; paths != NULL && i < paths->len; i++)
    {
      const char *path = g_ptr_array_index (paths, i);
      g_autofree char *stem = g_path_get_basename (path);

      *strrchr (stem, '.') = '\0';
      if (!g_str_has_suffix (stem, suffix))
        continue;
      stem[strlen (stem) - strlen (suffix)] = '\0';

      g_autofree char *mean = g_strconcat (stem, "_mean", NULL);
      char *reference = cli_find_picture (folder, mean);
      if (reference == NULL)
        continue;
      g_ptr_array_add (pairs, g_strdup (path));
      g_ptr_array_add (pairs, reference);
    }
  if (paths == NULL)
    return NULL;
  if (pairs->len == 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND,
                   _ ("%s: found no pairs of pictures, expected NAME_real and NAME_mean"), folder);
      return NULL;
    }
  return g_steal_pointer (&pairs);
}

static void
set_mean (JsonObject *object, JsonArray *pictures, const char *member)
{
  double sum = 0.0;
  guint count = json_array_get_length (pictures);

  for (guint i = 0; i < count; i++)
    sum += json_object_get_double_member (json_array_get_object_element (pictures, i), member);
  json_object_set_double_member (object, member, sum / count);
}

gboolean
cli_evaluate_pairs (const CliEvaluation *evaluation, gboolean oracle, GError **error)
{
  g_autoptr (CliDenoiser) denoiser = cli_denoiser_open (evaluation->model, evaluation->precision, error);
  if (denoiser == NULL)
    return FALSE;

  g_autoptr (GPtrArray) pairs = find_pairs (evaluation->data, error);
  if (pairs == NULL)
    return FALSE;

  guint count = evaluation->count > 0 ? MIN (evaluation->count, pairs->len / 2) : pairs->len / 2;
  g_autoptr (CliProgress) progress = cli_progress_new (_ ("Pairs"), 0);
  g_autoptr (JsonArray) pictures = json_array_new ();

  for (guint i = 0; i < count; i++)
    {
      cli_progress_update ((double) i / count, progress);
      JsonObject *result = measure_pair (evaluation, denoiser, g_ptr_array_index (pairs, 2 * i),
                                         g_ptr_array_index (pairs, 2 * i + 1), oracle, error);
      if (result == NULL)
        return FALSE;
      json_array_add_object_element (pictures, result);
    }

  JsonObject *summary = json_object_new ();
  set_mean (summary, pictures, "noisy");
  set_mean (summary, pictures, "auto");
  set_mean (summary, pictures, "detail");
  if (oracle)
    set_mean (summary, pictures, "oracle");
  json_object_set_int_member (summary, "images", count);
  json_object_set_array_member (summary, "pictures", g_steal_pointer (&pictures));
  json_object_set_object_member (evaluation->results, "pairs", summary);
  return TRUE;
}
