/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ten training steps with given noise and t: every gradient of the first, the losses, final and averaged weights. */
#include "tests/golden/reference.h"

#include <math.h>
#include <string.h>

#include "core/model/json.h"
#include "core/training/optimizer.h"

typedef struct
{
  DiffusionParams *params;
  DiffusionUnet *unet;
  DiffusionExec *exec;
  DiffusionSchedule *schedule;
  gsize total, batch, pixels;
  float *weights, *gradients, *first, *second, *average;
  float *x0;
} Trainer;

/* What a published tensor holds is several of our parameters where q, k and v are one there. */
typedef struct
{
  double difference, size, moved; /* squared: of ours to theirs, of theirs, of the final weights from the initial ones */
  double furthest;                /* |ours − initial| */
} Tensor;

static DiffusionModel *
open_in (const char *path, const char *name, const char *flags)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *file = g_build_filename (folder, name, NULL);

  return reference_model (file, flags);
}

/* Of all parameters, in working order. */
static float *
load (const char *path, const char *name, const char *flags)
{
  g_autoptr (DiffusionModel) model = open_in (path, name, flags);
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (GError) error = NULL;
  gsize total;
  float *values;

  diffusion_unet_declare_params (diffusion_model_get_unet (model), params);
  total = diffusion_params_get_total (params);
  diffusion_model_load (model, params, FALSE, &error);
  g_assert_no_error (error);
  values = g_new0 (float, total);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      memcpy (values + param->offset, param->data, param->size * sizeof (float));
    }
  return values;
}

static void
trainer_init (Trainer *trainer, const char *path, const char *flags, const DiffusionTensorFile *steps)
{
  g_autoptr (DiffusionModel) model = open_in (path, "initial.safetensors", flags);
  g_autoptr (GError) error = NULL;
  const DiffusionTensorEntry *x0 = reference_require (steps, "x0");

  trainer->params = diffusion_params_new ();
  trainer->unet = diffusion_unet_new (diffusion_model_get_unet (model), trainer->params, (gint) x0->shape[0],
                                      (gint) x0->shape[2], (gint) x0->shape[3], FALSE, &error);
  g_assert_no_error (error);
  trainer->total = diffusion_params_get_total (trainer->params);
  trainer->weights = load (path, "initial.safetensors", flags);
  trainer->average = g_memdup2 (trainer->weights, trainer->total * sizeof (float));
  trainer->gradients = g_new0 (float, trainer->total);
  trainer->first = g_new0 (float, trainer->total);
  trainer->second = g_new0 (float, trainer->total);
  diffusion_params_use_block (trainer->params, trainer->weights);
  trainer->exec = diffusion_exec_new (trainer->unet->graph, DIFFUSION_RUN_TRAINING, DIFFUSION_PRECISION_F32, &error);
  g_assert_no_error (error);
  diffusion_exec_set_gradients (trainer->exec, trainer->gradients);
  trainer->schedule = reference_schedule ("linear", 1000);
  trainer->x0 = reference_pixels (steps, "x0");
  trainer->batch = (gsize) x0->shape[0];
  trainer->pixels = (gsize) (x0->shape[2] * x0->shape[3]);
}

static void
trainer_clear (Trainer *trainer)
{
  diffusion_exec_free (trainer->exec);
  diffusion_unet_free (trainer->unet);
  diffusion_params_free (trainer->params);
  diffusion_schedule_unref (trainer->schedule);
  g_free (trainer->weights);
  g_free (trainer->average);
  g_free (trainer->gradients);
  g_free (trainer->first);
  g_free (trainer->second);
  g_free (trainer->x0);
}

/* Fills the gradients; the mean loss over the batch. */
static DiffusionLoss
step_gradients (Trainer *trainer, const float *noise, const double *t)
{
  DiffusionParameterisation parameterisation = DIFFUSION_PARAMETERISATION_INIT;
  gsize count = trainer->pixels * 3;
  float *x = diffusion_exec_value (trainer->exec, trainer->unet->x);
  DiffusionLoss sum = { 0 };

  parameterisation.variance = DIFFUSION_VARIANCE_LEARNED_RANGE;
  parameterisation.clip = DIFFUSION_CLIP_NONE;
  memset (trainer->gradients, 0, trainer->total * sizeof (float));
  for (gsize i = 0; i < trainer->batch; i++)
    diffusion_forward (trainer->schedule, (gsize) t[i], trainer->x0 + i * count, noise + i * count, count,
                       x + i * count);
  diffusion_unet_time_features (&trainer->unet->config, trainer->batch, t,
                                diffusion_exec_value (trainer->exec, trainer->unet->time));
  g_autofree float *x_t = g_memdup2 (x, trainer->batch * count * sizeof (float));
  g_assert_true (diffusion_exec_forward (trainer->exec, NULL, NULL));
  for (gsize i = 0; i < trainer->batch; i++)
    {
      const float *output = diffusion_exec_value (trainer->exec, trainer->unet->output) + i * 2 * count;
      float *gradient = diffusion_exec_gradient (trainer->exec, trainer->unet->output) + i * 2 * count;
      DiffusionLoss loss = diffusion_loss (DIFFUSION_LOSS_HYBRID, trainer->schedule, (gsize) t[i], &parameterisation,
                                           trainer->x0 + i * count, noise + i * count, x_t + i * count, output,
                                           trainer->pixels, 3, gradient);

      sum.simple += loss.simple / (double) trainer->batch;
      sum.bound += loss.bound / (double) trainer->batch;
      sum.total += loss.total / (double) trainer->batch;
      for (gsize k = 0; k < 2 * count; k++)
        gradient[k] /= (float) trainer->batch;
    }
  g_assert_true (diffusion_exec_backward (trainer->exec, NULL, NULL));
  return sum;
}

/* Compares block with block, published tensor by published tensor; @end and @initial tell how far training moved. */
static GHashTable *
compare (DiffusionParams *params, const float *ours, const float *theirs, const float *end, const float *initial)
{
  GHashTable *tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GRegex) joint = g_regex_new ("\\.to_[qkv]\\.", 0, 0, NULL);

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      char *name = g_regex_replace (joint, param->name, -1, 0, ".to_qkv.", 0, NULL);
      Tensor *tensor = g_hash_table_lookup (tensors, name);

      if (tensor == NULL)
        {
          tensor = g_new0 (Tensor, 1);
          g_hash_table_insert (tensors, g_strdup (name), tensor);
        }
      g_free (name);
      for (gsize k = param->offset; k < param->offset + param->size; k++)
        {
          tensor->difference += pow ((double) ours[k] - theirs[k], 2);
          tensor->size += pow (theirs[k], 2);
          tensor->moved += pow ((double) end[k] - initial[k], 2);
          tensor->furthest = MAX (tensor->furthest, fabs ((double) ours[k] - initial[k]));
        }
    }
  return tensors;
}

/* Names of tensors whose gradient is nothing but rounding are added to @rounding. */
static void
check_gradients (Trainer *trainer, const float *theirs, GHashTable *rounding)
{
  g_autoptr (GHashTable) tensors = compare (trainer->params, trainer->gradients, theirs, theirs, theirs);
  GHashTableIter iter;
  gpointer name, value;
  double worst = 0;

  g_hash_table_iter_init (&iter, tensors);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const Tensor *tensor = value;
      double size = sqrt (tensor->size), difference = sqrt (tensor->difference);

      if (size < 1e-7)
        {
          g_hash_table_add (rounding, g_strdup (name));
          g_assert_cmpfloat (difference, <=, 1e-6);
          continue;
        }
      worst = MAX (worst, difference / size);
      if (difference > 1e-4 * size)
        g_error ("gradient of %s is off by %g of %g", (char *) name, difference, size);
    }
  g_test_message ("gradients: at most %.2g of their norms, %u of rounding alone", worst, g_hash_table_size (rounding));
}

static void
check_weights (Trainer *trainer, const char *what, const float *ours, const float *theirs, const float *end,
               const float *initial, GHashTable *rounding)
{
  g_autoptr (GHashTable) tensors = compare (trainer->params, ours, theirs, end, initial);
  GHashTableIter iter;
  gpointer name, value;
  double worst = 0, worst_bias = 0;

  g_hash_table_iter_init (&iter, tensors);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const Tensor *tensor = value;
      gboolean bias = g_str_has_suffix (name, ".to_qkv.bias");
      double error = sqrt (tensor->difference / tensor->moved);

      if (g_hash_table_contains (rounding, name))
        {
          g_assert_cmpfloat (tensor->furthest, <=, 1.001e-3);
          continue;
        }
      if (error > (bias ? 2e-2 : 1e-3))
        g_error ("%s: %s is off by %g of how far it moved", what, (char *) name, error);
      worst_bias = MAX (worst_bias, bias ? error : 0);
      worst = MAX (worst, bias ? 0 : error);
    }
  g_test_message ("%s: at most %.2g of how far they moved, %.2g for biases of attention", what, worst, worst_bias);
}

static void
check_close (const char *what, gsize step, double got, double want)
{
  if (!(fabs (got - want) <= 1e-4 * fabs (want)))
    g_error ("%s of step %" G_GSIZE_FORMAT " is %g, expected %g", what, step, got, want);
}

static void
test_training (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) recipe = diffusion_json_load_object (path, &error);
  g_autofree char *flags = NULL;
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *steps_path = g_build_filename (folder, "steps.safetensors", NULL);
  g_autoptr (DiffusionTensorFile) steps = reference_open (steps_path);
  g_autofree double *t = reference_doubles (steps, "t");
  g_autofree double *losses = reference_doubles (steps, "losses");
  g_autofree double *terms = reference_doubles (steps, "mse_vb");
  g_autofree float *noise = reference_pixels (steps, "noise");
  g_autofree float *initial = NULL, *gradients = NULL, *final = NULL, *final_ema = NULL;
  g_autoptr (GHashTable) rounding = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const DiffusionAdamW adamw = { 1e-4, 0.9, 0.999, 1e-8, 0 };
  double ema_rate = 0.9;
  gsize n_steps = (gsize) reference_require (steps, "losses")->n_elements;
  Trainer trainer = { 0 };

  g_assert_no_error (error);
  flags = diffusion_json_to_string (json_object_get_object_member (recipe, "flags"));
  diffusion_json_get_double (path, recipe, "ema_rate", 0, 1, &ema_rate, &error);
  g_assert_no_error (error);
  initial = load (path, "initial.safetensors", flags);
  gradients = load (path, "gradients_step0.safetensors", flags);
  final = load (path, "final.safetensors", flags);
  final_ema = load (path, "final_ema.safetensors", flags);
  trainer_init (&trainer, path, flags, steps);

  for (gsize step = 0; step < n_steps; step++)
    {
      DiffusionLoss loss = step_gradients (&trainer, noise + step * trainer.batch * trainer.pixels * 3,
                                           t + step * trainer.batch);

      check_close ("loss", step, loss.total, losses[step]);
      check_close ("mse", step, loss.simple, terms[2 * step]);
      check_close ("bound", step, loss.bound, terms[2 * step + 1]);
      if (step == 0)
        check_gradients (&trainer, gradients, rounding);
      diffusion_adamw_step (&adamw, step + 1, trainer.total, trainer.gradients, 1, trainer.first, trainer.second,
                            trainer.weights);
      diffusion_ema_update (ema_rate, trainer.total, trainer.weights, trainer.average);
    }
  check_weights (&trainer, "final", trainer.weights, final, final, initial, rounding);
  check_weights (&trainer, "average", trainer.average, final_ema, final, initial, rounding);
  trainer_clear (&trainer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add ("/training/hybrid", "training/recipe.json", test_training);
  return g_test_run ();
}
