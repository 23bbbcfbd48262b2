/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising pictures of any size with the photo model. */
#include "core/imaging/denoise.h"

#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
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
  DiffusionNoiseMap map;
  gboolean gray;
  gint margin;  /* of a tile, that need not be computed */
  gint around;  /* of a tile, that is not part of the result */
  gint seen[4]; /* x, y, width, height of the part of the picture that is computed */
  Worker *workers;
} Denoise;

/* Samples that a tile needs for a part of it at one of several levels: before, after, and a row of weights. */
#define PART_BYTES ((2 * 3 + 1) * sizeof (float))

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

/* A tile, or a part of one, as if the noise had the deviation @sigma. */
static gboolean
denoise_level (const float *in, gint width, gint height, double sigma, float *out, Worker *worker, const Denoise *denoise,
               GCancellable *cancellable, GError **error)
{
  const DiffusionDenoiseOptions *options = denoise->options;
  gsize pixels = (gsize) width * (gsize) height;
  /* Above full strength the noise is taken to be stronger than it is. */
  double ratio = 2 * sigma * MAX (options->strength, 1) / 255;
  double gray_sigma = sigma / 255 * (denoise->gray ? 1 : GRAY_OF_COLOR);

  memcpy (out, in, 3 * pixels * sizeof (float));
  if (sigma == 0)
    return TRUE;
  if (!worker_prepare (worker, denoise, width, height, error))
    return FALSE;
  for (gint i = 0; i < options->passes; i++)
    if (!pass (worker, ratio * (options->passes - i) / options->passes,
               ratio * (options->passes - i - 1) / options->passes, out, cancellable, error))
      return FALSE;
  weigh (denoise, in, pixels, out);
  return options->detail == 0
         || diffusion_detail_recover (in, width, height, gray_sigma * MIN (options->strength, 1) * options->luma,
                                      options->detail, out, error);
}

static gint
round_down (gint value)
{
  gint rest = value % DIFFUSION_PHOTO_ALIGNMENT;

  return value - (rest < 0 ? rest + DIFFUSION_PHOTO_ALIGNMENT : rest);
}

static gint
round_up (gint value)
{
  return -round_down (-value);
}

/* What a level counts for of the result that a tile gives, and what of the tile has to be computed for that: its
 * surroundings too. */
static gboolean
find_part (const Denoise *denoise, gint level, const gint *tile, gint *used, gint *part)
{
  const gint around = denoise->around, *seen = denoise->seen;
  gint x0 = MAX (tile[0] + around, seen[0]), x1 = MIN (tile[0] + tile[2] - around, seen[0] + seen[2]);
  gint y0 = MAX (tile[1] + around, seen[1]), y1 = MIN (tile[1] + tile[3] - around, seen[1] + seen[3]);
  const gint result[4] = { x0, y0, x1 - x0, y1 - y0 };

  if (!diffusion_noise_map_find (&denoise->map, level, result, used))
    return FALSE;
  part[0] = round_down (used[0]) - around;
  part[1] = round_down (used[1]) - around;
  part[2] = round_up (used[0] + used[2]) + around - part[0];
  part[3] = round_up (used[1] + used[3]) + around - part[1];
  return TRUE;
}

/* Adds what a level contributes to the result of a tile. */
static gboolean
add_level (const float *in, const gint *tile, gint level, float *out, Worker *worker, const Denoise *denoise,
           GCancellable *cancellable, GError **error)
{
  gint used[4], part[4];
  float *block, *part_in, *part_out, *weights;
  gsize pixels;
  gboolean done;

  if (!find_part (denoise, level, tile, used, part))
    return TRUE;
  pixels = (gsize) part[2] * (gsize) part[3];
  block = diffusion_try_alloc (pixels * PART_BYTES, _ ("a tile"), error);
  if (block == NULL)
    return FALSE;
  part_in = block;
  part_out = part_in + 3 * pixels;
  weights = part_out + 3 * pixels;
  for (gint row = 0; row < part[3]; row++)
    memcpy (part_in + (gsize) row * (gsize) part[2] * 3,
            in + ((gsize) (part[1] + row - tile[1]) * (gsize) tile[2] + (gsize) (part[0] - tile[0])) * 3,
            (gsize) part[2] * 3 * sizeof (float));
  done = denoise_level (part_in, part[2], part[3], denoise->map.sigmas[level], part_out, worker, denoise, cancellable, error);
  for (gint y = used[1]; done && y < used[1] + used[3]; y++)
    {
      const float *from = part_out + ((gsize) (y - part[1]) * (gsize) part[2] + (gsize) (used[0] - part[0])) * 3;
      float *to = out + ((gsize) (y - tile[1]) * (gsize) tile[2] + (gsize) (used[0] - tile[0])) * 3;

      diffusion_noise_map_weigh (&denoise->map, level, y, used[0], used[2], weights);
      for (gint i = 0; i < 3 * used[2]; i++)
        to[i] += weights[i / 3] * from[i];
    }
  diffusion_free (block);
  return done;
}

static gboolean
denoise_tile (const float *in, gint x, gint y, gint width, gint height, float *out, guint worker_index,
              GCancellable *cancellable, gpointer data, GError **error)
{
  const Denoise *denoise = data;
  const gint tile[4] = { x, y, width, height };
  Worker *worker = &denoise->workers[worker_index];

  if (denoise->map.n_levels == 1)
    return denoise_level (in, width, height, denoise->map.sigmas[0], out, worker, denoise, cancellable, error);
  memset (out, 0, (gsize) width * (gsize) height * 3 * sizeof (float));
  for (gint level = 0; level < denoise->map.n_levels; level++)
    if (!add_level (in, tile, level, out, worker, denoise, cancellable, error))
      return FALSE;
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

/* Pixels that go through the network in one pass. */
static double
count_computed (const Denoise *denoise, const DiffusionTilePlan *plan)
{
  const gint around = denoise->around;
  double computed = 0;

  if (denoise->map.n_levels == 1)
    return plan->computed;
  for (gint row = 0; row < plan->rows; row++)
    for (gint column = 0; column < plan->columns; column++)
      {
        gint left = plan->left + column * plan->tile, top = plan->top + row * plan->tile_height;
        gint right = MIN (left + plan->tile, round_up (plan->x + plan->width));
        gint bottom = MIN (top + plan->tile_height, round_up (plan->y + plan->height));
        const gint tile[4] = { left - around, top - around, right - left + 2 * around, bottom - top + 2 * around };

        for (gint level = 0; level < denoise->map.n_levels; level++)
          {
            gint used[4], part[4];

            if (denoise->map.sigmas[level] > 0 && find_part (denoise, level, tile, used, part))
              computed += (double) part[2] * part[3];
          }
      }
  return computed;
}

static void
fill_report (const Denoise *denoise, const DiffusionPicture *picture, const DiffusionTilePlan *plan,
             DiffusionDenoiseReport *report)
{
  const DiffusionNoiseMap *map = &denoise->map;

  if (report == NULL)
    return;
  report->sigma = diffusion_noise_map_mean (map, picture->width, picture->height);
  diffusion_noise_map_range (map, &report->least, &report->most);
  report->peak_bytes = plan->peak_bytes;
  report->computed = count_computed (denoise, plan) * denoise->options->passes;
}

static gboolean
make_plan (Denoise *denoise, const DiffusionPicture *picture, DiffusionTileWork *work, DiffusionTilePlan *plan,
           GError **error)
{
  const DiffusionDenoiseOptions *options = denoise->options;

  *work = (DiffusionTileWork) { .func = denoise_tile, .data = denoise, .multiple = DIFFUSION_PHOTO_ALIGNMENT };
  work->overlap = options->passes * diffusion_photo_model_get_radius (diffusion_photo_model_get_config (denoise->model));
  /* What only the tile's own first pass saw need not be computed; further passes and details look at it. */
  if (options->passes == 1 && options->detail == 0)
    denoise->margin = round_up (work->overlap);
  measure_network (denoise->model, work);
  if (options->detail > 0)
    {
      work->overlap += DIFFUSION_DETAIL_RADIUS;
      work->bytes_per_pixel += DIFFUSION_DETAIL_BYTES_PER_PIXEL;
    }
  if (denoise->map.n_levels > 1)
    work->bytes_per_pixel += PART_BYTES;
  denoise->around = round_up (work->overlap);
  if (!diffusion_tiles_plan (picture, options->region, work, options->tile, options->memory_limit, plan, error))
    return FALSE;
  denoise->seen[0] = plan->x;
  denoise->seen[1] = plan->y;
  denoise->seen[2] = plan->width;
  denoise->seen[3] = plan->height;
  return TRUE;
}

/* The levels as far as they are known before the picture was looked at. */
static void
take_levels (Denoise *denoise)
{
  const DiffusionDenoiseOptions *options = denoise->options;

  if (options->sigma == DIFFUSION_SIGMA_AUTO && options->map != NULL)
    denoise->map = *options->map;
  else
    diffusion_noise_map_init_even (&denoise->map, options->sigma);
}

gboolean
diffusion_denoise_plan (DiffusionPhotoModel *model, const DiffusionPicture *picture,
                        const DiffusionDenoiseOptions *options, DiffusionDenoiseReport *report, GError **error)
{
  Denoise denoise = { .model = model, .options = options };
  DiffusionTileWork work;
  DiffusionTilePlan plan;

  take_levels (&denoise);
  if (!check_options (options, error) || !make_plan (&denoise, picture, &work, &plan, error))
    return FALSE;
  fill_report (&denoise, picture, &plan, report);
  return TRUE;
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
                      .gray = picture->channels == 1 };
  DiffusionTileWork work;
  DiffusionTilePlan plan;
  gboolean ok;

  take_levels (&denoise);
  /* What cannot be done is refused before the picture is looked at. */
  if (!check_options (options, error) || !make_plan (&denoise, picture, &work, &plan, error))
    return FALSE;
  if (options->sigma == DIFFUSION_SIGMA_AUTO && options->map == NULL)
    {
      DiffusionNoiseLevel level;

      if (!diffusion_noise_level_estimate (model, picture, &level, cancellable, error))
        return FALSE;
      denoise.map = level.map;
      if (denoise.map.n_levels > 1 && !make_plan (&denoise, picture, &work, &plan, error))
        return FALSE;
    }
  fill_report (&denoise, picture, &plan, report);
  if ((denoise.map.n_levels == 1 && denoise.map.sigmas[0] == 0) || options->strength == 0)
    return TRUE;
  denoise.workers = g_new0 (Worker, plan.workers);
  ok = diffusion_tiles_run (picture, &work, &plan, progress, progress_data, cancellable, error);
  for (guint i = 0; i < plan.workers; i++)
    worker_clear (&denoise.workers[i]);
  g_free (denoise.workers);
  return ok;
}
