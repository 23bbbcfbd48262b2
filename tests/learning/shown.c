/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of learning have in common: pictures made up from their names, and trainings of small networks. */
#include "shown.h"

#include <math.h>
#include <string.h>

#include "../folder.h"

/* One of eight patterns, or a picture of a toy class: reddish or bluish, bright or dark. */
static void
paint (const char *path, float *pixels)
{
  double number = g_ascii_strtod (strrchr (path, '/') + 1, NULL), angle = number * G_PI / 4;
  gboolean red = strstr (path, "/red/") != NULL, sea = strstr (path, "/sea/") != NULL;

  for (gint y = 0; y < SHOWN_SIZE; y++)
    for (gint x = 0; x < SHOWN_SIZE; x++)
      {
        float *pixel = pixels + (y * SHOWN_SIZE + x) * 3;
        float light = (float) (0.25 + 0.05 * number + 0.2 * (red ? x : y) / SHOWN_SIZE);

        if (red || sea)
          {
            pixel[red ? 0 : 2] = light + 0.25f;
            pixel[1] = light - 0.1f;
            pixel[red ? 2 : 0] = light - 0.2f;
          }
        else
          for (gint c = 0; c < 3; c++)
            pixel[c] = (float) (0.5 + 0.4 * cos (angle * (c + 1) + (c == 0 ? 0.8 * x : c == 1 ? 0.7 * y : 0.5 * (x + y))));
      }
}

static DiffusionPicture *
open_shown (const char *path, GError **error)
{
  static float pixels[SHOWN_VALUES];

  paint (path, pixels);
  return diffusion_picture_new_memory (SHOWN_SIZE, SHOWN_SIZE, 3, pixels, NULL);
}

void
shown_init (Shown *shown, const char *const *names, gboolean by_class)
{
  g_autoptr (GError) error = NULL;
  const char *folders[2] = { NULL, NULL };

  shown->folder = g_dir_make_tmp ("diffusion-learning-XXXXXX", &error);
  g_assert_no_error (error);
  shown->data = g_build_filename (shown->folder, "data", NULL);
  for (gsize i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (shown->data, names[i], NULL), *dir = g_path_get_dirname (path);

      g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
      g_assert_true (g_file_set_contents (path, "", 0, NULL));
    }
  folders[0] = shown->data;
  shown->dataset = diffusion_dataset_open (folders, open_shown, by_class, DIFFUSION_DATASET_ALL, 0, NULL, NULL, NULL,
                                           NULL, &error);
  g_assert_no_error (error);
  diffusion_recipe_init (&shown->recipe);
  g_assert_true (diffusion_recipe_use_preset (&shown->recipe, "preset", "tiny", &error));
  shown_set (shown, "size", "8");
  shown_set (shown, "widths", "32,48");
  shown_set (shown, "attention", "none");
  shown_set (shown, "middle-attention", "no");
  shown_set (shown, "flips", "no");
  shown_set (shown, "warmup", "20");
  shown_set (shown, "schedule", "cosine");
  shown_set (shown, "learning-rate", "0.004");
  shown_set (shown, "ema", "0.95");
  shown_set (shown, "precision", "f32");
}

void
shown_clear (Shown *shown)
{
  diffusion_dataset_free (shown->dataset);
  diffusion_recipe_clear (&shown->recipe);
  folder_remove (shown->folder);
  g_free (shown->data);
  g_free (shown->folder);
}

void
shown_set (Shown *shown, const char *name, const char *value)
{
  g_autoptr (GError) error = NULL;

  diffusion_recipe_set (&shown->recipe, name, name, value, TRUE, &error);
  g_assert_no_error (error);
}

DiffusionUnetTaskOptions
shown_unet (const Shown *shown)
{
  const char *const *classes = diffusion_dataset_get_classes (shown->dataset);
  g_autoptr (GError) error = NULL;
  DiffusionUnetTaskOptions unet;

  diffusion_recipe_make_unet (&shown->recipe, classes[0] != NULL ? classes : NULL, NULL, &unet, &error);
  g_assert_no_error (error);
  return unet;
}

static void
keep_average (const DiffusionTrainReport *report, gpointer data)
{
  GArray *weights = data;

  memcpy (weights->data, report->average, weights->len * sizeof (float));
}

float *
shown_train (Shown *shown, const char *out)
{
  g_autofree char *folder = g_build_filename (shown->folder, out, NULL);
  g_autoptr (GError) error = NULL;
  DiffusionUnetTaskOptions unet = shown_unet (shown);
  g_autoptr (DiffusionTrainTask) task = diffusion_unet_task_new (&unet, shown->dataset, &error);
  DiffusionTrainOptions options;
  GArray *weights = g_array_new (FALSE, TRUE, sizeof (float));

  g_assert_no_error (error);
  diffusion_recipe_make_options (&shown->recipe, &options, &error);
  g_assert_no_error (error);
  g_array_set_size (weights, (guint) diffusion_params_get_total (task->params));
  diffusion_train (task, &options, folder, NULL, keep_average, weights, NULL, &error);
  g_assert_no_error (error);
  return (float *) (gpointer) g_array_free (weights, FALSE);
}
