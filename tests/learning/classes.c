/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two toy classes: a network that is told them, one that is not, and a classifier that guides it. */
#include <math.h>
#include <string.h>

#include "shown.h"

#define SAMPLES 32

static const char *const names[] = { "red/0.png", "red/1.png", "red/2.png", "red/3.png",
                                     "sea/0.png", "sea/1.png", "sea/2.png", "sea/3.png", NULL };

/* Red pictures have more red than blue. */
static guint
count_red (const float *pictures)
{
  guint red = 0;

  for (gsize i = 0; i < SAMPLES; i++)
    {
      double sum = 0;

      for (gsize k = 0; k < SHOWN_VALUES; k += 3)
        sum += pictures[i * SHOWN_VALUES + k] - pictures[i * SHOWN_VALUES + k + 2];
      red += sum > 0;
    }
  return red;
}

typedef struct
{
  DiffusionUnetTaskOptions options;
  DiffusionParams *params;
  DiffusionUnetRunner *runner;
  DiffusionPredictor predictor;
} Net;

static void
net_init (Net *net, const Shown *shown, const float *weights)
{
  net->options = shown_unet (shown);
  net->params = diffusion_params_new ();
  diffusion_unet_declare_params (&net->options.config, net->params);
  diffusion_params_use_block (net->params, weights);
  net->runner = diffusion_unet_runner_new (&net->options.config, net->params, DIFFUSION_PRECISION_F32);
  net->predictor = diffusion_unet_runner_get_predictor (net->runner);
}

static void
net_clear (Net *net)
{
  diffusion_unet_runner_free (net->runner);
  diffusion_params_free (net->params);
}

/* Samples that are to be of class @label; how many are red. */
static guint
sample (const Net *net, const Net *classifier, double scale, gint label)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionSchedule) schedule = diffusion_scheduler_config_make_schedule (&net->options.scheduler, &error);
  g_autofree float *out = g_new (float, SAMPLES * SHOWN_VALUES);
  gint labels[SAMPLES];
  DiffusionEditor editor = { .schedule = schedule,
                             .parameterisation
                             = diffusion_scheduler_config_get_parameterisation (&net->options.scheduler),
                             .predictor = &net->predictor,
                             .sampler = &diffusion_sampler_ddim,
                             .eta = 1,
                             .steps = 25,
                             .batch = 1,
                             .seed = 3 };

  g_assert_no_error (error);
  for (gsize i = 0; i < SAMPLES; i++)
    labels[i] = label;
  if (net->predictor.classes > 0 || classifier != NULL)
    editor.classes = labels;
  if (classifier != NULL)
    {
      editor.guidance = &classifier->predictor;
      editor.guidance_scale = scale;
    }
  diffusion_generate (&editor, SAMPLES, SHOWN_SIZE, SHOWN_SIZE, out, &error);
  g_assert_no_error (error);
  return count_red (out);
}

static void
test_conditional (void)
{
  Shown shown;
  g_autofree float *weights = NULL;
  Net net;
  guint red, sea;

  shown_init (&shown, names, TRUE);
  shown_set (&shown, "classes", "yes");
  shown_set (&shown, "steps", "250");
  weights = shown_train (&shown, "conditional");
  net_init (&net, &shown, weights);
  red = sample (&net, NULL, 0, 0);
  sea = sample (&net, NULL, 0, 1);
  g_test_message ("of %d samples told “red” %u are red, told “sea” %u", SAMPLES, red, sea);
  g_assert_cmpuint (red, >=, SAMPLES - 1);
  g_assert_cmpuint (sea, <=, 1);
  net_clear (&net);
  shown_clear (&shown);
}

static void
test_guidance (void)
{
  Shown plain, told;
  g_autofree float *weights = NULL, *judge = NULL;
  Net net, classifier;
  guint without, red, sea;

  shown_init (&plain, names, FALSE);
  shown_set (&plain, "steps", "250");
  weights = shown_train (&plain, "plain");
  net_init (&net, &plain, weights);

  shown_init (&told, names, TRUE);
  shown_set (&told, "network", "classifier");
  shown_set (&told, "steps", "150");
  shown_set (&told, "widths", "16,32");
  shown_set (&told, "head-channels", "8");
  judge = shown_train (&told, "classifier");
  net_init (&classifier, &told, judge);

  without = sample (&net, NULL, 0, 0);
  red = sample (&net, &classifier, 6, 0);
  sea = sample (&net, &classifier, 6, 1);
  g_test_message ("of %d samples %u are red; guided to red %u, guided to sea %u", SAMPLES, without, red, sea);
  g_assert_cmpuint (without, >=, SAMPLES / 8);
  g_assert_cmpuint (without, <=, SAMPLES - SAMPLES / 8);
  g_assert_cmpuint (red, >=, SAMPLES - 3);
  g_assert_cmpuint (sea, <=, 3);
  net_clear (&classifier);
  net_clear (&net);
  shown_clear (&told);
  shown_clear (&plain);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/learning/classes/conditional", test_conditional);
  g_test_add_func ("/learning/classes/guidance", test_guidance);
  return g_test_run ();
}
