/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of a picture, and what denoising at some level takes off them. */
#include "core/imaging/noise-windows.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"

/* Around a window, in which the network sees only a part of its surroundings. */
#define MARGIN 16
#define FULL (DIFFUSION_NOISE_WINDOW + 2 * MARGIN)
#define VALUES ((gsize) FULL * FULL * 3)
/* Noise, a camera's too, is not like itself from this many pixels on; patterns are looked for as far as this. */
#define PATTERN_FROM 6
#define PATTERN_TO 12
/* Black and white, to half a step of 8 bits, and how much of them a block may hold: beside the bars of a letterbox or in
 * highlights the rest would seem to have less noise. */
#define BLACK (0.5f / 255)
#define WHITE (254.5f / 255)
#define CLIPPED_SHARE 0.25

typedef struct
{
  DiffusionGraph *graph;
  DiffusionExec *exec;
  DiffusionPhotoValues values;
} Worker;

struct _DiffusionNoiseWindows
{
  Worker *workers;
  guint n_workers;
  float *pixels;    /* [most][FULL][FULL][3], 0 to 1 */
  guint8 *opaque;   /* [most][DIFFUSION_NOISE_BLOCKS]: the block is inside and nothing of it transparent */
  float *alpha;     /* [WINDOW][WINDOW] */
  gsize n;
};

typedef struct
{
  DiffusionNoiseWindows *windows;
  const gsize *which;
  double sigma;
  DiffusionNoiseBlock *blocks;
  GCancellable *cancellable;
  GMutex lock;
  GError *error;
} Measurement;

static gboolean
make_workers (DiffusionNoiseWindows *self, DiffusionPhotoModel *model, GError **error)
{
  self->n_workers = diffusion_get_threads ();
  self->workers = g_new0 (Worker, self->n_workers);
  for (guint i = 0; i < self->n_workers; i++)
    {
      Worker *worker = &self->workers[i];

      worker->graph = diffusion_photo_model_build (diffusion_photo_model_get_config (model),
                                                   diffusion_photo_model_get_params (model), 1, FULL, FULL,
                                                   &worker->values);
      worker->exec = diffusion_exec_new (worker->graph, DIFFUSION_RUN_INFERENCE, DIFFUSION_PRECISION_F32, error);
      if (worker->exec == NULL)
        return FALSE;
    }
  return TRUE;
}

DiffusionNoiseWindows *
diffusion_noise_windows_new (DiffusionPhotoModel *model, gsize most, GError **error)
{
  g_autoptr (DiffusionNoiseWindows) self = g_new0 (DiffusionNoiseWindows, 1);

  self->opaque = g_new (guint8, most * DIFFUSION_NOISE_BLOCKS);
  self->alpha = g_new (float, DIFFUSION_NOISE_WINDOW * DIFFUSION_NOISE_WINDOW);
  self->pixels = diffusion_try_alloc (most * VALUES * sizeof (float), _ ("the noise level"), error);
  if (self->pixels == NULL || !make_workers (self, model, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
diffusion_noise_windows_free (DiffusionNoiseWindows *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_workers; i++)
    {
      diffusion_exec_free (self->workers[i].exec);
      diffusion_graph_free (self->workers[i].graph);
    }
  g_free (self->workers);
  g_free (self->opaque);
  g_free (self->alpha);
  diffusion_free (self->pixels);
  g_free (self);
}

/* What is beyond the border is the picture once more and tells nothing new; of a block that reaches there, half has to be
 * inside, but for the only one. */
static gboolean
is_inside (gint start, gint block, gint size)
{
  return block == 0 || start + block * DIFFUSION_NOISE_BLOCK + DIFFUSION_NOISE_BLOCK / 2 <= size;
}

gboolean
diffusion_noise_windows_add (DiffusionNoiseWindows *self, DiffusionPicture *picture, gint x, gint y, GError **error)
{
  const gint side = DIFFUSION_NOISE_WINDOW;
  guint8 *opaque = self->opaque + self->n * DIFFUSION_NOISE_BLOCKS;

  if (!diffusion_picture_read_around (picture, x - MARGIN, y - MARGIN, FULL, FULL, self->pixels + self->n * VALUES, error)
      || !diffusion_picture_read_alpha_around (picture, x, y, side, side, self->alpha, error))
    return FALSE;
  for (gint i = 0; i < DIFFUSION_NOISE_BLOCKS; i++)
    opaque[i] = is_inside (x, i % DIFFUSION_NOISE_SIDE, picture->width)
                && is_inside (y, i / DIFFUSION_NOISE_SIDE, picture->height);
  for (gint i = 0; i < side * side; i++)
    if (!(self->alpha[i] > 0))
      opaque[i / side / DIFFUSION_NOISE_BLOCK * DIFFUSION_NOISE_SIDE + i % side / DIFFUSION_NOISE_BLOCK] = FALSE;
  self->n++;
  return TRUE;
}

void
diffusion_noise_windows_clear (DiffusionNoiseWindows *self)
{
  self->n = 0;
}

/* Sum of the products of two blocks, of columns first, which compilers make vectors of, and of the second with itself. */
static void
multiply_blocks (const float *a, const float *b, float *product, float *square)
{
  float products[3 * DIFFUSION_NOISE_BLOCK] = { 0 }, squares[3 * DIFFUSION_NOISE_BLOCK] = { 0 };

  for (gint y = 0; y < DIFFUSION_NOISE_BLOCK; y++, a += 3 * FULL, b += 3 * FULL)
    for (gint i = 0; i < 3 * DIFFUSION_NOISE_BLOCK; i++)
      {
        products[i] += a[i] * b[i];
        squares[i] += b[i] * b[i];
      }
  *product = *square = 0;
  for (gint i = 0; i < 3 * DIFFUSION_NOISE_BLOCK; i++)
    {
      *product += products[i];
      *square += squares[i];
    }
}

/* The highest correlation of a block with those around it that are neither near nor far. */
static double
find_pattern (const float *epsilon, gint left, gint top)
{
  const float *block = epsilon + ((gsize) top * FULL + (gsize) left) * 3;
  float own, product, square;
  double most = 0;

  multiply_blocks (block, block, &own, &square);
  for (gint down = 0; down <= PATTERN_TO; down++)
    for (gint across = -PATTERN_TO; across <= PATTERN_TO; across++)
      {
        if (down < PATTERN_FROM && across < PATTERN_FROM && (down == 0 || across > -PATTERN_FROM))
          continue;
        multiply_blocks (block, block + (down * FULL + across) * 3, &product, &square);
        most = MAX (most, product / sqrt ((double) own * square + 1e-12));
      }
  return most;
}

static void
measure_block (const float *window, const float *epsilon, float scale, gint left, gint top, gboolean opaque,
               DiffusionNoiseBlock *block)
{
  const gint side = DIFFUSION_NOISE_BLOCK;
  float least = INFINITY, most = -INFINITY;
  double sum = 0;
  gint clipped = 0;

  memset (block, 0, sizeof *block);
  for (gint y = top; y < top + side; y++)
    for (gint x = left; x < left + side; x++)
      {
        const gsize pixel = ((gsize) y * FULL + (gsize) x) * 3;
        const float *rgb = window + pixel;
        const float dark = MIN (MIN (rgb[0], rgb[1]), rgb[2]), bright = MAX (MAX (rgb[0], rgb[1]), rgb[2]);

        for (gsize c = 0; c < 3; c++)
          {
            float noise = scale * epsilon[pixel + c];

            block->energy[c] += noise * noise;
            block->lagged += noise * scale * epsilon[pixel + c + 3];
            sum += rgb[c];
          }
        least = MIN (least, dark);
        most = MAX (most, bright);
        clipped += bright <= BLACK || dark >= WHITE;
      }
  for (int c = 0; c < 3; c++)
    {
      block->energy[c] /= side * side;
      block->total += block->energy[c] / 3;
    }
  block->lagged /= 3 * side * side;
  block->repeats = find_pattern (epsilon, left, top);
  block->brightness = sum / (3 * side * side);
  /* Clipping cuts noise off, and what was drawn or filled has none. */
  block->tells = opaque && most > least && block->brightness > 0.02 && block->brightness < 0.98
                 && clipped <= CLIPPED_SHARE * side * side;
}

static void
measure_window (gsize index, guint worker_index, gpointer data)
{
  Measurement *measurement = data;
  const DiffusionNoiseWindows *self = measurement->windows;
  const gsize which = measurement->which[index];
  Worker *worker = &self->workers[worker_index];
  const float *window = self->pixels + which * VALUES;
  const double ratio = 2 * measurement->sigma / 255;
  const float keep = (float) (1 / sqrt (1 + ratio * ratio));
  float *x = diffusion_exec_value (worker->exec, worker->values.x);
  GError *error = NULL;

  for (gsize i = 0; i < VALUES; i++)
    x[i] = keep * (2 * window[i] - 1);
  diffusion_photo_model_set_level (worker->exec, &worker->values, 0, ratio);
  if (!diffusion_exec_forward (worker->exec, measurement->cancellable, &error))
    {
      g_mutex_lock (&measurement->lock);
      if (measurement->error == NULL)
        measurement->error = g_steal_pointer (&error);
      g_mutex_unlock (&measurement->lock);
      g_clear_error (&error);
      return;
    }
  for (gint i = 0; i < DIFFUSION_NOISE_BLOCKS; i++)
    measure_block (window, diffusion_exec_value (worker->exec, worker->values.epsilon), (float) measurement->sigma,
                   MARGIN + i % DIFFUSION_NOISE_SIDE * DIFFUSION_NOISE_BLOCK,
                   MARGIN + i / DIFFUSION_NOISE_SIDE * DIFFUSION_NOISE_BLOCK,
                   self->opaque[which * DIFFUSION_NOISE_BLOCKS + (gsize) i],
                   &measurement->blocks[index * DIFFUSION_NOISE_BLOCKS + (gsize) i]);
}

gboolean
diffusion_noise_windows_measure (DiffusionNoiseWindows *self, const gsize *which, gsize n, double sigma,
                                 DiffusionNoiseBlock *blocks, GCancellable *cancellable, GError **error)
{
  Measurement measurement = { .windows = self, .which = which, .sigma = sigma, .blocks = blocks, .cancellable = cancellable };

  g_mutex_init (&measurement.lock);
  diffusion_parallel_for (n, measure_window, &measurement);
  g_mutex_clear (&measurement.lock);
  if (measurement.error == NULL)
    return TRUE;
  g_propagate_error (error, measurement.error);
  return FALSE;
}
