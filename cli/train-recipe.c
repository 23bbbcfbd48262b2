/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the command line to a training's settings. */
#include "cli/train-recipe.h"

#include "cli/options.h"
#include "cli/train-presets.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/model/json.h"

/* Flags of the command itself, before those of the table. */
#define N_OWN 3

/* One flag a setting, and what was given for each. */
static GOptionEntry *
make_entries (char **preset, char **config, gboolean *show, char **values)
{
  guint n;
  const DiffusionSetting *settings = diffusion_recipe_get_settings (&n);
  GOptionEntry *entries = g_new0 (GOptionEntry, N_OWN + n + 1);

  entries[0] = (GOptionEntry) { "preset", 0, 0, G_OPTION_ARG_STRING, preset,
                                N_ ("Start from these settings; see the list below"), N_ ("NAME") };
  entries[1] = (GOptionEntry) { "config", 0, 0, G_OPTION_ARG_FILENAME, config,
                                N_ ("Settings from a JSON file, whose members are named as these flags"), N_ ("FILE") };
  entries[2] = (GOptionEntry) { "show-config", 0, 0, G_OPTION_ARG_NONE, show,
                                N_ ("Print all settings as such a file, and stop"), NULL };
  for (guint i = 0; i < n; i++)
    entries[N_OWN + i] = (GOptionEntry) { settings[i].name, 0, 0, G_OPTION_ARG_STRING, &values[i], settings[i].help,
                                          settings[i].argument };
  return entries;
}

static gboolean
fill_recipe (const char *preset, const char *otherwise, const char *config, char **values, DiffusionRecipe *recipe, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  const char *in_file = NULL;
  guint n;
  const DiffusionSetting *settings = diffusion_recipe_get_settings (&n);

  if (config != NULL)
    {
      object = diffusion_json_load_object (config, error);
      if (object == NULL || !diffusion_json_get_string (config, object, "preset", &in_file, error))
        return FALSE;
    }
  if (preset != NULL)
    in_file = NULL;
  if (!diffusion_recipe_use_preset (recipe, in_file != NULL ? config : "--preset",
                                    in_file != NULL ? in_file : preset != NULL ? preset : otherwise, error)
      || (object != NULL && !diffusion_recipe_set_json (recipe, config, object, error)))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (values[i] != NULL)
      {
        g_autofree char *where = g_strconcat ("--", settings[i].name, NULL);

        if (!diffusion_recipe_set (recipe, where, settings[i].name, values[i], TRUE, error))
          return FALSE;
      }
  return TRUE;
}

static gboolean
wants_help (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--help") || g_str_equal (argv[i], "-h") || g_str_equal (argv[i], "-?"))
      return TRUE;
  return FALSE;
}

/* The verb's part of the recipe: what train-classifier is given must be a classifier, and the other way round. */
static gboolean
check_verb (const DiffusionRecipe *recipe, gboolean classifier, GError **error)
{
  if ((recipe->network == DIFFUSION_RECIPE_CLASSIFIER) == classifier || recipe->init != NULL)
    return TRUE;
  return cli_usage_error (error, classifier ? _ ("this is no classifier's preset or network; see “diffusion train”")
                                            : _ ("this is a classifier; see “diffusion train-classifier”"));
}

static void
print_recipe (const DiffusionRecipe *recipe)
{
  g_autoptr (JsonObject) object = diffusion_recipe_to_json (recipe);
  g_autofree char *text = diffusion_json_to_string (object);

  g_print ("%s", text);
}

char **
cli_train_parse (const CliVerb *verb, const char *preset, int argc, char **argv, DiffusionRecipe *recipe,
                 gboolean *done, GError **error)
{
  gboolean classifier = verb == &cli_train_classifier, show = FALSE;
  CliVerb shown = *verb;
  g_autofree char *presets = NULL, *description = NULL;
  guint n;
  g_autofree char *chosen = NULL;
  g_autofree char *config = NULL;
  g_auto (GStrv) arguments = NULL;
  g_autofree GOptionEntry *entries = NULL;
  g_autoptr (GError) problem = NULL;
  char **values;
  gboolean ok;

  diffusion_recipe_init (recipe);
  diffusion_recipe_get_settings (&n);
  values = g_new0 (char *, n + 1);
  entries = make_entries (&chosen, &config, &show, values);
  if (wants_help (argc, argv))
    {
      presets = cli_train_describe_presets (classifier);
      shown.description = description = g_strconcat (presets, _ (verb->description), NULL);
    }
  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--show-config"))
      shown.min_arguments = 0;
  arguments = cli_parse (&shown, entries, argc, argv, error);
  ok = arguments != NULL;
  if (ok && (!fill_recipe (chosen, preset, config, values, recipe, &problem)
             || !check_verb (recipe, classifier, &problem) || !diffusion_recipe_check (recipe, &problem)))
    {
      ok = FALSE;
      if (g_error_matches (problem, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID))
        cli_usage_error (error, "%s", problem->message);
      else
        g_propagate_error (error, g_steal_pointer (&problem));
    }
  for (guint i = 0; i < n; i++)
    g_free (values[i]);
  g_free (values);
  *done = ok && show;
  if (*done)
    print_recipe (recipe);
  return ok ? g_steal_pointer (&arguments) : NULL;
}
