/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How strong the noise of a picture is. */
#include "core/imaging/noise-level.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"

/* Parts of the picture: at most PARTS along either side and in all PARTS², each SIDE² with MARGIN around it, in which the
 * network sees only a part of its surroundings. */
#define PARTS 4
#define SIDE 128
#define MARGIN 16
#define WINDOW (SIDE + 2 * MARGIN)
#define BLOCK 16
#define BLOCKS (SIDE / BLOCK)
#define WINDOW_VALUES ((gsize) WINDOW * WINDOW * 3)

/* Levels are looked at from START downwards or upwards, a factor of two at a time. */
#define START 12.0
#define HIGHEST 96.0
#define LOWEST 0.75
/* A level is too high while the next lower one still is this much above the noise. */
#define ROOM 1.6
/* Share of the blocks, the least noisy ones, that are taken for flat. */
#define FLAT_SHARE 0.15
/* The best σ over the deviation where the picture is flat: correlated noise is a camera's, which is stronger where there
 * is something to see. */
#define WHITE_FACTOR 1.05
#define CORRELATED_FACTOR 2.5
#define CORRELATED_FROM 0.1
#define CORRELATED_TO 0.5
/* Less does not show in 8 bits. */
#define NO_NOISE 0.35

/* What came off one block of pixels. */
typedef struct
{
  double energy[3]; /* mean square of each channel, 0..255 units */
  double total;     /* its mean over the channels */
  double lagged;    /* mean product with the next pixel, over the channels */
  double brightness;
  gboolean tells;   /* neither clipped nor drawn */
} Block;

typedef struct
{
  DiffusionGraph *graph;
  DiffusionExec *exec;
  DiffusionPhotoValues values;
} Worker;

typedef struct
{
  Worker *workers;
  float *windows; /* [n][WINDOW][WINDOW][3], 0 to 1 */
  Block *blocks;  /* [n][BLOCKS][BLOCKS] */
  gsize n;
  double sigma;
  GCancellable *cancellable;
  GMutex lock;
  GError *error;
} Search;

static void
measure_block (const float *window, const float *epsilon, float scale, gint left, gint top, Block *block)
{
  float least = INFINITY, most = -INFINITY;
  double sum = 0;

  memset (block, 0, sizeof *block);
  for (gint y = top; y < top + BLOCK; y++)
    for (gint x = left; x < left + BLOCK; x++)
      for (gsize c = 0; c < 3; c++)
        {
          gsize i = ((gsize) y * WINDOW + (gsize) x) * 3 + c;
          float noise = scale * epsilon[i];

          block->energy[c] += noise * noise;
          block->lagged += noise * scale * epsilon[i + 3];
          sum += window[i];
          least = MIN (least, window[i]);
          most = MAX (most, window[i]);
        }
  for (int c = 0; c < 3; c++)
    {
      block->energy[c] /= BLOCK * BLOCK;
      block->total += block->energy[c] / 3;
    }
  block->lagged /= 3 * BLOCK * BLOCK;
  block->brightness = sum / (3 * BLOCK * BLOCK);
  /* Clipping cuts noise off, and what was drawn or filled has none. */
  block->tells = most > least && block->brightness > 0.02 && block->brightness < 0.98;
}

static void
measure_window (gsize index, guint worker_index, gpointer data)
{
  Search *search = data;
  Worker *worker = &search->workers[worker_index];
  const float *window = search->windows + index * WINDOW_VALUES;
  const double ratio = 2 * search->sigma / 255;
  const float keep = (float) (1 / sqrt (1 + ratio * ratio));
  float *x = diffusion_exec_value (worker->exec, worker->values.x);
  GError *error = NULL;

  for (gsize i = 0; i < WINDOW_VALUES; i++)
    x[i] = keep * (2 * window[i] - 1);
  diffusion_photo_model_set_level (worker->exec, &worker->values, 0, ratio);
  if (!diffusion_exec_forward (worker->exec, search->cancellable, &error))
    {
      g_mutex_lock (&search->lock);
      if (search->error == NULL)
        search->error = g_steal_pointer (&error);
      g_mutex_unlock (&search->lock);
      g_clear_error (&error);
      return;
    }
  for (gint j = 0; j < BLOCKS; j++)
    for (gint i = 0; i < BLOCKS; i++)
      measure_block (window, diffusion_exec_value (worker->exec, worker->values.epsilon), (float) search->sigma,
                     MARGIN + i * BLOCK, MARGIN + j * BLOCK,
                     &search->blocks[(index * BLOCKS + (gsize) j) * BLOCKS + (gsize) i]);
}

static gboolean
measure (Search *search, double sigma, GError **error)
{
  search->sigma = sigma;
  diffusion_parallel_for (search->n, measure_window, search);
  if (search->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&search->error));
  return FALSE;
}

static gint
compare_blocks (gconstpointer a, gconstpointer b)
{
  double first = ((const Block *) a)->total, second = ((const Block *) b)->total;

  return first < second ? -1 : first > second;
}

/* Sorts the blocks that tell something to the front, the least noisy first. */
static gsize
sort_blocks (Search *search)
{
  gsize count = 0;

  for (gsize i = 0; i < search->n * BLOCKS * BLOCKS; i++)
    if (search->blocks[i].tells)
      search->blocks[count++] = search->blocks[i];
  qsort (search->blocks, count, sizeof (Block), compare_blocks);
  return count;
}

/* Deviation of what the flat blocks lost. */
static double
flat_deviation (const Search *search, gsize count)
{
  return count > 0 ? sqrt (search->blocks[(gsize) (FLAT_SHARE * (double) count)].total) : 0;
}

static gboolean
find_level (Search *search, double *deviation, gsize *count, GError **error)
{
  double sigma = START;
  gboolean rising = FALSE;

  for (;;)
    {
      if (!measure (search, sigma, error))
        return FALSE;
      *count = sort_blocks (search);
      *deviation = flat_deviation (search, *count);
      if (*deviation * ROOM > sigma && sigma < HIGHEST && (rising || sigma == START))
        {
          sigma *= 2;
          rising = TRUE;
        }
      else if (*deviation * ROOM < sigma / 2 && sigma > LOWEST && !rising)
        sigma /= 2;
      else
        return TRUE;
    }
}

/* Correlation of neighbours, and the deviation by brightness, of the flat blocks. */
static void
describe (const Search *search, gsize count, DiffusionNoiseLevel *level)
{
  const gsize flat = (gsize) (2 * FLAT_SHARE * (double) count);
  double lagged = 0, total = 0, sums[3][DIFFUSION_NOISE_BINS] = { 0 };
  guint seen[DIFFUSION_NOISE_BINS] = { 0 };

  for (gsize i = 0; i < flat; i++)
    {
      const Block *block = &search->blocks[i];
      gint bin = CLAMP ((gint) (block->brightness * DIFFUSION_NOISE_BINS), 0, DIFFUSION_NOISE_BINS - 1);

      lagged += block->lagged;
      total += block->total;
      seen[bin]++;
      for (int c = 0; c < 3; c++)
        sums[c][bin] += block->energy[c];
    }
  level->correlation = total > 0 ? lagged / total : 0;
  for (int c = 0; c < 3; c++)
    for (int bin = 0; bin < DIFFUSION_NOISE_BINS; bin++)
      level->curve[c][bin] = seen[bin] > 0 ? sqrt (sums[c][bin] / seen[bin]) : -1;
}

static gboolean
read_windows (Search *search, DiffusionPicture *picture, GError **error)
{
  const gint columns = CLAMP (picture->width / SIDE, 1, PARTS), rows = CLAMP (picture->height / SIDE, 1, PARTS);

  search->n = (gsize) columns * (gsize) rows;
  search->windows = diffusion_try_alloc (search->n * WINDOW_VALUES * sizeof (float), _ ("the noise level"), error);
  if (search->windows == NULL)
    return FALSE;
  for (gint j = 0; j < rows; j++)
    for (gint i = 0; i < columns; i++)
      {
        /* Spread evenly: in the middle of equal parts. */
        gint x = (gint) ((2 * i + 1) * (gint64) picture->width / (2 * columns)) - WINDOW / 2;
        gint y = (gint) ((2 * j + 1) * (gint64) picture->height / (2 * rows)) - WINDOW / 2;

        if (!diffusion_picture_read_around (picture, x, y, WINDOW, WINDOW,
                                            search->windows + (gsize) (j * columns + i) * WINDOW_VALUES, error))
          return FALSE;
      }
  return TRUE;
}

static gboolean
make_workers (Search *search, DiffusionPhotoModel *model, GError **error)
{
  search->workers = g_new0 (Worker, diffusion_get_threads ());
  for (guint i = 0; i < diffusion_get_threads (); i++)
    {
      Worker *worker = &search->workers[i];

      worker->graph = diffusion_photo_model_build (diffusion_photo_model_get_config (model),
                                                   diffusion_photo_model_get_params (model), 1, WINDOW, WINDOW,
                                                   &worker->values);
      worker->exec = diffusion_exec_new (worker->graph, DIFFUSION_RUN_INFERENCE, DIFFUSION_PRECISION_F32, error);
      if (worker->exec == NULL)
        return FALSE;
    }
  return TRUE;
}

static void
search_clear (Search *search)
{
  for (guint i = 0; search->workers != NULL && i < diffusion_get_threads (); i++)
    {
      diffusion_exec_free (search->workers[i].exec);
      diffusion_graph_free (search->workers[i].graph);
    }
  g_free (search->workers);
  g_free (search->blocks);
  diffusion_free (search->windows);
  g_mutex_clear (&search->lock);
}

gboolean
diffusion_noise_level_estimate (DiffusionPhotoModel *model, DiffusionPicture *picture, DiffusionNoiseLevel *level,
                                GCancellable *cancellable, GError **error)
{
  Search search = { .cancellable = cancellable };
  gsize count;
  gboolean found;

  g_mutex_init (&search.lock);
  found = read_windows (&search, picture, error) && make_workers (&search, model, error);
  if (found)
    {
      search.blocks = g_new (Block, search.n * BLOCKS * BLOCKS);
      found = find_level (&search, &level->deviation, &count, error);
    }
  if (found)
    {
      double share;

      describe (&search, count, level);
      share = CLAMP ((level->correlation - CORRELATED_FROM) / (CORRELATED_TO - CORRELATED_FROM), 0, 1);
      level->sigma = level->deviation * (WHITE_FACTOR + share * (CORRELATED_FACTOR - WHITE_FACTOR));
      if (level->deviation < NO_NOISE)
        level->sigma = 0;
    }
  search_clear (&search);
  return found;
}
