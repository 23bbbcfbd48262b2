/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of presets below the help. */
#include "cli/train-presets.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/diffusion.h"

/* Classes to assume: the network hardly depends on it. */
#define CLASSES 10

static void
add_preset (GString *text, const DiffusionRecipePreset *preset, gboolean classifier, const double rates[2])
{
  DiffusionRecipe recipe;
  DiffusionRecipeCost cost;
  g_autoptr (GError) error = NULL;

  diffusion_recipe_init (&recipe);
  if (diffusion_recipe_use_preset (&recipe, "--preset", preset->name, &error)
      && (recipe.network == DIFFUSION_RECIPE_CLASSIFIER) == classifier
      && diffusion_recipe_estimate (&recipe, CLASSES, rates[recipe.precision], &cost, &error))
    {
      g_autofree char *memory = g_format_size (cost.memory);
      g_autofree char *parameters = g_strdup_printf ("%.2g M", (double) cost.parameters / 1e6);
      g_autofree char *speed = g_strdup_printf (cost.images_per_second < 10 ? "%.1f/s" : "%.0f/s", cost.images_per_second);

      if (cost.parameters >= 10000000)
        {
          g_free (parameters);
          parameters = g_strdup_printf ("%.0f M", (double) cost.parameters / 1e6);
        }
      g_string_append_printf (text, "  %-22s%8s%11s%9s  %s\n", preset->name, parameters, memory, speed,
                              _ (preset->brief));
    }
  diffusion_recipe_clear (&recipe);
}

char *
cli_train_describe_presets (gboolean classifier)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const double rates[2] = { diffusion_measure_rate (DIFFUSION_PRECISION_F32),
                            diffusion_measure_rate (DIFFUSION_PRECISION_BF16) };
  g_auto (GStrv) published = diffusion_presets_list ();
  guint n;
  const DiffusionRecipePreset *presets = diffusion_recipe_get_presets (&n);

  g_string_append (text, _ ("Presets, with parameters, memory (pictures not counted) and the images per second\n"
                            "expected on this machine as it is now:\n"));
  for (guint i = 0; i < n; i++)
    add_preset (text, &presets[i], classifier, rates);
  g_string_append (text, _ ("Published networks, with their own schedules, are presets too:\n "));
  for (guint i = 0; published[i] != NULL; i++)
    if ((strstr (published[i], "classifier") != NULL) == classifier)
      g_string_append_printf (text, " %s", published[i]);
  g_string_append (text, "\n\n");
  return g_string_free (g_steal_pointer (&text), FALSE);
}
