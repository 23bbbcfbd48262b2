/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training U-Nets and noisy classifiers. */
#include "core/training/unet-task.h"

#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/diffusion/forward.h"
#include "core/imaging/resize.h"
#include "core/model/params-save.h"

#define COLOURS 3
/* Bounds the losses remembered of one step. */
#define MAX_BATCH 65536

/* A network for one size of batch, kept until another size is asked for. */
typedef struct
{
  DiffusionTrainTask base;
  DiffusionUnetTaskOptions options;
  const DiffusionDataset *dataset;
  DiffusionSchedule *schedule;
  DiffusionParameterisation parameterisation;
  DiffusionTimesteps *timesteps;
  DiffusionUnet *unet;
  DiffusionExec *exec;
  float *clean, *noise, *noisy;
  gint *labels;
  gint n, size;
} UnetTask;

typedef struct
{
  UnetTask *task;
  const DiffusionTrainBatch *batch;
  double *losses;
} Step;

static gboolean
is_classifier (const UnetTask *task)
{
  return task->options.config.head != DIFFUSION_HEAD_IMAGE;
}

static JsonObject *
describe (DiffusionTrainTask *base)
{
  const UnetTask *task = (const UnetTask *) base;
  JsonObject *object = json_object_new ();

  json_object_set_object_member (object, "network", diffusion_unet_config_to_json (&task->options.config));
  json_object_set_object_member (object, "schedule", diffusion_scheduler_config_to_json (&task->options.scheduler));
  return object;
}

static gsize
picture_bytes (gint n, gint size)
{
  return 3 * (gsize) n * (gsize) size * (gsize) size * COLOURS * sizeof (float);
}

static gsize
exec_limit (const UnetTask *task, gsize pictures)
{
  if (task->base.memory == 0)
    return 0;
  return task->base.memory > pictures ? task->base.memory - pictures : 1;
}

static gsize
plan_bytes (DiffusionTrainTask *base, gint n, gint size)
{
  const UnetTask *task = (const UnetTask *) base;
  gsize pictures = picture_bytes (n, size);
  g_autoptr (DiffusionUnet) unet
    = diffusion_unet_new (&task->options.config, base->params, n, size, size, FALSE, NULL);

  /* A size that does not fit is an error of its own when the network is made. */
  if (unet == NULL)
    return pictures;
  return diffusion_graph_plan_limited (unet->graph, DIFFUSION_RUN_TRAINING, exec_limit (task, pictures), NULL)
         + pictures;
}

static void
drop_network (UnetTask *task)
{
  g_clear_pointer (&task->exec, diffusion_exec_free);
  g_clear_pointer (&task->unet, diffusion_unet_free);
  g_clear_pointer (&task->clean, diffusion_free);
  g_clear_pointer (&task->noise, diffusion_free);
  g_clear_pointer (&task->noisy, diffusion_free);
  g_clear_pointer (&task->labels, g_free);
}

static gboolean
prepare_network (UnetTask *task, gint n, gint size, GError **error)
{
  gsize bytes = (gsize) n * (gsize) size * (gsize) size * COLOURS * sizeof (float);

  if (task->exec != NULL && task->n == n && task->size == size)
    return TRUE;
  drop_network (task);
  task->n = n;
  task->size = size;
  task->labels = g_new (gint, n);
  task->unet = diffusion_unet_new (&task->options.config, task->base.params, n, size, size, FALSE, error);
  if (task->unet == NULL)
    return FALSE;
  if ((task->clean = diffusion_try_alloc (bytes, _ ("the training pictures"), error)) == NULL
      || (task->noise = diffusion_try_alloc (bytes, _ ("the noise"), error)) == NULL
      || (task->noisy = diffusion_try_alloc (bytes, _ ("the noisy pictures"), error)) == NULL)
    return FALSE;
  task->exec = diffusion_exec_new_limited (task->unet->graph, DIFFUSION_RUN_TRAINING, task->options.precision,
                                           exec_limit (task, picture_bytes (n, size)), error);
  return task->exec != NULL;
}

static gsize
draw_time (const UnetTask *task, const DiffusionTrainBatch *batch, gint index, double *weight)
{
  DiffusionStream stream = { batch->seed, DIFFUSION_PURPOSE_TIMESTEP, batch->step };

  return diffusion_timesteps_draw (task->timesteps, &stream, batch->first + index, weight);
}

/* What an upsampler sees of the picture: reduced by averaging, and smoothly enlarged again. */
static void
make_low_res (const UnetTask *task, gint size, const float *clean, float *out)
{
  gint factor = task->options.low_res_factor, small = size / factor;
  g_autofree float *reduced = g_new0 (float, small * small * COLOURS);
  float weight = 1.0f / (float) (factor * factor);

  for (gint y = 0; y < small * factor; y++)
    for (gint x = 0; x < small * factor; x++)
      for (gint k = 0; k < COLOURS; k++)
        reduced[(y / factor * small + x / factor) * COLOURS + k] += weight * clean[(y * size + x) * COLOURS + k];
  diffusion_resize_bilinear (1, (gsize) small, (gsize) small, COLOURS, reduced, (gsize) size, (gsize) size, out);
}

/* One example: its t, its noise, x_t and conditions in the network's inputs. */
static void
make_noisy (gsize index, guint worker, gpointer data)
{
  const Step *step = data;
  UnetTask *task = step->task;
  const DiffusionTrainBatch *batch = step->batch;
  const DiffusionUnetConfig *config = &task->options.config;
  gsize pixels = (gsize) batch->size * (gsize) batch->size;
  /* The example's number goes into the seed: the field itself runs over the pixels. */
  DiffusionStream stream = { batch->seed + ((guint64) (batch->first + (gint) index) << 32), DIFFUSION_PURPOSE_NOISE,
                             batch->step };
  gsize time_channels = (gsize) diffusion_exec_shape (task->exec, task->unet->time).c;
  gsize channels = (gsize) (config->in_channels + config->low_res_channels);
  const float *clean = task->clean + index * pixels * COLOURS;
  float *noise = task->noise + index * pixels * COLOURS, *noisy = task->noisy + index * pixels * COLOURS;
  float *x = diffusion_exec_value (task->exec, task->unet->x) + index * pixels * channels;
  double weight, told;
  gsize t = draw_time (task, batch, (gint) index, &weight);

  diffusion_random_normal_fill (&stream, 0, 0, batch->size, batch->size, COLOURS, noise);
  diffusion_forward (task->schedule, t, clean, noise, pixels * COLOURS, noisy);
  for (gsize i = 0; i < pixels; i++)
    memcpy (x + i * channels, noisy + i * COLOURS, COLOURS * sizeof (float));
  if (config->low_res_channels > 0)
    {
      g_autofree float *low_res = g_new (float, pixels * COLOURS);

      make_low_res (task, batch->size, clean, low_res);
      for (gsize i = 0; i < pixels; i++)
        memcpy (x + i * channels + COLOURS, low_res + i * COLOURS, COLOURS * sizeof (float));
    }
  told = diffusion_schedule_model_time (task->schedule, t);
  diffusion_unet_time_features (config, 1, &told,
                                diffusion_exec_value (task->exec, task->unet->time) + index * time_channels);
  if (task->unet->classes >= 0)
    diffusion_exec_value (task->exec, task->unet->classes)[index] = (float) task->labels[index];
}

/* −log p (label) and its gradient. */
static double
cross_entropy (const float *logits, gsize n, gint label, float *gradient)
{
  double most = logits[0], sum = 0;

  for (gsize i = 1; i < n; i++)
    most = MAX (most, logits[i]);
  for (gsize i = 0; i < n; i++)
    sum += exp (logits[i] - most);
  for (gsize i = 0; i < n; i++)
    gradient[i] = (float) (exp (logits[i] - most) / sum - ((gint) i == label));
  return log (sum) + most - logits[label];
}

/* Loss of one example, and its gradient on the way. */
static void
measure (gsize index, guint worker, gpointer data)
{
  const Step *step = data;
  UnetTask *task = step->task;
  const DiffusionTrainBatch *batch = step->batch;
  DiffusionShape shape = diffusion_exec_shape (task->exec, task->unet->output);
  gsize size = diffusion_shape_size (shape) / (gsize) shape.n;
  gsize pixels = (gsize) batch->size * (gsize) batch->size;
  const float *output = diffusion_exec_value (task->exec, task->unet->output) + index * size;
  float *gradient = diffusion_exec_gradient (task->exec, task->unet->output) + index * size;
  double weight, loss, emphasis = 1;
  gsize t = draw_time (task, batch, (gint) index, &weight);

  if (is_classifier (task))
    loss = cross_entropy (output, size, task->labels[index], gradient);
  else
    loss = diffusion_loss (task->options.loss, task->schedule, t, &task->parameterisation,
                           task->clean + index * pixels * COLOURS, task->noise + index * pixels * COLOURS,
                           task->noisy + index * pixels * COLOURS, output, pixels, COLOURS, gradient)
             .total;
  if (!is_classifier (task))
    emphasis = diffusion_loss_weight (task->options.weighting, task->schedule, t, task->parameterisation.mean);
  for (gsize i = 0; i < size; i++)
    gradient[i] *= (float) (emphasis * weight / batch->total);
  step->losses[index] = emphasis * weight * loss / batch->total;
  if (task->base.shared != NULL)
    task->base.shared[batch->first + (gint) index] = (float) (emphasis * loss);
}

static gboolean
run (DiffusionTrainTask *base, const DiffusionTrainBatch *batch, float *gradients, double *loss,
     GCancellable *cancellable, GError **error)
{
  UnetTask *task = (UnetTask *) base;
  g_autofree double *losses = g_new (double, batch->n);
  Step step = { task, batch, losses };

  if (!prepare_network (task, batch->n, batch->size, error))
    return FALSE;
  diffusion_dataset_fill_batch (task->dataset, &task->options.augmentation, batch->seed, batch->step,
                                (gsize) batch->first, (gsize) batch->n, batch->size, task->clean, task->labels);
  diffusion_parallel_for ((gsize) batch->n, make_noisy, &step);
  diffusion_exec_set_dropout (task->exec, batch->seed, batch->step, batch->first);
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

static void
finish (DiffusionTrainTask *base, const DiffusionTrainBatch *batch)
{
  UnetTask *task = (UnetTask *) base;

  for (gint i = 0; i < batch->total; i++)
    {
      double weight;
      gsize t = draw_time (task, batch, i, &weight);

      diffusion_timesteps_tell (task->timesteps, t, base->shared[i]);
    }
}

static gboolean
save (DiffusionTrainTask *base, const char *folder, const float *weights, JsonObject *card, GError **error)
{
  const UnetTask *task = (const UnetTask *) base;
  g_autoptr (JsonObject) config = diffusion_unet_config_to_json (&task->options.config);
  g_autoptr (JsonObject) scheduler = diffusion_scheduler_config_to_json (&task->options.scheduler);

  return diffusion_params_save (base->params, weights, folder, config, scheduler, card, error);
}

static void
task_free (DiffusionTrainTask *base)
{
  UnetTask *task = (UnetTask *) base;

  drop_network (task);
  diffusion_timesteps_free (task->timesteps);
  diffusion_schedule_unref (task->schedule);
  diffusion_params_free (base->params);
  g_free (base->shared);
  g_free (task);
}

static gboolean
check (const DiffusionUnetTaskOptions *options, const DiffusionDataset *dataset, GError **error)
{
  const DiffusionUnetConfig *config = &options->config;
  gboolean classifier = config->head != DIFFUSION_HEAD_IMAGE;
  gint classes = (gint) g_strv_length ((char **) diffusion_dataset_get_classes (dataset));
  gint expected = diffusion_variance_is_learned (options->scheduler.variance) ? 2 * COLOURS : COLOURS;
  gint known = classifier ? config->out_channels : config->n_classes;

  if (!diffusion_unet_config_validate (config, _ ("The network"), error))
    return FALSE;
  if (config->in_channels != COLOURS)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("The network has %d input channels; training on pictures needs %d"), config->in_channels, COLOURS);
  else if (!classifier && config->out_channels != expected)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("The network has %d output channels; this objective needs %d"), config->out_channels, expected);
  else if (!classifier && options->loss == DIFFUSION_LOSS_HYBRID
           && !diffusion_variance_is_learned (options->scheduler.variance))
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("The hybrid loss needs a learned variance"));
  else if (config->low_res_channels != 0 && (config->low_res_channels != COLOURS || options->low_res_factor < 2))
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("An upsampler needs %d low-resolution channels and a factor of 2 or more; found %d and %d"), COLOURS,
                 config->low_res_channels, options->low_res_factor);
  else if (config->class_input == DIFFUSION_CLASS_TIMESTEP)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                 _ ("Networks whose classes are timesteps cannot be trained on pictures"));
  else if ((classifier || config->class_input == DIFFUSION_CLASS_LABEL) && classes != known)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("The network knows %d classes; the data has %d subfolders with pictures"), known, classes);
  else if (options->t_first > options->t_last || options->t_last >= (gsize) options->scheduler.steps)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("Timesteps from %zu to %zu; expected a range within 0 to %zu"),
                 options->t_first, options->t_last, (gsize) options->scheduler.steps - 1);
  else
    return TRUE;
  return FALSE;
}

DiffusionTrainTask *
diffusion_unet_task_new (const DiffusionUnetTaskOptions *options, const DiffusionDataset *dataset, GError **error)
{
  g_autoptr (DiffusionSchedule) schedule = NULL;
  UnetTask *task;

  if (!check (options, dataset, error)
      || (schedule = diffusion_scheduler_config_make_schedule (&options->scheduler, error)) == NULL)
    return NULL;
  task = g_new0 (UnetTask, 1);
  task->base = (DiffusionTrainTask) { .params = diffusion_params_new (), .describe = describe,
                                      .plan_bytes = plan_bytes, .run = run, .save = save, .free = task_free };
  task->options = *options;
  task->dataset = dataset;
  task->schedule = g_steal_pointer (&schedule);
  task->parameterisation = diffusion_scheduler_config_get_parameterisation (&options->scheduler);
  task->timesteps = diffusion_timesteps_new (options->timesteps, options->t_first, options->t_last);
  if (options->timesteps == DIFFUSION_TIMESTEPS_IMPORTANCE)
    {
      task->base.finish = finish;
      task->base.n_shared = MAX_BATCH;
      task->base.shared = g_new0 (float, MAX_BATCH);
      task->base.state = diffusion_timesteps_get_state (task->timesteps, &task->base.n_state);
    }
  diffusion_unet_declare_params (&options->config, task->base.params);
  return &task->base;
}
