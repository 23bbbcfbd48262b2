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
/* A few blocks may all be of texture, so there noise has to be plain: the deviation that one block has to show, of white
 * noise and of a camera's, which is more like texture. More blocks need less of it, by the square root of their number. */
#define PLAIN_WHITE 5.0
#define PLAIN_CORRELATED 12.0

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

/* From the start up as long as there is more noise than the level, or down to the lowest level above it. A level at which
 * patterns come off is too high, whatever noise there is. */
static gboolean
find_level (Search *search, gint *step, DiffusionNoiseSeen *whole, GError **error)
{
  gboolean rising = FALSE, limited = FALSE;

  for (*step = START;;)
    {
      double sigma = diffusion_noise_survey_level (*step);

      if (!look (search, *step, whole, error))
        return FALSE;
      if (whole->pattern && *step > 0)
        {
          --*step;
          limited = TRUE;
        }
      else if (whole->deviation * DIFFUSION_NOISE_ROOM > sigma && *step + 1 < DIFFUSION_NOISE_STEPS && !limited
               && (rising || *step == START))
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
      if (next.pattern || !diffusion_noise_survey_jumps (whole->deviation, next.deviation))
        {
          memcpy (search->blocks, blocks, n * sizeof (DiffusionNoiseBlock));
          return TRUE;
        }
      *whole = next;
      step++;
    }
  return TRUE;
}

/* Less than a block's width of picture is less than a block. */
static double
count_blocks (const DiffusionNoiseSeen *whole, const DiffusionPicture *picture)
{
  return (double) whole->telling * MIN (picture->width, DIFFUSION_NOISE_BLOCK) * MIN (picture->height, DIFFUSION_NOISE_BLOCK)
         / (DIFFUSION_NOISE_BLOCK * DIFFUSION_NOISE_BLOCK);
}

static gboolean
is_noise (const DiffusionNoiseSeen *whole, const DiffusionPicture *picture)
{
  const double share = diffusion_noise_parts_correlated (whole->correlation);
  const double plain = PLAIN_WHITE + share * (PLAIN_CORRELATED - PLAIN_WHITE);

  return !whole->pattern && whole->deviation * sqrt (count_blocks (whole, picture)) >= plain;
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
  if (!is_noise (&whole, picture))
    whole.deviation = 0;
  describe (&search, &whole, level);
  level->deviation = whole.deviation;
  level->correlation = whole.correlation;
  level->sigma = diffusion_noise_parts_sigma (whole.deviation, whole.correlation);
  diffusion_noise_map_init_even (&level->map, level->sigma);
  return diffusion_noise_parts_find (&search.survey, &whole, picture, &level->map, cancellable, error);
}
