/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures that show how far a training is. */
#include "core/training/samples.h"

#include <math.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/diffusion/editing.h"
#include "core/diffusion/picture-means.h"
#include "core/diffusion/sampler.h"
#include "core/model/unet-runner.h"

#define STEPS 20
#define GAP 2
/* A training step that no training takes: its patches are the same in every grid. */
#define NO_STEP G_MAXUINT32

float *
diffusion_samples_grid (const float *pictures, gsize n, gint width, gint height, gint *grid_width, gint *grid_height)
{
  gsize columns = (gsize) MAX (1, lround (sqrt ((double) n * height / width))), rows = (n + columns - 1) / columns;
  gsize across = columns * (gsize) (width + GAP) - GAP, down = rows * (gsize) (height + GAP) - GAP;
  float *grid = g_new (float, across * down * 3);

  for (gsize i = 0; i < across * down * 3; i++)
    grid[i] = 1;
  for (gsize i = 0; i < n; i++)
    for (gsize y = 0; y < (gsize) height; y++)
      {
        const float *from = pictures + (i * (gsize) height + y) * (gsize) width * 3;
        float *to = grid + ((i / columns * (gsize) (height + GAP) + y) * across + i % columns * (gsize) (width + GAP)) * 3;

        for (gsize k = 0; k < (gsize) width * 3; k++)
          to[k] = CLAMP (0.5f * from[k] + 0.5f, 0, 1);
      }
  *grid_width = (gint) across;
  *grid_height = (gint) down;
  return grid;
}

/* [n, size, 2 size, 3]: two pictures [n, size, size, 3] beside each other. */
static float *
side_by_side (const float *left, const float *right, gsize n, gint size)
{
  gsize row = (gsize) size * 3;
  float *both = g_new (float, 2 * n * (gsize) size * row);

  for (gsize y = 0; y < n * (gsize) size; y++)
    {
      memcpy (both + 2 * y * row, left + y * row, row * sizeof (float));
      memcpy (both + (2 * y + 1) * row, right + y * row, row * sizeof (float));
    }
  return both;
}

float *
diffusion_samples_reduce (const float *pictures, gsize n, gsize size, gsize factor)
{
  gsize small = size / factor;
  float *reduced = g_new0 (float, n * small * small * 3);
  float weight = 1.0f / (float) (factor * factor);

  for (gsize i = 0; i < n; i++)
    for (gsize y = 0; y < small * factor; y++)
      for (gsize x = 0; x < small * factor; x++)
        for (gsize k = 0; k < 3; k++)
          reduced[((i * small + y / factor) * small + x / factor) * 3 + k]
            += weight * pictures[((i * size + y) * size + x) * 3 + k];
  return reduced;
}

static gboolean
draw_unet (const DiffusionUnetTaskOptions *options, const DiffusionDataset *dataset, DiffusionEditor *editor, gsize n,
           gint size, float *out, float **seen, GError **error)
{
  gsize side = (gsize) size, factor = (gsize) options->low_res_factor, values = n * side * side * 3;
  g_autofree float *clean = NULL, *small = NULL;

  if (editor->predictor->condition_channels == 0)
    return diffusion_generate (editor, n, side, side, out, error);
  clean = g_new (float, values);
  diffusion_dataset_fill_batch (dataset, &options->augmentation, editor->seed, NO_STEP, 0, n, size, clean, NULL);
  small = diffusion_samples_reduce (clean, n, side, factor);
  *seen = g_new (float, values);
  for (gsize i = 0; i < n * side * side; i++)
    {
      gsize picture = i / (side * side), y = i / side % side, x = i % side, width = side / factor;

      memcpy (*seen + 3 * i,
              small + 3 * ((picture * width + MIN (y / factor, width - 1)) * width + MIN (x / factor, width - 1)),
              3 * sizeof (float));
    }
  return diffusion_upscale (editor, small, side / factor, side / factor, n, side, side, out, error);
}

float *
diffusion_samples_unet (const DiffusionUnetTaskOptions *options, const DiffusionDataset *dataset, const float *weights,
                        gsize n, gint size, guint64 seed, gint *width, GCancellable *cancellable, GError **error)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnetRunner) runner = NULL;
  g_autoptr (DiffusionSchedule) schedule = diffusion_scheduler_config_make_schedule (&options->scheduler, error);
  g_autofree gint *classes = g_new (gint, n);
  g_autofree float *out = g_new (float, n * (gsize) size * (gsize) size * 3), *seen = NULL;
  DiffusionPredictor bare, predictor;
  DiffusionPictureMeans means;
  DiffusionEditor editor = { 0 };

  if (schedule == NULL)
    return NULL;
  diffusion_unet_declare_params (&options->config, params);
  diffusion_params_use_block (params, weights);
  runner = diffusion_unet_runner_new (&options->config, params, options->precision);
  bare = diffusion_unet_runner_get_predictor (runner);
  predictor = diffusion_picture_means_init (&means, &bare, (gsize) options->config.pixel_unshuffle, NULL, schedule,
                                            options->scheduler.mean);
  for (gsize i = 0; i < n; i++)
    classes[i] = predictor.classes > 0 ? (gint) (i % predictor.classes) : 0;
  editor.schedule = schedule;
  editor.parameterisation = diffusion_scheduler_config_get_parameterisation (&options->scheduler);
  editor.predictor = &predictor;
  editor.sampler = options->scheduler.mean == DIFFUSION_MEAN_PREVIOUS_X ? &diffusion_sampler_ddim
                                                                        : &diffusion_sampler_dpmpp_2m;
  editor.steps = MIN (STEPS, schedule->steps);
  editor.classes = predictor.classes > 0 ? classes : NULL;
  editor.batch = 1;
  editor.circular = options->config.circular;
  editor.seed = seed;
  editor.cancellable = cancellable;
  if (!draw_unet (options, dataset, &editor, n, size, out, &seen, error))
    return NULL;
  *width = seen != NULL ? 2 * size : size;
  return seen != NULL ? side_by_side (seen, out, n, size) : g_steal_pointer (&out);
}

float *
diffusion_samples_photo (const DiffusionPhotoTaskOptions *options, const DiffusionDataset *dataset, const float *weights,
                         gsize n, gint size, guint64 seed, gint *width, GCancellable *cancellable, GError **error)
{
  gsize values = (gsize) size * (gsize) size * 3;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autofree float *clean = g_new (float, n * values), *noisy = g_new (float, n * values);
  DiffusionPhotoValues ports;
  g_autoptr (DiffusionGraph) graph = diffusion_photo_model_build (&options->config, params, 1, size, size, &ports);
  g_autoptr (DiffusionExec) exec = NULL;

  diffusion_params_use_block (params, weights);
  exec = diffusion_exec_new (graph, DIFFUSION_RUN_INFERENCE, options->precision, error);
  if (exec == NULL)
    return NULL;
  diffusion_dataset_fill_batch (dataset, &options->augmentation, seed, NO_STEP, 0, n, size, clean, NULL);
  for (gsize i = 0; i < n; i++)
    {
      DiffusionStream stream = { seed + i, DIFFUSION_PURPOSE_NOISE, NO_STEP };
      double share = n > 1 ? (double) i / (double) (n - 1) : 0.5;
      double sigma = options->sigma_least * pow (options->sigma_most / options->sigma_least, share);
      float ratio = (float) (2 * sigma / 255), keep = 1 / sqrtf (1 + ratio * ratio);
      float *x = diffusion_exec_value (exec, ports.x), *picture = clean + i * values, *with = noisy + i * values;
      const float *epsilon;

      diffusion_random_normal_fill (&stream, 0, 0, size, size, 3, with);
      for (gsize k = 0; k < values; k++)
        {
          with[k] = picture[k] + ratio * with[k];
          x[k] = keep * with[k];
        }
      diffusion_photo_model_set_level (exec, &ports, 0, ratio);
      if (!diffusion_exec_forward (exec, cancellable, error))
        return NULL;
      epsilon = diffusion_exec_value (exec, ports.epsilon);
      for (gsize k = 0; k < values; k++)
        picture[k] = with[k] - ratio * epsilon[k];
    }
  *width = 2 * size;
  return side_by_side (noisy, clean, n, size);
}
