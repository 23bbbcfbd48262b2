/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model for one tile after the other: what denoising and sampling ask of it. */
#pragma once

#include "core/imaging/tiles.h"
#include "core/model/photo-folder.h"

G_BEGIN_DECLS

/**
 * DiffusionPhotoWorker:
 * @graph: (nullable): the network for the last size of tile
 * @exec: (nullable): its executor
 * @values: its inputs and output
 * @width: columns of that size
 * @height: rows
 *
 * The network of one worker; all zero before its first tile.
 */
typedef struct
{
  DiffusionGraph *graph;
  DiffusionExec *exec;
  DiffusionPhotoValues values;
  gint width, height;
} DiffusionPhotoWorker;

void diffusion_photo_worker_clear (DiffusionPhotoWorker *worker);

/**
 * diffusion_photo_worker_prepare:
 * @model: the same for all tiles
 * @width: a multiple of %DIFFUSION_PHOTO_ALIGNMENT
 * @height: likewise
 * @error: return location for %DIFFUSION_ERROR_MEMORY
 *
 * Makes the network for tiles of this size, if the last one was of another.
 */
gboolean diffusion_photo_worker_prepare (DiffusionPhotoWorker *worker, DiffusionPhotoModel *model,
                                         DiffusionPrecision precision, gint width, gint height, GError **error);

/** diffusion_photo_worker_measure: fills in what @work needs of memory, its overlap and its multiple. */
void diffusion_photo_worker_measure (DiffusionPhotoModel *model, DiffusionTileWork *work);

G_END_DECLS
