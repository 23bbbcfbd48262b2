/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture through a network in overlapping tiles. */
#include "core/imaging/tiles.h"

#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"

#define SMALLEST_TILE 64

typedef struct
{
  DiffusionPicture *picture;
  const DiffusionTileWork *work;
  const DiffusionTilePlan *plan;
  GCancellable *cancellable;
  DiffusionProgressFunc progress;
  gpointer progress_data;
  GThread *caller;
  GMutex picture_lock;
  GMutex lock; /* what is below */
  GError *error;
  gsize done;
} Run;

static gint
round_down (gint value, gint multiple)
{
  gint rest = value % multiple;

  return value - (rest < 0 ? rest + multiple : rest);
}

static gint
round_up (gint value, gint multiple)
{
  return -round_down (-value, multiple);
}

/* Side of a tile with its surroundings. */
static gint
padded_side (const DiffusionTileWork *work, gint tile)
{
  return tile + 2 * round_up (work->overlap, work->multiple);
}

static double
tile_bytes (const DiffusionPicture *picture, const DiffusionTileWork *work, gint width, gint height)
{
  double pixels = (double) padded_side (work, width) * padded_side (work, height);

  /* in, out, and the picture's own samples while they are spread out or written. */
  return pixels * ((double) work->bytes_per_pixel + 2 * 3 * sizeof (float) + (double) picture->channels * sizeof (float)) +
         (double) work->bytes_per_worker;
}

/* Of all grids whose tiles fit the memory the one with the least to compute twice. */
static void
choose_tiles (const DiffusionPicture *picture, const DiffusionTileWork *work, gint width, gint height, double most,
              DiffusionTilePlan *plan)
{
  const gint m = work->multiple, smallest = round_up (SMALLEST_TILE, m);
  double least = G_MAXDOUBLE;

  plan->tile = MIN (smallest, width);
  plan->tile_height = MIN (smallest, height);
  for (gint columns = 1; columns == 1 || (width + columns - 1) / columns >= smallest; columns++)
    for (gint rows = 1; rows == 1 || (height + rows - 1) / rows >= smallest; rows++)
      {
        gint tile_width = round_up ((width + columns - 1) / columns, m);
        gint tile_height = round_up ((height + rows - 1) / rows, m);
        double cost = (double) columns * rows * padded_side (work, tile_width) * padded_side (work, tile_height);

        if (tile_bytes (picture, work, tile_width, tile_height) > most)
          continue;
        if (cost < least)
          {
            least = cost;
            plan->tile = tile_width;
            plan->tile_height = tile_height;
          }
        break;
      }
}

gboolean
diffusion_tiles_plan (const DiffusionPicture *picture, const gint *region, const DiffusionTileWork *work, gint tile,
                      gsize limit, DiffusionTilePlan *plan, GError **error)
{
  const gint m = work->multiple;
  gint right, bottom;
  double bytes, most = (double) (limit > 0 ? limit : DIFFUSION_TILE_MEMORY);
  gsize tiles;

  *plan = (DiffusionTilePlan) { .x = region != NULL ? region[0] : 0,
                                .y = region != NULL ? region[1] : 0,
                                .width = region != NULL ? region[2] : picture->width,
                                .height = region != NULL ? region[3] : picture->height };
  if (plan->x < 0 || plan->y < 0 || plan->width < 1 || plan->height < 1 || plan->width > picture->width - plan->x ||
      plan->height > picture->height - plan->y)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("The region %d,%d %d×%d does not lie in the picture of %d×%d pixels"), plan->x, plan->y,
                   plan->width, plan->height, picture->width, picture->height);
      return FALSE;
    }

  plan->left = round_down (plan->x, m);
  plan->top = round_down (plan->y, m);
  right = round_up (plan->x + plan->width, m);
  bottom = round_up (plan->y + plan->height, m);
  plan->tile = plan->tile_height = round_up (tile, m);
  if (tile <= 0)
    choose_tiles (picture, work, right - plan->left, bottom - plan->top, most, plan);
  bytes = tile_bytes (picture, work, MIN (plan->tile, right - plan->left), MIN (plan->tile_height, bottom - plan->top));
  if (bytes > most)
    {
      g_autofree char *needed = g_format_size ((guint64) bytes), *allowed = g_format_size ((guint64) most);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY,
                   _("A tile of %d×%d pixels needs %s, and only %s are allowed"), plan->tile, plan->tile_height, needed, allowed);
      return FALSE;
    }
  plan->columns = (right - plan->left + plan->tile - 1) / plan->tile;
  plan->rows = (bottom - plan->top + plan->tile_height - 1) / plan->tile_height;
  tiles = (gsize) plan->columns * (gsize) plan->rows;
  plan->workers = diffusion_get_threads ();
  if (tiles < plan->workers || bytes * plan->workers > most)
    plan->workers = 1;
  plan->peak_bytes = (gsize) (bytes * plan->workers);
  plan->computed = ((double) right - plan->left + (double) plan->columns * padded_side (work, 0))
                   * ((double) bottom - plan->top + (double) plan->rows * padded_side (work, 0));
  return TRUE;
}

/* Reads [height, width, 3] at (x, y), reflected outside the picture. samples: room for the part inside. */
static gboolean
read_tile (Run *run, gint x, gint y, gint width, gint height, float *samples, float *in, GError **error)
{
  DiffusionPicture *picture = run->picture;
  const gint channels = picture->channels;
  /* Reflection never needs more than the tile's own size of the picture. */
  gint x0 = CLAMP (x, 0, picture->width), x1 = CLAMP (x + width, 0, picture->width);
  gint y0 = CLAMP (y, 0, picture->height), y1 = CLAMP (y + height, 0, picture->height);
  gboolean read;

  /* Surroundings that reach out of one border may be reflected into more than the part that is inside. */
  if (x < 0)
    x1 = MAX (x1, MIN (-x + 1, picture->width));
  if (y < 0)
    y1 = MAX (y1, MIN (-y + 1, picture->height));
  if (x + width > picture->width)
    x0 = MIN (x0, MAX (2 * picture->width - 1 - (x + width), 0));
  if (y + height > picture->height)
    y0 = MIN (y0, MAX (2 * picture->height - 1 - (y + height), 0));

  g_mutex_lock (&run->picture_lock);
  read = picture->read (picture, x0, y0, x1 - x0, y1 - y0, samples, error);
  g_mutex_unlock (&run->picture_lock);
  if (!read)
    return FALSE;
  for (gint row = 0; row < height; row++)
    {
      const gint line_y = diffusion_picture_reflect (y + row, picture->height) - y0;
      const float *line = samples + (gsize) line_y * (gsize) (x1 - x0) * (gsize) channels;

      for (gint column = 0; column < width; column++)
        {
          const float *pixel = line + (gsize) (diffusion_picture_reflect (x + column, picture->width) - x0) * (gsize) channels;

          for (int c = 0; c < 3; c++)
            {
              float value = pixel[channels == 3 ? c : 0];

              *in++ = isfinite (value) ? value : 0;
            }
        }
    }
  return TRUE;
}

/* Writes the middle of a result. in: what the work saw, to find the samples that were not finite. */
static gboolean
write_tile (Run *run, gint x, gint y, gint width, gint height, gint pad_x, gint pad_y, gint stride, float *samples,
            const float *out, GError **error)
{
  DiffusionPicture *picture = run->picture;
  const gint channels = picture->channels;
  gboolean done;

  g_mutex_lock (&run->picture_lock);
  done = picture->read (picture, x, y, width, height, samples, error);
  if (done)
    {
      float *sample = samples;

      for (gint row = 0; row < height; row++)
        for (gint column = 0; column < width; column++)
          {
            const float *pixel = out + ((gsize) (pad_y + row) * (gsize) stride + (gsize) (pad_x + column)) * 3;

            for (int c = 0; c < channels; c++, sample++)
              if (isfinite (*sample))
                *sample = channels == 3 ? pixel[c] : (pixel[0] + pixel[1] + pixel[2]) / 3;
          }
      done = picture->write (picture, x, y, width, height, samples, error);
    }
  g_mutex_unlock (&run->picture_lock);
  return done;
}

static gboolean
compute_tile (Run *run, gsize index, guint worker, GError **error)
{
  const DiffusionTilePlan *plan = run->plan;
  const gint m = run->work->multiple, pad = round_up (run->work->overlap, m);
  gint left = plan->left + (gint) (index % (gsize) plan->columns) * plan->tile;
  gint top = plan->top + (gint) (index / (gsize) plan->columns) * plan->tile_height;
  gint right = MIN (left + plan->tile, round_up (plan->x + plan->width, m));
  gint bottom = MIN (top + plan->tile_height, round_up (plan->y + plan->height, m));
  gint width = right - left + 2 * pad, height = bottom - top + 2 * pad;
  /* What is written: the tile as far as the region goes. */
  gint x0 = MAX (left, plan->x), x1 = MIN (right, plan->x + plan->width);
  gint y0 = MAX (top, plan->y), y1 = MIN (bottom, plan->y + plan->height);
  gsize pixels = (gsize) width * (gsize) height;
  float *block, *in, *out, *samples;
  gboolean done;

  if (g_cancellable_set_error_if_cancelled (run->cancellable, error))
    return FALSE;
  if (index == 0)
    g_debug ("first tile");
  block = diffusion_try_alloc (pixels * (6 + (gsize) run->picture->channels) * sizeof (float), _("a tile"), error);
  if (block == NULL)
    return FALSE;
  in = block;
  out = in + pixels * 3;
  samples = out + pixels * 3;
  done = read_tile (run, left - pad, top - pad, width, height, samples, in, error) &&
         run->work->func (in, left - pad, top - pad, width, height, out, worker, run->cancellable, run->work->data, error) &&
         write_tile (run, x0, y0, x1 - x0, y1 - y0, x0 - left + pad, y0 - top + pad, width, samples, out, error);
  diffusion_free (block);
  return done;
}

static void
run_tile (gsize index, guint worker, gpointer data)
{
  Run *run = data;
  GError *error = NULL;
  gboolean failed;
  gsize done;

  g_mutex_lock (&run->lock);
  failed = run->error != NULL;
  g_mutex_unlock (&run->lock);
  if (failed)
    return;
  failed = !compute_tile (run, index, worker, &error);
  g_mutex_lock (&run->lock);
  done = ++run->done;
  if (failed && run->error == NULL)
    run->error = g_steal_pointer (&error);
  g_mutex_unlock (&run->lock);
  g_clear_error (&error);
  if (!failed && run->progress != NULL && g_thread_self () == run->caller)
    run->progress ((double) done / ((double) run->plan->columns * run->plan->rows), run->progress_data);
}

gboolean
diffusion_tiles_run (DiffusionPicture *picture, const DiffusionTileWork *work, const DiffusionTilePlan *plan,
                     DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable, GError **error)
{
  Run run = { .picture = picture,
              .work = work,
              .plan = plan,
              .cancellable = cancellable,
              .progress = progress,
              .progress_data = progress_data,
              .caller = g_thread_self () };
  gsize tiles = (gsize) plan->columns * (gsize) plan->rows;

  g_mutex_init (&run.picture_lock);
  g_mutex_init (&run.lock);
  if (plan->workers > 1)
    diffusion_parallel_for (tiles, run_tile, &run);
  else
    for (gsize i = 0; i < tiles && run.error == NULL; i++)
      run_tile (i, 0, &run);
  g_mutex_clear (&run.picture_lock);
  g_mutex_clear (&run.lock);
  if (run.error != NULL)
    {
      g_propagate_error (error, run.error);
      return FALSE;
    }
  if (progress != NULL)
    progress (1, progress_data);
  return TRUE;
}
