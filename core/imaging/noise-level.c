/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How strong the noise of a picture is. */
#include "core/imaging/noise-level.h"

#include <math.h>
#include <string.h>

#include "core/imaging/noise-parts.h"
#include "core/imaging/noise-survey.h"

/* Levels are looked at from here downwards or upwards, a factor of two at a time. */
#define START 4
/* Share of the blocks, the least noisy ones, that describe the noise. */
#define FLAT_SHARE 0.3

typedef struct
{
  DiffusionNoiseSurvey survey;
  DiffusionNoiseBlock *blocks; /* in the end those that tell something first, by their noise */
  gsize which[DIFFUSION_NOISE_SURVEY_WINDOWS];
  gsize n;
  GCancellable *cancellable;
} Search;

static gboolean
look (Search *search, gint step, DiffusionNoiseSeen *whole, GError **error)
{
  if (!diffusion_noise_survey_look (&search->survey, search->which, search->n, step, search->blocks, search->cancellable,
                                    error))
    return FALSE;
  *whole = diffusion_noise_survey_describe (search->blocks, search->n * DIFFUSION_NOISE_BLOCKS);
  return TRUE;
}

/* From the start up as long as there is more noise than the level, or down to the lowest level above it. */
static gboolean
find_level (Search *search, gint *step, DiffusionNoiseSeen *whole, GError **error)
{
  gboolean rising = FALSE;

  for (*step = START;;)
    {
      double sigma = diffusion_noise_survey_level (*step);

      if (!look (search, *step, whole, error))
        return FALSE;
      if (whole->deviation * DIFFUSION_NOISE_ROOM > sigma && *step + 1 < DIFFUSION_NOISE_STEPS && (rising || *step == START))
        {
          ++*step;
          rising = TRUE;
        }
      else if (whole->deviation * DIFFUSION_NOISE_ROOM < sigma / 2 && *step > 0 && !rising)
        --*step;
      else
        return TRUE;
    }
}

/* Goes on where noise above the level was only taken for texture. */
static gboolean
climb (Search *search, gint step, DiffusionNoiseSeen *whole, GError **error)
{
  g_autofree DiffusionNoiseBlock *blocks = NULL;

  while (step >= START && diffusion_noise_survey_asks (step, whole->deviation))
    {
      const gsize n = search->n * DIFFUSION_NOISE_BLOCKS;
      DiffusionNoiseSeen next;

      g_free (blocks);
      blocks = g_memdup2 (search->blocks, n * sizeof (DiffusionNoiseBlock));
      if (!look (search, step + 1, &next, error))
        return FALSE;
      if (!diffusion_noise_survey_jumps (whole->deviation, next.deviation))
        {
          memcpy (search->blocks, blocks, n * sizeof (DiffusionNoiseBlock));
          return TRUE;
        }
      *whole = next;
      step++;
    }
  return TRUE;
}

/* The deviation by brightness, of the flat blocks. */
static void
describe (const Search *search, const DiffusionNoiseSeen *whole, DiffusionNoiseLevel *level)
{
  const gsize flat = (gsize) (FLAT_SHARE * (double) whole->telling);
  double sums[3][DIFFUSION_NOISE_BINS] = { 0 };
  guint seen[DIFFUSION_NOISE_BINS] = { 0 };

  for (gsize i = 0; i < flat; i++)
    {
      const DiffusionNoiseBlock *block = &search->blocks[i];
      gint bin = CLAMP ((gint) (block->brightness * DIFFUSION_NOISE_BINS), 0, DIFFUSION_NOISE_BINS - 1);

      seen[bin]++;
      for (int c = 0; c < 3; c++)
        sums[c][bin] += block->energy[c];
    }
  for (int c = 0; c < 3; c++)
    for (int bin = 0; bin < DIFFUSION_NOISE_BINS; bin++)
      level->curve[c][bin] = seen[bin] > 0 ? sqrt (sums[c][bin] / seen[bin]) : -1;
}

gboolean
diffusion_noise_level_estimate (DiffusionPhotoModel *model, DiffusionPicture *picture, DiffusionNoiseLevel *level,
                                GCancellable *cancellable, GError **error)
{
  g_autoptr (DiffusionNoiseWindows) windows = diffusion_noise_windows_new (model, DIFFUSION_NOISE_SURVEY_WINDOWS, error);
  g_autofree DiffusionNoiseBlock *blocks
      = g_new (DiffusionNoiseBlock, DIFFUSION_NOISE_SURVEY_WINDOWS * DIFFUSION_NOISE_BLOCKS);
  Search search = { .blocks = blocks, .cancellable = cancellable };
  DiffusionNoiseSeen whole;
  gint step;

  if (windows == NULL || !diffusion_noise_survey_init (&search.survey, windows, picture, error))
    return FALSE;
  search.n = (gsize) search.survey.columns * (gsize) search.survey.rows;
  for (gsize i = 0; i < search.n; i++)
    search.which[i] = i;
  if (!find_level (&search, &step, &whole, error) || !climb (&search, step, &whole, error))
    return FALSE;
  describe (&search, &whole, level);
  level->deviation = whole.deviation;
  level->correlation = whole.correlation;
  level->sigma = diffusion_noise_parts_sigma (whole.deviation, whole.correlation);
  diffusion_noise_map_init_even (&level->map, level->sigma);
  return diffusion_noise_parts_find (&search.survey, &whole, picture, &level->map, cancellable, error);
}
