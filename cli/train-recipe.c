/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the command line to a training's settings. */
#include "cli/train-recipe.h"

#include "cli/options.h"
#include "core/diffusion.h"
#include "core/model/json.h"

/* Flags of the command itself, before those of the table. */
#define N_OWN 2

/* One flag a setting, and what was given for each. */
static GOptionEntry *
make_entries (char **preset, char **config, char **values)
{
  guint n;
  const DiffusionSetting *settings = diffusion_recipe_get_settings (&n);
  GOptionEntry *entries = g_new0 (GOptionEntry, N_OWN + n + 1);

  entries[0] = (GOptionEntry) { "preset", 0, 0, G_OPTION_ARG_STRING, preset,
                                N_ ("Start from these settings; see the list below"), N_ ("NAME") };
  entries[1] = (GOptionEntry) { "config", 0, 0, G_OPTION_ARG_FILENAME, config,
                                N_ ("Settings from a JSON file, whose members are named as these flags"), N_ ("FILE") };
  for (guint i = 0; i < n; i++)
    entries[N_OWN + i] = (GOptionEntry) { settings[i].name, 0, 0, G_OPTION_ARG_STRING, &values[i], settings[i].help,
                                          settings[i].argument };
  return entries;
}

static gboolean
fill_recipe (const char *preset, const char *config, char **values, DiffusionRecipe *recipe, GError **error)
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
  if (!diffusion_recipe_use_preset (recipe, in_file != NULL ? config : "--preset", in_file != NULL ? in_file : preset,
                                    error)
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

char **
cli_train_parse (const CliVerb *verb, const char *preset, int argc, char **argv, DiffusionRecipe *recipe,
                 GError **error)
{
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
  entries = make_entries (&chosen, &config, values);
  arguments = cli_parse (verb, entries, argc, argv, error);
  ok = arguments != NULL;
  if (ok && !fill_recipe (chosen != NULL ? chosen : preset, config, values, recipe, &problem))
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
  return ok ? g_steal_pointer (&arguments) : NULL;
}
