/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion train, diffusion train-classifier: a model from a folder of pictures. */
#include <string.h>

#include "cli/group.h"
#include "cli/options.h"
#include "cli/train-recipe.h"
#include "cli/train-watch.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

/* Of several processes the first one decodes the pictures, and then the others find them in the cache. */
static DiffusionDataset *
open_data (const DiffusionRecipe *recipe, const char *const *folders, DiffusionGroup *group, GCancellable *cancellable,
           GError **error)
{
  gboolean first = recipe->cache == NULL || diffusion_group_is_first (group);
  DiffusionDataset *dataset;

  if (!first && !diffusion_group_agree (group, TRUE, cancellable, error))
    return NULL;
  dataset = diffusion_dataset_open (folders, diffusion_pictures_open, diffusion_recipe_wants_classes (recipe),
                                    recipe->hold_out > 0 ? DIFFUSION_DATASET_TRAIN : DIFFUSION_DATASET_ALL,
                                    recipe->hold_out, recipe->cache, NULL, NULL, cancellable, error);
  if (dataset != NULL && recipe->cache != NULL && first && !diffusion_group_agree (group, TRUE, cancellable, error))
    g_clear_pointer (&dataset, diffusion_dataset_free);
  return dataset;
}

static DiffusionTrainTask *
make_task (const DiffusionRecipe *recipe, const DiffusionModel *init, CliTrainWatch *watch, GError **error)
{
  const char *const *classes = diffusion_dataset_get_classes (watch->dataset);

  if (recipe->network == DIFFUSION_RECIPE_PHOTO)
    return diffusion_recipe_make_photo (recipe, init, &watch->photo, error)
             ? diffusion_photo_task_new (&watch->photo, watch->dataset)
             : NULL;
  if (!diffusion_recipe_make_unet (recipe, classes[0] != NULL ? classes : NULL, init, &watch->unet, error))
    return NULL;
  return diffusion_unet_task_new (&watch->unet, watch->dataset, error);
}

static float *
make_weights (const DiffusionRecipe *recipe, const DiffusionModel *init, const DiffusionTrainTask *task,
              GError **error)
{
  gsize bytes = diffusion_params_get_total (task->params) * sizeof (float);
  float *weights = diffusion_try_alloc (bytes, _ ("the starting weights"), error);

  if (weights == NULL || diffusion_recipe_load_weights (init, task->params, (guint64) recipe->seed, weights, error))
    return weights;
  diffusion_free (weights);
  return NULL;
}

/* Says what is about to be trained, on what and in how much memory. */
static void
announce (DiffusionTrainTask *task, const DiffusionTrainOptions *options, const DiffusionDataset *dataset)
{
  gsize classes = g_strv_length ((char **) diffusion_dataset_get_classes (dataset));
  gsize skipped = diffusion_dataset_get_skipped (dataset);
  g_autofree char *memory = g_format_size (diffusion_train_plan_bytes (task, options));

  g_printerr (_ ("%zu pictures"), diffusion_dataset_get_size (dataset));
  if (classes > 0)
    g_printerr (_ (" in %zu classes"), classes);
  if (skipped > 0)
    g_printerr (_ (" (%zu files could not be read)"), skipped);
  g_printerr (_ (", %zu parameters, at most %s of memory\n"), diffusion_params_get_total (task->params),
              memory);
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
  /* Of tiles, all of each is seen at once, and so its mean is. */
  if (recipe->network == DIFFUSION_RECIPE_UNET && recipe->shifts && recipe->upscale == 1)
    {
      g_autofree DiffusionMeanColours *colours = diffusion_measure_colours (dataset);

      diffusion_card_add_mean_colours (card, colours);
    }
  return card;
}

/* The last argument is the output, the others are data. */
static gboolean
train (DiffusionRecipe *recipe, char **arguments, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  guint last = g_strv_length (arguments) - 1;
  g_autofree char *folder = g_steal_pointer (&arguments[last]);
  g_autoptr (DiffusionModel) init = NULL;
  g_autoptr (DiffusionDataset) dataset = NULL;
  g_autoptr (DiffusionTrainTask) task = NULL;
  g_autoptr (JsonObject) card = NULL;
  DiffusionTrainOptions options;
  CliTrainWatch watch = { .recipe = recipe, .folder = folder, .cancellable = cancellable };
  float *weights = NULL;
  gboolean done;

  if (recipe->init != NULL)
    {
      if ((init = diffusion_model_open (recipe->init, NULL, NULL, error)) == NULL)
        return FALSE;
      diffusion_recipe_use_model (recipe, init);
    }
  if (!diffusion_recipe_make_options (recipe, &options, error) || !cli_group_join (&options.group, error)
      || (dataset = open_data (recipe, (const char *const *) arguments, options.group, cancellable, error)) == NULL)
    return FALSE;
  watch.dataset = dataset;
  task = make_task (recipe, init, &watch, error);
  if (task == NULL || (init != NULL && (weights = make_weights (recipe, init, task, error)) == NULL))
    return FALSE;
  card = make_card (recipe, dataset, argc, argv);
  options.card = card;
  options.memory_taken = diffusion_dataset_get_bytes (dataset)
                         + (weights != NULL ? diffusion_params_get_total (task->params) * sizeof (float) : 0);
  if (diffusion_group_is_first (options.group))
    announce (task, &options, dataset);
  done = diffusion_train (task, &options, folder, weights, cli_train_watch_report, &watch, cancellable, error);
  cli_train_watch_end (&watch);
  diffusion_free (weights);
  return done;
}

static gboolean
run (const CliVerb *verb, const char *preset, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  DiffusionRecipe recipe;
  gboolean shown;
  g_auto (GStrv) arguments = cli_train_parse (verb, preset, argc, argv, &recipe, &shown, error);
  gboolean done = arguments != NULL && (shown || train (&recipe, arguments, argc, argv, cancellable, error));

  diffusion_recipe_clear (&recipe);
  return done;
}

static gboolean
run_train (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  return run (verb, "photo", argc, argv, cancellable, error);
}

static gboolean
run_classifier (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  return run (verb, "texture64-classifier", argc, argv, cancellable, error);
}

const CliVerb cli_train = {
  .name = "train",
  .arguments = N_ ("DATA… OUT"),
  .brief = N_ ("train a model on folders of pictures"),
  .description = N_ ("DATA are folders with PNG, JPEG, WebP and TIFF files. OUT becomes a model folder that --model reads;\n"
                     "beside it lie checkpoints, from which the same command goes on, and log.csv.\n\n"
                     "Examples:\n"
                     "  diffusion train photos my-denoiser\n"
                     "  diffusion train textures my-textures --preset texture64 --samples 24 --plot 500\n"
                     "  diffusion train cats my-cats --preset ddpm-cifar10 --init google/ddpm-cifar10-32 --memory 2G"),
  .min_arguments = 2,
  .max_arguments = 1000,
  .run = run_train,
};

const CliVerb cli_train_classifier = {
  .name = "train-classifier",
  .arguments = N_ ("DATA… OUT"),
  .brief = N_ ("train a noisy classifier that guides a generator to classes"),
  .description = N_ ("Each subfolder of DATA is a class. OUT becomes a model folder for --classifier.\n\n"
                     "Example:\n"
                     "  diffusion train-classifier textures my-classifier\n"
                     "  diffusion generate out.png --model my-textures --classifier my-classifier --class 3"),
  .min_arguments = 2,
  .max_arguments = 1000,
  .run = run_classifier,
};
