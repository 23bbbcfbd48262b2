/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings of a training: weightings, memory, every objective, what recipes refuse. */
#include <math.h>
#include <string.h>

#include "shown.h"

static const char *const names[] = { "0.png", "1.png", "2.png", "3.png", NULL };

/* The squared error of what is predicted, weighted as if ε were, is the squared error of ε, whatever is predicted. */
static void
test_weighting (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_cosine (1000, &error);
  const DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, 0 };
  float x0[48], noise[48], x_t[48], guess[48], target[48], right[48];
  const gsize times[] = { 1, 30, 400, 800, 960 };

  g_assert_no_error (error);
  diffusion_random_normal_fill (&stream, 0, 0, 4, 4, 3, x0);
  diffusion_random_normal_fill (&stream, 50, 0, 4, 4, 3, noise);
  diffusion_random_normal_fill (&stream, 100, 0, 4, 4, 3, guess);
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      gsize t = times[i];
      double snr = schedule->alphas_cumprod[t] / (1 - schedule->alphas_cumprod[t]), x0_error = 0;

      diffusion_forward (schedule, t, x0, noise, 48, x_t);
      for (gsize k = 0; k < 48; k++)
        x0_error += pow (guess[k] - x0[k], 2);
      for (DiffusionMeanType mean = DIFFUSION_MEAN_EPSILON; mean <= DIFFUSION_MEAN_V; mean++)
        {
          double own = 0;

          /* What a network that believes in @guess would say. */
          if (mean == DIFFUSION_MEAN_EPSILON)
            diffusion_x0_to_epsilon (schedule, t, x_t, guess, 48, target);
          else
            {
              float epsilon[48];

              diffusion_x0_to_epsilon (schedule, t, x_t, guess, 48, epsilon);
              diffusion_loss_target (schedule, t, mean, guess, epsilon, x_t, 48, target);
            }
          diffusion_loss_target (schedule, t, mean, x0, noise, x_t, 48, right);
          for (gsize k = 0; k < 48; k++)
            own += pow ((double) target[k] - right[k], 2);
          g_assert_cmpfloat_with_epsilon (
            own * diffusion_loss_weight (DIFFUSION_WEIGHTING_EPSILON, schedule, t, mean) / (snr * x0_error), 1, 2e-2);
          g_assert_cmpfloat_with_epsilon (
            own * diffusion_loss_weight (DIFFUSION_WEIGHTING_TRUNCATED_SNR, schedule, t, mean)
              / (MAX (snr, 1) * x0_error),
            1, 2e-2);
          g_assert_cmpfloat_with_epsilon (
            own * diffusion_loss_weight (DIFFUSION_WEIGHTING_MIN_SNR, schedule, t, mean) / (MIN (snr, 5) * x0_error), 1,
            2e-2);
          g_assert_cmpfloat_with_epsilon (own * diffusion_loss_weight (DIFFUSION_WEIGHTING_P2, schedule, t, mean)
                                            / (snr / (1 + snr) * x0_error),
                                          1, 2e-2);
          g_assert_cmpfloat (diffusion_loss_weight (DIFFUSION_WEIGHTING_NONE, schedule, t, mean), ==, 1);
        }
      g_assert_cmpfloat_with_epsilon (
        diffusion_loss_weight (DIFFUSION_WEIGHTING_SNR_PLUS_ONE, schedule, t, DIFFUSION_MEAN_V), 1, 1e-9);
    }
}

/* Less memory: parts are computed again, and the weights are the same bit for bit; far too little is an error. */
static void
test_memory (void)
{
  Shown shown;
  g_autofree float *free_weights = NULL, *tight = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionTrainTask) task = NULL;
  DiffusionUnetTaskOptions unet;
  DiffusionTrainOptions options;
  g_autofree char *limit = NULL, *folder = NULL;
  gsize all, blocks, least;

  shown_init (&shown, names, FALSE);
  shown_set (&shown, "steps", "4");
  shown_set (&shown, "batch", "16");
  unet = shown_unet (&shown);
  task = diffusion_unet_task_new (&unet, shown.dataset, &error);
  g_assert_no_error (error);
  g_assert_true (diffusion_recipe_make_options (&shown.recipe, &options, &error));
  all = diffusion_train_plan_bytes (task, &options);
  blocks = 5 * diffusion_params_get_total (task->params) * sizeof (float);
  options.memory_limit = 1;
  least = diffusion_train_plan_bytes (task, &options);
  g_test_message ("%" G_GSIZE_FORMAT " bytes, of which %" G_GSIZE_FORMAT " are weights; with recomputation %" G_GSIZE_FORMAT,
                  all, blocks, least);
  g_assert_cmpuint (least, <, all);
  g_assert_cmpuint (least, >, blocks);

  free_weights = shown_train (&shown, "free");
  limit = g_strdup_printf ("%" G_GSIZE_FORMAT, (least + all) / 2);
  shown_set (&shown, "memory", limit);
  tight = shown_train (&shown, "tight");
  g_assert_cmpmem (free_weights, diffusion_params_get_total (task->params) * sizeof (float), tight,
                   diffusion_params_get_total (task->params) * sizeof (float));

  folder = g_build_filename (shown.folder, "refused", NULL);
  options.memory_limit = least - 1;
  g_assert_false (diffusion_train (task, &options, folder, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY);
  shown_clear (&shown);
}

/* Every combination trains a step with a finite gradient. */
static void
test_objectives (void)
{
  static const char *const predictions[] = { "epsilon", "x0", "mu", "v" };
  static const char *const losses[][2] = { { "mse", "fixed-small" },    { "l1", "fixed-large" }, { "bound", "fixed-small" },
                                           { "hybrid", "learned-range" }, { "bound", "learned" } };
  static const char *const distributions[] = { "uniform", "low", "importance" };
  guint number = 0;

  for (gsize p = 0; p < G_N_ELEMENTS (predictions); p++)
    for (gsize l = 0; l < G_N_ELEMENTS (losses); l++)
      {
        Shown shown;
        g_autofree float *weights = NULL;
        g_autofree char *out = g_strdup_printf ("out%u", number);

        shown_init (&shown, names, FALSE);
        shown_set (&shown, "widths", "8,16");
        shown_set (&shown, "diffusion-steps", "100");
        shown_set (&shown, "steps", "3");
        shown_set (&shown, "batch", "4");
        shown_set (&shown, "micro-batch", number % 2 ? "3" : "0");
        shown_set (&shown, "predict", predictions[p]);
        shown_set (&shown, "loss", losses[l][0]);
        shown_set (&shown, "variance", losses[l][1]);
        shown_set (&shown, "t-distribution", distributions[number % G_N_ELEMENTS (distributions)]);
        if (l < 2)
          shown_set (&shown, "weighting", number % 2 ? "min-snr" : "p2");
        weights = shown_train (&shown, out);
        g_assert_true (isfinite (weights[0]));
        shown_clear (&shown);
        number++;
      }
}

/* Splitting a batch changes nothing but rounding; other examples would change ten times as much. Where a gradient is
 * rounding alone, Adam makes steps of it. */
static void
test_micro_batches (void)
{
  Shown shown;
  g_autofree float *whole = NULL, *split = NULL;
  double difference = 0, size = 0;
  gsize n;

  shown_init (&shown, names, FALSE);
  shown_set (&shown, "steps", "5");
  shown_set (&shown, "batch", "8");
  whole = shown_train (&shown, "whole");
  shown_set (&shown, "micro-batch", "3");
  split = shown_train (&shown, "split");
  {
    DiffusionUnetTaskOptions unet = shown_unet (&shown);
    g_autoptr (DiffusionTrainTask) task = diffusion_unet_task_new (&unet, shown.dataset, NULL);

    n = diffusion_params_get_total (task->params);
  }
  for (gsize i = 0; i < n; i++)
    {
      difference += pow ((double) whole[i] - split[i], 2);
      size += pow (whole[i], 2);
    }
  g_test_message ("split batches differ by %.2g of the weights", sqrt (difference / size));
  g_assert_cmpfloat (sqrt (difference / size), <, 1e-2);
  shown_clear (&shown);
}

/* An upsampler's loss falls below what it is without looking at the small picture. */
static void
test_upsampler (void)
{
  Shown shown;
  g_autofree float *weights = NULL, *samples = NULL;
  g_autoptr (GError) error = NULL;
  DiffusionUnetTaskOptions unet;
  double sum = 0;
  gint width;

  shown_init (&shown, names, FALSE);
  shown_set (&shown, "upscale", "2");
  shown_set (&shown, "steps", "120");
  weights = shown_train (&shown, "upsampler");
  unet = shown_unet (&shown);
  g_assert_cmpint (unet.config.low_res_channels, ==, 3);
  samples = diffusion_samples_unet (&unet, shown.dataset, weights, 8, SHOWN_SIZE, 2, &width, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (width, ==, 2 * SHOWN_SIZE);
  for (gsize i = 0; i < 8 * SHOWN_SIZE; i++)
    for (gsize k = 0; k < SHOWN_SIZE * 3; k++)
      {
        const float *row = samples + i * SHOWN_SIZE * 6;

        sum += pow (row[k] - row[SHOWN_SIZE * 3 + k], 2);
      }
  sum = sqrt (sum / (8 * SHOWN_VALUES));
  g_test_message ("results are %.3f from the small pictures that they were made from", sum);
  g_assert_cmpfloat (sum, <, 0.35);
  shown_clear (&shown);
}

static void
test_settings (void)
{
  guint n;
  const DiffusionSetting *settings = diffusion_recipe_get_settings (&n);
  const DiffusionRecipePreset *presets;
  guint n_presets;

  presets = diffusion_recipe_get_presets (&n_presets);
  for (guint p = 0; p < n_presets; p++)
    {
      DiffusionRecipe recipe, again;
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) object = NULL;

      diffusion_recipe_init (&recipe);
      diffusion_recipe_use_preset (&recipe, "preset", presets[p].name, &error);
      g_assert_no_error (error);
      diffusion_recipe_check (&recipe, &error);
      g_assert_no_error (error);
      /* What is written is what is read. */
      object = diffusion_recipe_to_json (&recipe);
      diffusion_recipe_init (&again);
      diffusion_recipe_set_json (&again, "config", object, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < n; i++)
        {
          g_autofree char *one = diffusion_recipe_format (&recipe, &settings[i]);
          g_autofree char *two = diffusion_recipe_format (&again, &settings[i]);

          g_assert_cmpstr (one, ==, two);
        }
      diffusion_recipe_clear (&recipe);
      diffusion_recipe_clear (&again);
    }
}

/* Beyond its range in both directions, and nonsense: each setting is refused with its name. */
static void
test_ranges (void)
{
  guint n, refused = 0;
  const DiffusionSetting *settings = diffusion_recipe_get_settings (&n);

  for (guint i = 0; i < n; i++)
    {
      const DiffusionSetting *setting = &settings[i];
      g_autofree char *below = g_strdup_printf ("%.17g", setting->least - 1);
      g_autofree char *above = g_strdup_printf ("%.17g", 2 * setting->most + 1);
      const char *wrong[] = { below, above, "", "nonsense", "nan", "1,,2" };
      DiffusionRecipe recipe;

      if (setting->kind == DIFFUSION_SETTING_TEXT)
        continue;
      diffusion_recipe_init (&recipe);
      for (gsize k = 0; k < G_N_ELEMENTS (wrong); k++)
        {
          g_autofree char *before = diffusion_recipe_format (&recipe, setting), *after = NULL;
          g_autoptr (GError) error = NULL;

          /* An empty list is one where lists may be empty, and the widest range of whole numbers has nothing above. */
          if ((setting->fewest == 0 && wrong[k][0] == '\0' && setting->longest > 0)
              || (k == 1 && setting->most > 1e18))
            continue;
          if (diffusion_recipe_set (&recipe, setting->name, setting->name, wrong[k], TRUE, &error))
            g_error ("%s takes “%s”", setting->name, wrong[k]);
          g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
          g_assert_true (g_str_has_prefix (error->message, setting->name));
          after = diffusion_recipe_format (&recipe, setting);
          g_assert_cmpstr (before, ==, after);
          refused++;
        }
      diffusion_recipe_clear (&recipe);
    }
  g_assert_cmpuint (refused, >, 200);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/learning/weighting", test_weighting);
  g_test_add_func ("/learning/settings", test_settings);
  g_test_add_func ("/learning/ranges", test_ranges);
  g_test_add_func ("/learning/objectives", test_objectives);
  g_test_add_func ("/learning/micro-batches", test_micro_batches);
  g_test_add_func ("/learning/memory", test_memory);
  g_test_add_func ("/learning/upsampler", test_upsampler);
  return g_test_run ();
}
