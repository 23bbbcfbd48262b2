/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion train, diffusion train-classifier: a model from a folder of pictures. */
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/progress.h"
#include "cli/train-recipe.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

static void
show_report (const DiffusionTrainReport *report, gpointer data)
{
  g_autofree char *left = cli_format_seconds (report->seconds_left);

  if (!isatty (STDERR_FILENO))
    return;
  g_printerr (_ ("\rstep %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT ", loss %.4f, %.1f images/s, %s left   "),
              report->step, report->steps, report->smooth_loss, report->images_per_second, left);
}

static DiffusionDataset *
open_data (const DiffusionRecipe *recipe, const char *const *folders, GCancellable *cancellable, GError **error)
{
  return diffusion_dataset_open (folders, diffusion_pictures_open, diffusion_recipe_wants_classes (recipe),
                                 recipe->hold_out > 0 ? DIFFUSION_DATASET_TRAIN : DIFFUSION_DATASET_ALL,
                                 recipe->hold_out, recipe->cache, NULL, NULL, cancellable, error);
}

static DiffusionTrainTask *
make_task (const DiffusionRecipe *recipe, const DiffusionDataset *dataset, const DiffusionModel *init, GError **error)
{
  const char *const *classes = diffusion_dataset_get_classes (dataset);
  DiffusionPhotoTaskOptions photo;
  DiffusionUnetTaskOptions unet;

  if (recipe->network == DIFFUSION_RECIPE_PHOTO)
    return diffusion_recipe_make_photo (recipe, init, &photo, error) ? diffusion_photo_task_new (&photo, dataset)
                                                                     : NULL;
  if (!diffusion_recipe_make_unet (recipe, classes, init, &unet, error))
    return NULL;
  return diffusion_unet_task_new (&unet, dataset, error);
}

/* What the model card says of where the model comes from. */
static JsonObject *
make_card (const DiffusionRecipe *recipe, const DiffusionDataset *dataset, int argc, char **argv)
{
  JsonObject *card = json_object_new ();
  const char *const *classes = diffusion_dataset_get_classes (dataset);
  g_autoptr (GString) line = g_string_new ("diffusion");
  JsonArray *names;

  for (int i = 0; i < argc; i++)
    {
      g_autofree char *quoted = strpbrk (argv[i], " \"'\\$") != NULL ? g_shell_quote (argv[i]) : g_strdup (argv[i]);

      g_string_append_printf (line, " %s", quoted);
    }
  json_object_set_string_member (card, "command_line", line->str);
  json_object_set_int_member (card, "training_pictures", (gint64) diffusion_dataset_get_size (dataset));
  json_object_set_object_member (card, "training_settings", diffusion_recipe_to_json (recipe));
  if (classes[0] != NULL)
    {
      names = json_array_new ();
      for (guint i = 0; classes[i] != NULL; i++)
        json_array_add_string_element (names, classes[i]);
      json_object_set_array_member (card, "classes", names);
    }
  return card;
}

static gboolean
train (const CliVerb *verb, const char *preset, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  DiffusionRecipe recipe;
  DiffusionTrainOptions options;
  g_auto (GStrv) arguments = cli_train_parse (verb, preset, argc, argv, &recipe, error);
  g_autoptr (DiffusionDataset) dataset = NULL;
  g_autoptr (DiffusionModel) init = NULL;
  g_autoptr (DiffusionTrainTask) task = NULL;
  g_autoptr (JsonObject) card = NULL;
  g_autofree char *folder = NULL;
  gboolean ok = arguments != NULL && diffusion_recipe_make_options (&recipe, &options, error);

  if (ok)
    {
      guint last = g_strv_length (arguments) - 1;

      folder = g_steal_pointer (&arguments[last]);
      dataset = open_data (&recipe, (const char *const *) arguments, cancellable, error);
      if (recipe.init != NULL && dataset != NULL)
        init = diffusion_model_open (recipe.init, NULL, NULL, error);
      if (dataset != NULL && (init != NULL || recipe.init == NULL))
        task = make_task (&recipe, dataset, init, error);
      ok = task != NULL && (init == NULL || diffusion_model_load (init, task->params, error));
    }
  if (ok)
    {
      card = make_card (&recipe, dataset, argc, argv);
      options.card = card;
      ok = diffusion_train (task, &options, folder, init != NULL ? diffusion_params_get (task->params, 0)->data : NULL,
                            show_report, NULL, cancellable, error);
    }
  diffusion_recipe_clear (&recipe);
  return ok;
}

static gboolean
run_train (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  return train (verb, "photo", argc, argv, cancellable, error);
}

static gboolean
run_classifier (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  return train (verb, "texture64-classifier", argc, argv, cancellable, error);
}

const CliVerb cli_train = {
  .name = "train",
  .arguments = N_ ("DATA… OUT"),
  .brief = N_ ("train a model on folders of pictures"),
  .min_arguments = 2,
  .max_arguments = 1000,
  .run = run_train,
};

const CliVerb cli_train_classifier = {
  .name = "train-classifier",
  .arguments = N_ ("DATA… OUT"),
  .brief = N_ ("train a noisy classifier that guides a generator to classes"),
  .min_arguments = 2,
  .max_arguments = 1000,
  .run = run_classifier,
};
