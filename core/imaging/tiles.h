/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture through a network in overlapping tiles, with bounded memory. */
#pragma once

#include <gio/gio.h>

#include "core/base/progress.h"
#include "core/imaging/picture.h"

G_BEGIN_DECLS

/**
 * DiffusionTileFunc:
 * @in: [height, width, 3] a tile with its surroundings, 0 to 1, finite; what lies outside the picture is
 *   reflected
 * @x: column of the tile's first pixel in the picture, a multiple of the work's @multiple; may be negative
 * @y: row of it
 * @width: columns, a multiple of @multiple
 * @height: rows, likewise
 * @out: (out caller-allocates): [height, width, 3] the result; only its middle is used
 * @worker: no two calls with the same number run at the same time; 0 to the plan's @workers − 1
 * @cancellable: (nullable): to be looked at once a layer
 * @data: the user's data
 * @error: return location
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
typedef gboolean (*DiffusionTileFunc) (const float *in, gint x, gint y, gint width, gint height, float *out,
                                       guint worker, GCancellable *cancellable, gpointer data, GError **error);

/**
 * DiffusionTileWork:
 * @func: computes one tile
 * @data: passed to @func
 * @overlap: radius of what a result pixel can depend on (receptive field), pixels
 * @multiple: factor by which the network reduces; tiles begin and end at multiples of it from the picture's origin
 * @bytes_per_pixel: what @func needs for each pixel of @in, beside @in and @out
 * @bytes_per_worker: what @func needs once for each worker
 *
 * Something that turns a picture into a picture, and what it needs for that.
 */
typedef struct
{
  DiffusionTileFunc func;
  gpointer data;
  gint overlap;
  gint multiple;
  gsize bytes_per_pixel;
  gsize bytes_per_worker;
} DiffusionTileWork;

/**
 * DiffusionTilePlan:
 * @x: the region that is computed
 * @y: its top
 * @width: its columns
 * @height: its rows
 * @tile: width of a tile without its surroundings
 * @tile_height: its height
 * @left: where the grid of tiles begins, at or left of @x
 * @top: at or above @y
 * @columns: tiles beside each other
 * @rows: tiles above each other
 * @workers: tiles at the same time; when 1, the tile function has all threads for itself
 * @peak_bytes: memory over the picture itself, at most
 * @computed: pixels of all tiles with their surroundings, what the time is proportional to
 */
typedef struct
{
  gint x, y, width, height;
  gint tile, tile_height;
  gint left, top, columns, rows;
  guint workers;
  gsize peak_bytes;
  double computed;
} DiffusionTilePlan;

/** DIFFUSION_TILE_MEMORY: the limit when none is given, bytes. With a second copy of a picture of 24 megapixels in
 * floating point, which whoever writes the result may hold, and the program itself that stays below 1 GB. */
#define DIFFUSION_TILE_MEMORY ((gsize) 500 * 1000 * 1000)

/**
 * diffusion_tiles_plan:
 * @picture: the picture
 * @region: (nullable) (array fixed-size=4): x, y, width and height of the part to compute, inside the picture;
 *   %NULL for all of it. Surroundings are read beyond it.
 * @work: what is to be done
 * @tile: side of the tiles, rounded up to a multiple; 0 chooses
 * @limit: memory not to exceed, bytes; 0 for %DIFFUSION_TILE_MEMORY
 * @plan: (out caller-allocates): the plan
 * @error: return location for %DIFFUSION_ERROR_MEMORY when not even one small tile fits the limit
 *
 * Neither the size of the tiles nor any result hangs on the number of threads.
 */
gboolean diffusion_tiles_plan (const DiffusionPicture *picture, const gint *region, const DiffusionTileWork *work,
                               gint tile, gsize limit, DiffusionTilePlan *plan, GError **error);

/**
 * diffusion_tiles_run:
 * @picture: read with its surroundings and written tile by tile; its @read must go on giving the original
 *   where something was written already. Gray is shown to the work as equal red, green and blue, and is the
 *   mean of its result.
 * @work: what is to be done
 * @plan: from diffusion_tiles_plan() with the same picture and work
 * @progress: (nullable): told after tiles, from the calling thread
 * @progress_data: for @progress
 * @cancellable: (nullable): stops between tiles, and wherever the work looks at it
 * @error: return location
 *
 * Reads and writes happen one at a time, but on any thread of the pool. Samples that are not finite are shown to the
 * work as 0 and left as they are.
 *
 * Returns: %TRUE, or %FALSE with @error set; what was written until then stays written
 */
gboolean diffusion_tiles_run (DiffusionPicture *picture, const DiffusionTileWork *work, const DiffusionTilePlan *plan,
                              DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                              GError **error);

G_END_DECLS
