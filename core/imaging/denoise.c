/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising pictures of any size with the photo model. */
#include "core/imaging/denoise.h"

#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/threads.h"
#include "core/imaging/detail.h"
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
  DiffusionPrecision precision;
  double sigma;
  double gray_sigma; /* deviation of the noise's brightness, 0 to 1 units */
  gint margin;       /* of a tile, that need not be computed */
  Worker *workers;
} Denoise;

/* The mean of three channels has less noise than each: by 1/√3 = 0.58 where their noise is independent, by up to 1
 * where a camera's software mixed them. */
#define GRAY_OF_COLOR 0.65

const char *const diffusion_denoise_precisions[] = { "auto", "f32", "bf16", NULL };

DiffusionDenoiseOptions
diffusion_denoise_options_default (void)
{
  return (DiffusionDenoiseOptions) { .sigma = DIFFUSION_SIGMA_AUTO, .strength = 1, .luma = 1, .chroma = 1, .passes = 1 };
}

static DiffusionPrecision
choose_precision (const DiffusionPicture *picture, const DiffusionDenoiseOptions *options)
{
  if (options->precision == DIFFUSION_DENOISE_PRECISION_AUTO)
    return picture->bits == 8 && diffusion_cpu_level () >= DIFFUSION_CPU_AVX512_BF16 ? DIFFUSION_PRECISION_BF16
                                                                                     : DIFFUSION_PRECISION_F32;
  return options->precision == DIFFUSION_DENOISE_PRECISION_BF16 ? DIFFUSION_PRECISION_BF16 : DIFFUSION_PRECISION_F32;
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
worker_prepare (Worker *worker, const Denoise *denoise, gint width, gint height, GError **error)
{
  gint left;

  if (worker->exec != NULL && worker->width == width && worker->height == height)
    return TRUE;
  worker_clear (worker);
  worker->graph = diffusion_photo_model_build_inner (diffusion_photo_model_get_config (denoise->model),
                                                     diffusion_photo_model_get_params (denoise->model), height, width,
                                                     denoise->margin, &worker->values, &left);
  worker->skipped = denoise->margin - left;
  worker->exec = diffusion_exec_new (worker->graph, DIFFUSION_RUN_INFERENCE, denoise->precision, error);
  worker->width = width;
  worker->height = height;
  return worker->exec != NULL;
}

/* Replaces the picture without noise by in − w·noise, the noise weighed apart for brightness and colour. */
static void
weigh (const Denoise *denoise, const float *in, gsize pixels, float *out)
{
  float strength = (float) MIN (denoise->options->strength, 1);
  float luma = strength * (float) denoise->options->luma;
  float chroma = strength * (float) denoise->options->chroma;

  for (gsize i = 0; i < 3 * pixels; i += 3)
    {
      const float noise[3] = { in[i] - out[i], in[i + 1] - out[i + 1], in[i + 2] - out[i + 2] };
      float grey = (noise[0] + noise[1] + noise[2]) / 3;

      for (gsize k = 0; k < 3; k++)
        out[i + k] = in[i + k] - (luma * grey + chroma * (noise[k] - grey));
    }
}

/* One pass: from the noise level @ratio down to the level @next. */
static gboolean
pass (Worker *worker, double ratio, double next, float *out, GCancellable *cancellable, GError **error)
{
  float keep = (float) (1 / sqrt (1 + ratio * ratio));
  float step = (float) ((ratio - next) / 2);
  gsize pixels = (gsize) worker->width * (gsize) worker->height;
  gsize inner = 3 * (gsize) (worker->width - 2 * worker->skipped);
  const float *epsilon;
  float *x_t = diffusion_exec_value (worker->exec, worker->values.x);

  for (gsize i = 0; i < 3 * pixels; i++)
    x_t[i] = keep * (2 * out[i] - 1);
  diffusion_photo_model_set_level (worker->exec, &worker->values, 0, ratio);
  if (!diffusion_exec_forward (worker->exec, cancellable, error))
    return FALSE;
  epsilon = diffusion_exec_value (worker->exec, worker->values.epsilon);
  /* y = x_0 + r·ε in [−1, 1], so y − (r − r')·ε̂ has the noise level r'; half of that in 0 to 1. */
  for (gint row = worker->skipped; row < worker->height - worker->skipped; row++)
    {
      float *line = out + ((gsize) row * (gsize) worker->width + (gsize) worker->skipped) * 3;

      for (gsize i = 0; i < inner; i++)
        line[i] -= step * *epsilon++;
    }
  return TRUE;
}

static gboolean
denoise_tile (const float *in, gint x, gint y, gint width, gint height, float *out, guint worker_index,
              GCancellable *cancellable, gpointer data, GError **error)
{
  Denoise *denoise = data;
  const DiffusionDenoiseOptions *options = denoise->options;
  Worker *worker = &denoise->workers[worker_index];
  gsize pixels = (gsize) width * (gsize) height;
  /* Above full strength the noise is taken to be stronger than it is. */
  double ratio = 2 * denoise->sigma * MAX (options->strength, 1) / 255;

  if (!worker_prepare (worker, denoise, width, height, error))
    return FALSE;
  memcpy (out, in, 3 * pixels * sizeof (float));
  for (gint i = 0; i < options->passes; i++)
    if (!pass (worker, ratio * (options->passes - i) / options->passes,
               ratio * (options->passes - i - 1) / options->passes, out, cancellable, error))
      return FALSE;
  weigh (denoise, in, pixels, out);
  return options->detail == 0
         || diffusion_detail_recover (in, width, height,
                                      denoise->gray_sigma * MIN (options->strength, 1) * options->luma,
                                      options->detail, out, error);
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
         && check_range (_ ("colour strength"), options->chroma, 0, 1, error)
         && check_range (_ ("detail recovery"), options->detail, 0, 1, error)
         && check_range (_ ("number of passes"), options->passes, 1, DIFFUSION_DENOISE_MAX_PASSES, error);
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

static gboolean
make_plan (Denoise *denoise, const DiffusionPicture *picture, DiffusionTileWork *work, DiffusionTilePlan *plan,
           DiffusionDenoiseReport *report, GError **error)
{
  const DiffusionDenoiseOptions *options = denoise->options;

  if (!check_options (options, error))
    return FALSE;
  *work = (DiffusionTileWork) { .func = denoise_tile, .data = denoise, .multiple = DIFFUSION_PHOTO_ALIGNMENT };
  work->overlap = options->passes * diffusion_photo_model_get_radius (diffusion_photo_model_get_config (denoise->model));
  /* What only the tile's own first pass saw need not be computed; further passes and details look at it. */
  if (options->passes == 1 && options->detail == 0)
    denoise->margin = (work->overlap + DIFFUSION_PHOTO_ALIGNMENT - 1) / DIFFUSION_PHOTO_ALIGNMENT * DIFFUSION_PHOTO_ALIGNMENT;
  measure_network (denoise->model, work);
  if (options->detail > 0)
    {
      work->overlap += DIFFUSION_DETAIL_RADIUS;
      work->bytes_per_pixel += DIFFUSION_DETAIL_BYTES_PER_PIXEL;
    }
  if (!diffusion_tiles_plan (picture, options->region, work, options->tile, options->memory_limit, plan, error))
    return FALSE;
  if (report != NULL)
    *report = (DiffusionDenoiseReport) { denoise->sigma, plan->peak_bytes, plan->computed * options->passes };
  return TRUE;
}

gboolean
diffusion_denoise_plan (DiffusionPhotoModel *model, const DiffusionPicture *picture,
                        const DiffusionDenoiseOptions *options, DiffusionDenoiseReport *report, GError **error)
{
  Denoise denoise = { .model = model, .options = options, .sigma = options->sigma };
  DiffusionTileWork work;
  DiffusionTilePlan plan;

  return make_plan (&denoise, picture, &work, &plan, report, error);
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
  Denoise denoise = { .model = model,
                      .options = options,
                      .precision = choose_precision (picture, options),
                      .sigma = options->sigma };
  DiffusionTileWork work;
  DiffusionTilePlan plan;
  gboolean ok;

  if (!make_plan (&denoise, picture, &work, &plan, report, error))
    return FALSE;
  if (denoise.sigma == DIFFUSION_SIGMA_AUTO)
    {
      DiffusionNoiseLevel level;

      if (!diffusion_noise_level_estimate (model, picture, &level, cancellable, error))
        return FALSE;
      denoise.sigma = level.sigma;
    }
  if (report != NULL)
    report->sigma = denoise.sigma;
  if (denoise.sigma == 0 || options->strength == 0)
    return TRUE;
  denoise.gray_sigma = denoise.sigma / 255 * (picture->channels == 1 ? 1 : GRAY_OF_COLOR);
  denoise.workers = g_new0 (Worker, plan.workers);
  ok = diffusion_tiles_run (picture, &work, &plan, progress, progress_data, cancellable, error);
  for (guint i = 0; i < plan.workers; i++)
    worker_clear (&denoise.workers[i]);
  g_free (denoise.workers);
  return ok;
}
