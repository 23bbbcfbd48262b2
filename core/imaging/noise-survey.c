/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows spread over a picture, and what was seen in each. */
#include "core/imaging/noise-survey.h"

#include <math.h>
#include <stdlib.h>

/* Noise of at least this share of the level may be the rest of noise above it, and is where this much more comes off at twice
 * the level. */
#define ASKING_SHARE 0.25
#define JUMP 1.8
/* Share of the blocks, the least noisy ones, that are taken for flat. */
#define FLAT_SHARE 0.15

double
diffusion_noise_survey_level (gint step)
{
  return ldexp (DIFFUSION_NOISE_LOWEST, step);
}

gboolean
diffusion_noise_survey_asks (gint step, double deviation)
{
  return step + 1 < DIFFUSION_NOISE_STEPS && deviation > ASKING_SHARE * diffusion_noise_survey_level (step);
}

gboolean
diffusion_noise_survey_jumps (double deviation, double next)
{
  return next > JUMP * deviation;
}

gint
diffusion_noise_survey_place (gint i, gint n, gint size)
{
  /* In the middle of equal parts; what is smaller than a window begins with it. */
  return size < DIFFUSION_NOISE_WINDOW ? 0 : (gint) ((2 * i + 1) * (gint64) size / (2 * n)) - DIFFUSION_NOISE_WINDOW / 2;
}

static gint
compare_blocks (gconstpointer a, gconstpointer b)
{
  const DiffusionNoiseBlock *first = a, *second = b;

  if (first->tells != second->tells)
    return first->tells ? -1 : 1;
  return first->total < second->total ? -1 : first->total > second->total;
}

DiffusionNoiseSeen
diffusion_noise_survey_describe (DiffusionNoiseBlock *blocks, gsize n)
{
  DiffusionNoiseSeen seen = { .known = TRUE };
  double lagged = 0, total = 0;
  gsize flat, repeating = 0;

  qsort (blocks, n, sizeof (DiffusionNoiseBlock), compare_blocks);
  while (seen.telling < n && blocks[seen.telling].tells)
    seen.telling++;
  if (seen.telling == 0)
    return seen;
  seen.deviation = sqrt (blocks[(gsize) (FLAT_SHARE * (double) seen.telling)].total);
  flat = MAX ((gsize) (2 * FLAT_SHARE * (double) seen.telling), 1);
  for (gsize i = 0; i < flat; i++)
    {
      lagged += blocks[i].lagged;
      total += blocks[i].total;
      repeating += blocks[i].repeats > DIFFUSION_NOISE_PATTERN;
    }
  seen.correlation = total > 0 ? lagged / total : 0;
  seen.pattern = 2 * repeating > flat;
  return seen;
}

gboolean
diffusion_noise_survey_init (DiffusionNoiseSurvey *self, DiffusionNoiseWindows *windows, DiffusionPicture *picture,
                             GError **error)
{
  *self = (DiffusionNoiseSurvey) {
    .windows = windows,
    .columns = CLAMP (picture->width / DIFFUSION_NOISE_WINDOW, 1, DIFFUSION_NOISE_SURVEY_SIDE),
    .rows = CLAMP (picture->height / DIFFUSION_NOISE_WINDOW, 1, DIFFUSION_NOISE_SURVEY_SIDE),
  };
  for (gint j = 0; j < self->rows; j++)
    for (gint i = 0; i < self->columns; i++)
      if (!diffusion_noise_windows_add (windows, picture, diffusion_noise_survey_place (i, self->columns, picture->width),
                                        diffusion_noise_survey_place (j, self->rows, picture->height), error))
        return FALSE;
  return TRUE;
}

gboolean
diffusion_noise_survey_look (DiffusionNoiseSurvey *self, const gsize *which, gsize n, gint step,
                             DiffusionNoiseBlock *blocks, GCancellable *cancellable, GError **error)
{
  if (!diffusion_noise_windows_measure (self->windows, which, n, diffusion_noise_survey_level (step), blocks, cancellable,
                                        error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    self->seen[which[i]][step]
        = diffusion_noise_survey_describe (blocks + i * DIFFUSION_NOISE_BLOCKS, DIFFUSION_NOISE_BLOCKS);
  return TRUE;
}
