/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training the photo model to see noise in photographs. */
#include "core/training/photo-task.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/base/threads.h"
#include "core/model/photo-folder.h"
#include "core/training/camera-noise.h"
#include "core/training/jpeg-noise.h"

/* Below this files lose more than grain, and no camera writes them by itself. */
#define JPEG_LEAST_QUALITY 65
/* A quarter of one 8-bit step: less is no noise. */
#define LEAST_RATIO (2 * 0.25 / 255)

/* A graph for one size of batch, kept until another size is asked for. */
typedef struct
{
  DiffusionTrainTask base;
  DiffusionPhotoTaskOptions options;
  const DiffusionDataset *dataset;
  DiffusionGraph *graph;
  DiffusionExec *exec;
  DiffusionPhotoValues values;
  float *clean, *epsilon;
  gint n, size;
} PhotoTask;

typedef struct
{
  PhotoTask *task;
  const DiffusionTrainBatch *batch;
  double *losses;
} Step;

DiffusionPhotoTaskOptions
diffusion_photo_task_options_default (void)
{
  return (DiffusionPhotoTaskOptions) {
    .config = diffusion_photo_config_default (),
    .augmentation = diffusion_augmentation_photos (),
    .noise = DIFFUSION_NOISE_MIX,
    .loss = DIFFUSION_LOSS_L1,
    .sigma_least = 1,
    .sigma_most = DIFFUSION_PHOTO_SIGMA_MOST,
    .uniform_share = 0.5,
    .jpeg_share = 0.4,
    .camera_share = 0.5,
    .misjudged_share = 0.5,
    .precision = DIFFUSION_PRECISION_BF16,
  };
}

static JsonObject *
describe (DiffusionTrainTask *base)
{
  const PhotoTask *task = (const PhotoTask *) base;
  JsonObject *object = json_object_new ();

  json_object_set_object_member (object, "network", diffusion_photo_config_serialise (&task->options.config));
  return object;
}

static gsize
picture_bytes (gint n, gint size)
{
  return 2 * (gsize) n * (gsize) size * (gsize) size * 3 * sizeof (float);
}

static gsize
exec_limit (const PhotoTask *task, gsize pictures)
{
  if (task->base.memory == 0)
    return 0;
  return task->base.memory > pictures ? task->base.memory - pictures : 1;
}

static gsize
plan_bytes (DiffusionTrainTask *base, gint n, gint size)
{
  PhotoTask *task = (PhotoTask *) base;
  DiffusionPhotoValues values;
  g_autoptr (DiffusionGraph) graph
    = diffusion_photo_model_build (&task->options.config, base->params, n, size, size, &values);

  gsize pictures = picture_bytes (n, size);

  return diffusion_graph_plan_limited (graph, DIFFUSION_RUN_TRAINING, exec_limit (task, pictures), NULL) + pictures;
}

static void
drop_graph (PhotoTask *task)
{
  diffusion_exec_free (task->exec);
  diffusion_graph_free (task->graph);
  diffusion_free (task->clean);
  diffusion_free (task->epsilon);
  task->exec = NULL;
  task->graph = NULL;
  task->clean = task->epsilon = NULL;
}

static gboolean
prepare_graph (PhotoTask *task, gint n, gint size, GError **error)
{
  gsize bytes = (gsize) n * (gsize) size * (gsize) size * 3 * sizeof (float);

  if (task->exec != NULL && task->n == n && task->size == size)
    return TRUE;
  drop_graph (task);
  task->n = n;
  task->size = size;
  task->graph
    = diffusion_photo_model_build (&task->options.config, task->base.params, n, size, size, &task->values);
  task->clean = diffusion_try_alloc (bytes, "clean patches", error);
  if (task->clean == NULL)
    return FALSE;
  task->epsilon = diffusion_try_alloc (bytes, "noise", error);
  if (task->epsilon == NULL)
    return FALSE;
  task->exec = diffusion_exec_new_limited (task->graph, DIFFUSION_RUN_TRAINING, task->options.precision,
                                           exec_limit (task, picture_bytes (n, size)), error);
  return task->exec != NULL;
}

static double
draw_sigma (const PhotoTask *task, const DiffusionStream *stream, gint example)
{
  double least = task->options.sigma_least, most = task->options.sigma_most;
  double u = diffusion_random_uniform (stream, example, 0, 0);

  if (diffusion_random_uniform (stream, example, 1, 0) < task->options.uniform_share)
    return least + u * (most - least);
  return least * pow (most / least, u);
}

/* Lets a share of the camera's pictures come out as JPEG files. Then ε and its ratio are what the
 * file differs by from the clean patch, compression included. */
static double
compress (const DiffusionStream *stream, gint example, const float *clean, gint size, float *epsilon, double ratio)
{
  gsize values = (gsize) size * (gsize) size * 3;
  double quality = diffusion_random_uniform (stream, example, 3, 0), chroma = diffusion_random_uniform (stream, example, 4, 0);
  g_autofree float *file = g_new (float, values);
  double sum = 0;

  for (gsize i = 0; i < values; i++)
    file[i] = clean[i] + (float) ratio * epsilon[i];
  diffusion_jpeg_round_trip (file, size, size, (gint) (16 * diffusion_random_uniform (stream, example, 5, 0)),
                             (gint) (16 * diffusion_random_uniform (stream, example, 6, 0)),
                             JPEG_LEAST_QUALITY + (gint) ((99 - JPEG_LEAST_QUALITY) * quality),
                             chroma < 0.4 ? DIFFUSION_JPEG_444 : chroma < 0.7 ? DIFFUSION_JPEG_422 : DIFFUSION_JPEG_420);
  for (gsize i = 0; i < values; i++)
    {
      epsilon[i] = file[i] - clean[i];
      sum += (double) epsilon[i] * epsilon[i];
    }
  ratio = MAX (sqrt (sum / (double) values), LEAST_RATIO);
  for (gsize i = 0; i < values; i++)
    epsilon[i] /= (float) ratio;
  return ratio;
}

/* What the network is told of the noise, by the noise's true level: estimates are wrong, most by less than a factor of
 * two, some say noise where there is none to speak of. */
static double
misjudge (const PhotoTask *task, const DiffusionStream *stream, gint example)
{
  double kind = diffusion_random_uniform (stream, example, 7, 0), u = diffusion_random_uniform (stream, example, 8, 0);

  if (kind >= task->options.misjudged_share)
    return 1;
  return kind < 0.2 * task->options.misjudged_share ? pow (2, 1 + 2 * u) : pow (2, 2 * u - 1);
}

/* A mix is spread over all examples of the training as evenly as it goes: batches too small for the share take turns. */
static gboolean
is_camera (const DiffusionPhotoTaskOptions *options, const DiffusionTrainBatch *batch, gint example)
{
  double before = (double) batch->step * batch->total + example;

  if (options->noise == DIFFUSION_NOISE_MIX)
    return floor ((before + 1) * options->camera_share) > floor (before * options->camera_share);
  return options->noise == DIFFUSION_NOISE_CAMERA;
}

/* One example: its noise level, its noise, x_t. */
static void
make_noisy (gsize index, guint worker, gpointer data)
{
  const Step *step = data;
  PhotoTask *task = step->task;
  const DiffusionTrainBatch *batch = step->batch;
  gint example = batch->first + (gint) index;
  gsize values = (gsize) batch->size * (gsize) batch->size * 3;
  DiffusionStream level = { batch->seed, DIFFUSION_PURPOSE_TIMESTEP, batch->step };
  /* The example's number goes into the seed: the field itself runs over the patch's pixels. */
  DiffusionStream noise = { batch->seed + ((guint64) example << 32), DIFFUSION_PURPOSE_NOISE, batch->step };
  double ratio = 2 * draw_sigma (task, &level, example) / 255, misjudged;
  float *epsilon = task->epsilon + index * values;
  const float *clean = task->clean + index * values;
  float *x = diffusion_exec_value (task->exec, task->values.x) + index * values;
  gboolean camera = is_camera (&task->options, batch, example);
  float keep;

  if (camera)
    diffusion_camera_noise (&noise, clean, batch->size, batch->size, epsilon);
  else
    diffusion_random_normal_fill (&noise, 0, 0, batch->size, batch->size, 3, epsilon);
  if (camera && diffusion_random_uniform (&level, example, 2, 0) < task->options.jpeg_share)
    ratio = compress (&level, example, clean, batch->size, epsilon, ratio);
  misjudged = misjudge (task, &level, example);
  ratio *= misjudged;
  for (gsize i = 0; i < values; i++)
    epsilon[i] /= (float) misjudged;
  keep = (float) (1 / sqrt (1 + ratio * ratio));
  for (gsize i = 0; i < values; i++)
    x[i] = keep * (clean[i] + (float) ratio * epsilon[i]);
  diffusion_photo_model_set_level (task->exec, &task->values, (gint) index, ratio);
}

/* Loss of one example, and its gradient on the way. */
static void
measure (gsize index, guint worker, gpointer data)
{
  const Step *step = data;
  PhotoTask *task = step->task;
  gsize values = (gsize) step->batch->size * (gsize) step->batch->size * 3;
  const float *target = task->epsilon + index * values;
  const float *predicted = diffusion_exec_value (task->exec, task->values.epsilon) + index * values;
  float *gradient = diffusion_exec_gradient (task->exec, task->values.epsilon) + index * values;
  float weight = (float) (1.0 / ((double) values * step->batch->total));
  double sum = 0;

  for (gsize i = 0; i < values; i++)
    {
      float difference = predicted[i] - target[i];

      if (task->options.loss == DIFFUSION_LOSS_L1)
        {
          sum += fabsf (difference);
          gradient[i] = difference > 0 ? weight : difference < 0 ? -weight : 0;
        }
      else
        {
          sum += (double) difference * difference;
          gradient[i] = 2 * weight * difference;
        }
    }
  step->losses[index] = sum * weight;
}

static gboolean
run (DiffusionTrainTask *base, const DiffusionTrainBatch *batch, float *gradients, double *loss,
     GCancellable *cancellable, GError **error)
{
  PhotoTask *task = (PhotoTask *) base;
  g_autofree double *losses = g_new (double, batch->n);
  Step step = { task, batch, losses };

  if (!prepare_graph (task, batch->n, batch->size, error))
    return FALSE;
  diffusion_dataset_fill_batch (task->dataset, &task->options.augmentation, batch->seed, batch->step,
                                (gsize) batch->first, (gsize) batch->n, batch->size, task->clean, NULL);
  diffusion_parallel_for ((gsize) batch->n, make_noisy, &step);
  if (!diffusion_exec_forward (task->exec, cancellable, error))
    return FALSE;
  diffusion_parallel_for ((gsize) batch->n, measure, &step);
  for (gint i = 0; i < batch->n; i++)
    *loss += losses[i];
  if (gradients == NULL)
    return TRUE;
  diffusion_exec_set_gradients (task->exec, gradients);
  diffusion_exec_set_gradient_ready (task->exec, base->ready, base->ready_data);
  return diffusion_exec_backward (task->exec, cancellable, error);
}

static gboolean
save (DiffusionTrainTask *base, const char *folder, const float *weights, JsonObject *card, GError **error)
{
  const PhotoTask *task = (const PhotoTask *) base;

  return diffusion_photo_folder_save (folder, &task->options.config, base->params, weights, card, error);
}

static void
task_free (DiffusionTrainTask *base)
{
  PhotoTask *task = (PhotoTask *) base;

  drop_graph (task);
  diffusion_params_free (base->params);
  g_free (task);
}

DiffusionTrainTask *
diffusion_photo_task_new (const DiffusionPhotoTaskOptions *options, const DiffusionDataset *dataset)
{
  PhotoTask *task = g_new0 (PhotoTask, 1);
  DiffusionPhotoValues values;

  task->base = (DiffusionTrainTask) { .params = diffusion_params_new (), .describe = describe,
                                      .plan_bytes = plan_bytes, .run = run, .save = save, .free = task_free };
  task->options = *options;
  task->dataset = dataset;
  /* Building once declares the parameters. */
  diffusion_graph_free (diffusion_photo_model_build (&options->config, task->base.params, 1, DIFFUSION_PHOTO_ALIGNMENT,
                                                     DIFFUSION_PHOTO_ALIGNMENT, &values));
  return &task->base;
}
