/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model for one tile after the other. */
#include "core/imaging/photo-worker.h"

void
diffusion_photo_worker_clear (DiffusionPhotoWorker *worker)
{
  diffusion_exec_free (worker->exec);
  diffusion_graph_free (worker->graph);
  worker->exec = NULL;
  worker->graph = NULL;
}

gboolean
diffusion_photo_worker_prepare (DiffusionPhotoWorker *worker, DiffusionPhotoModel *model, DiffusionPrecision precision,
                                gint width, gint height, GError **error)
{
  if (worker->exec != NULL && worker->width == width && worker->height == height)
    return TRUE;
  diffusion_photo_worker_clear (worker);
  worker->graph = diffusion_photo_model_build (diffusion_photo_model_get_config (model),
                                               diffusion_photo_model_get_params (model), 1, height, width,
                                               &worker->values);
  worker->exec = diffusion_exec_new (worker->graph, DIFFUSION_RUN_INFERENCE, precision, error);
  worker->width = width;
  worker->height = height;
  return worker->exec != NULL;
}

void
diffusion_photo_worker_measure (DiffusionPhotoModel *model, DiffusionTileWork *work)
{
  const DiffusionPhotoConfig *config = diffusion_photo_model_get_config (model);
  gsize bytes[2];

  /* Memory for each pixel of a tile, and what comes on top for the threads' scratch. */
  for (int i = 0; i < 2; i++)
    {
      DiffusionPhotoValues values;
      gint side = i == 0 ? 256 : 512;
      g_autoptr (DiffusionGraph) graph
        = diffusion_photo_model_build (config, diffusion_photo_model_get_params (model), 1, side, side, &values);

      bytes[i] = diffusion_graph_plan_bytes (graph, DIFFUSION_RUN_INFERENCE);
    }
  work->bytes_per_pixel = (bytes[1] - bytes[0]) / (512 * 512 - 256 * 256) + 1;
  work->bytes_per_worker = bytes[0] - MIN (bytes[0], work->bytes_per_pixel * 256 * 256);
  work->overlap = diffusion_photo_model_get_radius (config);
  work->multiple = DIFFUSION_PHOTO_ALIGNMENT;
}
