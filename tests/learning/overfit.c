/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small network learns eight pictures by heart and gives them back. */
#include <math.h>
#include <string.h>

#include "shown.h"

#define PICTURES 8
#define SAMPLES 24

static const char *const names[] = { "0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png", NULL };

/* Mean loss over many fresh examples with t up to @t_last. */
static double
measure_loss (Shown *shown, const float *weights, gsize t_last)
{
  DiffusionUnetTaskOptions unet = shown_unet (shown);
  g_autoptr (DiffusionTrainTask) task = NULL;
  g_autoptr (GError) error = NULL;
  double loss = 0;

  unet.t_last = t_last;
  task = diffusion_unet_task_new (&unet, shown->dataset, &error);
  g_assert_no_error (error);
  diffusion_params_use_block (task->params, weights);
  for (guint32 step = 0; step < 16; step++)
    {
      DiffusionTrainBatch batch = { 99, step, 0, 16, 16, SHOWN_SIZE };

      task->run (task, &batch, NULL, &loss, NULL, &error);
      g_assert_no_error (error);
    }
  return loss / 16;
}

static double
distance (const float *a, const float *b)
{
  double sum = 0;

  for (gsize i = 0; i < SHOWN_VALUES; i++)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt (sum / SHOWN_VALUES);
}

/* By DDPM's own sampler, in a tenth of its steps. */
static float *
sample (const DiffusionUnetTaskOptions *unet, const float *weights)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnetRunner) runner = NULL;
  g_autoptr (DiffusionSchedule) schedule = diffusion_scheduler_config_make_schedule (&unet->scheduler, &error);
  float *samples = g_new (float, SAMPLES * SHOWN_VALUES);
  DiffusionPredictor predictor;
  DiffusionEditor editor = { .schedule = schedule, .predictor = &predictor, .steps = 100, .batch = 1, .seed = 5 };

  g_assert_no_error (error);
  diffusion_unet_declare_params (&unet->config, params);
  diffusion_params_use_block (params, weights);
  runner = diffusion_unet_runner_new (&unet->config, params, DIFFUSION_PRECISION_F32);
  predictor = diffusion_unet_runner_get_predictor (runner);
  editor.parameterisation = diffusion_scheduler_config_get_parameterisation (&unet->scheduler);
  diffusion_generate (&editor, SAMPLES, SHOWN_SIZE, SHOWN_SIZE, samples, &error);
  g_assert_no_error (error);
  return samples;
}

/* Most samples are one of the pictures, and most pictures are among the samples. */
static void
check_samples (Shown *shown, const float *weights)
{
  DiffusionUnetTaskOptions unet = shown_unet (shown);
  g_autofree float *samples = sample (&unet, weights);
  float pictures[PICTURES][SHOWN_VALUES];
  guint seen[PICTURES] = { 0 }, different = 0, regenerated = 0;
  double closest = G_MAXDOUBLE;

  for (gsize i = 0; i < PICTURES; i++)
    diffusion_dataset_read (shown->dataset, i, 0, 0, SHOWN_SIZE, SHOWN_SIZE, FALSE, pictures[i]);
  for (gsize i = 0; i < PICTURES; i++)
    for (gsize k = 0; k < i; k++)
      closest = MIN (closest, distance (pictures[i], pictures[k]));
  for (gsize i = 0; i < SAMPLES; i++)
    {
      double nearest = G_MAXDOUBLE;
      gsize which = 0;

      for (gsize k = 0; k < PICTURES; k++)
        {
          double d = distance (samples + i * SHOWN_VALUES, pictures[k]);

          if (d < nearest)
            {
              nearest = d;
              which = k;
            }
        }
      g_test_message ("sample %u: %.3f from picture %u", (guint) i, nearest, (guint) which);
      if (nearest < 0.25 * closest)
        {
          regenerated++;
          different += seen[which]++ == 0;
        }
    }
  g_test_message ("%u of %d samples are pictures (which are at least %.3f apart), %u of %d pictures seen", regenerated,
                  SAMPLES, closest, different, PICTURES);
  g_assert_cmpuint (regenerated, >=, SAMPLES / 2);
  g_assert_cmpuint (different, >=, PICTURES / 2);
}

static void
test_overfit (void)
{
  Shown shown;
  g_autofree float *weights = NULL, *fresh = NULL;
  double before, all, low;

  shown_init (&shown, names, FALSE);
  shown_set (&shown, "predict", "x0");
  shown_set (&shown, "steps", "1");
  fresh = shown_train (&shown, "fresh");
  shown_set (&shown, "steps", "700");
  weights = shown_train (&shown, "trained");
  before = measure_loss (&shown, fresh, 999);
  all = measure_loss (&shown, weights, 999);
  low = measure_loss (&shown, weights, 699);
  g_test_message ("loss %.4f at the start, %.4f at the end, %.5f at t below 700, where pictures can be told apart", before,
                  all, low);
  g_assert_cmpfloat (all, <, 0.2 * before);
  g_assert_cmpfloat (low, <, 0.01);
  check_samples (&shown, weights);
  shown_clear (&shown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/learning/overfit", test_overfit);
  return g_test_run ();
}
