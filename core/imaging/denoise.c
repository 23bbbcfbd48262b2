/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising pictures of any size with the photo model. */
#include "core/imaging/denoise.h"

#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/threads.h"
#include "core/imaging/noise-level.h"

/* The network of one worker, built for the last size of tile. */
typedef struct
{
  DiffusionGraph *graph;
  DiffusionExec *exec;
  DiffusionPhotoValues values;
  gint width, height;
  gint skipped; /* pixels at each border that the network leaves out */
} Worker;

typedef struct
{
  DiffusionPhotoModel *model;
  const DiffusionDenoiseOptions *options;
  double sigma;
  gint margin; /* of a tile */
  Worker *workers;
} Denoise;

DiffusionDenoiseOptions
diffusion_denoise_options_default (void)
{
  return (DiffusionDenoiseOptions) { .sigma = DIFFUSION_SIGMA_AUTO, .strength = 1, .luma = 1, .chroma = 1 };
}

static void
worker_clear (Worker *worker)
{
  diffusion_exec_free (worker->exec);
  diffusion_graph_free (worker->graph);
  worker->exec = NULL;
  worker->graph = NULL;
}

static gboolean
worker_prepare (Worker *worker, DiffusionPhotoModel *model, gint width, gint height, gint margin, GError **error)
{
  gint left;

  if (worker->exec != NULL && worker->width == width && worker->height == height)
    return TRUE;
  worker_clear (worker);
  worker->graph = diffusion_photo_model_build_inner (diffusion_photo_model_get_config (model),
                                                     diffusion_photo_model_get_params (model), height, width, margin,
                                                     &worker->values, &left);
  worker->skipped = margin - left;
  worker->exec = diffusion_exec_new (worker->graph, DIFFUSION_RUN_INFERENCE, DIFFUSION_PRECISION_F32, error);
  worker->width = width;
  worker->height = height;
  return worker->exec != NULL;
}

/* y − w·r·ε, the noise weighed apart for brightness and colour. */
static void
subtract (const Denoise *denoise, const float *in, const float *epsilon, float ratio, gsize pixels, float *out)
{
  float strength = (float) MIN (denoise->options->strength, 1);
  float luma = strength * (float) denoise->options->luma;
  float chroma = strength * (float) denoise->options->chroma;

  for (gsize i = 0; i < 3 * pixels; i += 3)
    {
      float noise[3] = { ratio * epsilon[i], ratio * epsilon[i + 1], ratio * epsilon[i + 2] };
      float grey = (noise[0] + noise[1] + noise[2]) / 3;

      for (gsize k = 0; k < 3; k++)
        out[i + k] = in[i + k] - (luma * grey + chroma * (noise[k] - grey));
    }
}

static gboolean
denoise_tile (const float *in, gint x, gint y, gint width, gint height, float *out, guint worker_index,
              GCancellable *cancellable, gpointer data, GError **error)
{
  Denoise *denoise = data;
  Worker *worker = &denoise->workers[worker_index];
  gsize pixels = (gsize) width * (gsize) height;
  /* Above full strength the noise is taken to be stronger than it is. */
  double ratio = 2 * denoise->sigma * MAX (denoise->options->strength, 1) / 255;
  float keep = (float) (1 / sqrt (1 + ratio * ratio));
  const float *epsilon;
  float *x_t;
  gsize inner;

  if (!worker_prepare (worker, denoise->model, width, height, denoise->margin, error))
    return FALSE;
  x_t = diffusion_exec_value (worker->exec, worker->values.x);
  for (gsize i = 0; i < 3 * pixels; i++)
    x_t[i] = keep * (2 * in[i] - 1);
  diffusion_photo_model_set_level (worker->exec, &worker->values, 0, ratio);
  if (!diffusion_exec_forward (worker->exec, cancellable, error))
    return FALSE;
  epsilon = diffusion_exec_value (worker->exec, worker->values.epsilon);
  inner = (gsize) (width - 2 * worker->skipped);
  for (gint row = worker->skipped; row < height - worker->skipped; row++)
    {
      gsize at = ((gsize) row * (gsize) width + (gsize) worker->skipped) * 3;

      /* x̂_0 = y − r·ε̂ in [−1, 1]; half of that in 0 to 1. */
      subtract (denoise, in + at, epsilon + (gsize) (row - worker->skipped) * inner * 3, (float) (ratio / 2), inner,
                out + at);
    }
  return TRUE;
}

static gboolean
check_range (const char *what, double value, double least, double most, GError **error)
{
  if (value >= least && value <= most)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("The %s is %g; expected %g to %g"), what, value,
               least, most);
  return FALSE;
}

static gboolean
check_options (const DiffusionDenoiseOptions *options, GError **error)
{
  return (options->sigma == DIFFUSION_SIGMA_AUTO
          || check_range (_ ("noise level σ"), options->sigma, 0, DIFFUSION_SIGMA_MAX, error))
         && check_range (_ ("strength"), options->strength, 0, 2, error)
         && check_range (_ ("luminance strength"), options->luma, 0, 1, error)
         && check_range (_ ("colour strength"), options->chroma, 0, 1, error);
}

/* Memory of the network for each pixel of a tile, and what comes on top for the threads' scratch. */
static void
measure_network (DiffusionPhotoModel *model, DiffusionTileWork *work)
{
  gsize bytes[2];

  for (int i = 0; i < 2; i++)
    {
      DiffusionPhotoValues values;
      gint side = i == 0 ? 512 : 1024, left;
      g_autoptr (DiffusionGraph) graph
        = diffusion_photo_model_build_inner (diffusion_photo_model_get_config (model),
                                             diffusion_photo_model_get_params (model), side, side, 0, &values, &left);

      bytes[i] = diffusion_graph_plan_bytes (graph, DIFFUSION_RUN_INFERENCE);
    }
  work->bytes_per_pixel = (bytes[1] - bytes[0]) / (1024 * 1024 - 512 * 512) + 1;
  work->bytes_per_worker = bytes[0] - MIN (bytes[0], work->bytes_per_pixel * 512 * 512);
}

gboolean
diffusion_denoise (DiffusionPhotoModel *model,
                   DiffusionPicture *picture,
                   const DiffusionDenoiseOptions *options,
                   DiffusionDenoiseReport *report,
                   DiffusionProgressFunc progress,
                   gpointer progress_data,
                   GCancellable *cancellable,
                   GError **error)
{
  Denoise denoise = { .model = model, .options = options, .sigma = options->sigma };
  DiffusionTileWork work = { .func = denoise_tile, .data = &denoise, .multiple = DIFFUSION_PHOTO_ALIGNMENT };
  DiffusionTilePlan plan;
  gboolean ok;

  if (!check_options (options, error))
    return FALSE;
  work.overlap = diffusion_photo_model_get_radius (diffusion_photo_model_get_config (model));
  denoise.margin = (work.overlap + DIFFUSION_PHOTO_ALIGNMENT - 1) / DIFFUSION_PHOTO_ALIGNMENT * DIFFUSION_PHOTO_ALIGNMENT;
  measure_network (model, &work);
  if (!diffusion_tiles_plan (picture, options->region, &work, options->tile, options->memory_limit, &plan, error))
    return FALSE;
  if (denoise.sigma == DIFFUSION_SIGMA_AUTO)
    {
      DiffusionNoiseLevel level;

      if (!diffusion_noise_level_estimate (model, picture, &level, cancellable, error))
        return FALSE;
      denoise.sigma = level.sigma;
    }
  if (report != NULL)
    *report = (DiffusionDenoiseReport) { denoise.sigma, plan.peak_bytes };
  if (denoise.sigma == 0 || options->strength == 0)
    return TRUE;
  denoise.workers = g_new0 (Worker, plan.workers);
  ok = diffusion_tiles_run (picture, &work, &plan, progress, progress_data, cancellable, error);
  for (guint i = 0; i < plan.workers; i++)
    worker_clear (&denoise.workers[i]);
  g_free (denoise.workers);
  return ok;
}
