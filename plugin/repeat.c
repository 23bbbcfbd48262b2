/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Repeat with These Settings: what made the chosen layer, with the same model, settings and seed. */
#include "plugin/repeat.h"

#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "plugin/remember.h"

static GimpValueArray *
fail (GimpProcedure *procedure, GError *error)
{
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_EXECUTION_ERROR, error);
}

/* The procedure that @item was made by, with the settings that it remembers. */
static GimpProcedure *
find_procedure (GimpItem *item, GError **error)
{
  g_autofree char *name = diffusion_recall_procedure (item);
  GimpProcedure *procedure = name ? gimp_pdb_lookup_procedure (gimp_get_pdb (), name) : NULL;
  g_autofree char *layer = NULL;

  if (procedure)
    return procedure;
  layer = gimp_item_get_name (item);
  if (name)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                 _ ("“%s” was made by “%s”, which this version does not have."), layer, name);
  else
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("“%s” was not made by a diffusion filter, so there are no settings to repeat."), layer);
  return NULL;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **drawables,
     GimpProcedureConfig *config, gpointer run_data)
{
  GimpProcedure *other;
  GimpProcedureConfig *settings;
  GimpDrawable *target;
  GimpValueArray *values;
  GError *error = NULL;

  if (!drawables[0] || drawables[1])
    {
      g_set_error_literal (&error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("Choose one layer whose settings to repeat."));
      return fail (procedure, error);
    }
  other = find_procedure (GIMP_ITEM (drawables[0]), &error);
  if (!other)
    return fail (procedure, error);

  settings = gimp_procedure_create_config (other);
  target = diffusion_recall_source (GIMP_ITEM (drawables[0]), image);
  diffusion_recall (GIMP_ITEM (drawables[0]), gimp_procedure_get_name (other), settings);
  g_object_set (settings, "run-mode", GIMP_RUN_NONINTERACTIVE, NULL);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (settings), "image"))
    g_object_set (settings, "image", image, NULL);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (settings), "drawables"))
    {
      GimpDrawable *targets[] = { target ? target : drawables[0], NULL };

      gimp_procedure_config_set_core_object_array (settings, "drawables", (GObject **) targets, 1);
    }

  gimp_progress_init (_ ("Repeating"));
  values = gimp_procedure_run_config (other, settings);
  g_object_unref (settings);
  gimp_progress_end ();
  gimp_displays_flush ();
  if (GIMP_VALUES_GET_ENUM (values, 0) != GIMP_PDB_SUCCESS)
    {
      const char *message = gimp_value_array_length (values) > 1 ? GIMP_VALUES_GET_STRING (values, 1) : NULL;

      g_set_error_literal (&error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO,
                           message ? message : _ ("The filter failed and did not say why."));
      gimp_value_array_unref (values);
      return fail (procedure, error);
    }
  gimp_value_array_unref (values);
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
}

GimpProcedure *
diffusion_repeat_procedure_new (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure
      = gimp_image_procedure_new (plug_in, DIFFUSION_REPEAT_PROCEDURE, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE);
  gimp_procedure_set_menu_label (procedure, _ ("Repeat with These _Settings"));
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Diffusion");
  gimp_procedure_set_documentation (
      procedure, _ ("Do again what made this layer"),
      _ ("Runs the diffusion filter that the layer was made by, with the model, settings and seed that the layer "
         "remembers: on the layer it was made from where that still exists, otherwise on the layer itself."),
      DIFFUSION_REPEAT_PROCEDURE);
  gimp_procedure_set_attribution (procedure, "The gimp-diffusion developers", "The gimp-diffusion developers", "2026");
  return procedure;
}
