/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Repeat with These Settings: what made the chosen layer, with the same model, settings and seed. */
#include "plugin/repeat.h"

#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "plugin/denoise.h"
#include "plugin/generate.h"
#include "plugin/interpolate.h"
#include "plugin/procedure.h"
#include "plugin/regenerate.h"
#include "plugin/remember.h"

static GimpValueArray *
fail (GimpProcedure *procedure, GError *error)
{
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_EXECUTION_ERROR, error);
}

/* The procedure that @item was made by. What a file says must not make GIMP run anything else. */
static GimpProcedure *
find_procedure (GimpItem *item, GError **error)
{
  static const char *const ours[] = { DIFFUSION_DENOISE_PROCEDURE, DIFFUSION_GENERATE_PROCEDURE,
                                      DIFFUSION_INTERPOLATE_PROCEDURE, DIFFUSION_REGENERATE_PROCEDURE, NULL };
  g_autofree char *name = diffusion_recall_procedure (item);
  GimpProcedure *procedure
      = name && g_strv_contains (ours, name) ? gimp_pdb_lookup_procedure (gimp_get_pdb (), name) : NULL;
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

/* The settings that @item remembers, to run on the layers it was made from, or on itself where it knows of none. */
static GimpProcedureConfig *
make_config (GimpProcedure *other, GimpImage *image, GimpDrawable *item, GError **error)
{
  g_autoptr (GimpProcedureConfig) config = gimp_procedure_create_config (other);
  GObjectClass *class = G_OBJECT_GET_CLASS (config);
  gboolean has_source, has_with;
  GimpDrawable *source = diffusion_recall_layer (GIMP_ITEM (item), DIFFUSION_REMEMBER_SOURCE, image, &has_source);
  GimpDrawable *with = diffusion_recall_layer (GIMP_ITEM (item), DIFFUSION_REMEMBER_WITH, image, &has_with);
  GimpDrawable *targets[] = { source ? source : item, NULL };

  if (has_with && (!source || !with))
    {
      g_autofree char *name = gimp_item_get_name (GIMP_ITEM (item));

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("“%s” was made from two layers that are not both in this image any more."), name);
      return NULL;
    }
  diffusion_recall (GIMP_ITEM (item), gimp_procedure_get_name (other), config);
  g_object_set (config, "run-mode", GIMP_RUN_NONINTERACTIVE, "image", image, NULL);
  gimp_procedure_config_set_core_object_array (config, "drawables", (GObject **) targets, 1);
  if (with && g_object_class_find_property (class, "with"))
    g_object_set (config, "with", with, NULL);
  return g_steal_pointer (&config);
}

/* An image that was made has no window yet. */
static void
show_images (GimpValueArray *values, GimpImage *image)
{
  for (gint i = 1; i < gimp_value_array_length (values); i++)
    {
      const GValue *value = gimp_value_array_index (values, i);

      GimpImage *made = GIMP_VALUE_HOLDS_IMAGE (value) ? g_value_get_object (value) : NULL;

      if (made && made != image)
        gimp_display_new (made);
    }
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **drawables,
     GimpProcedureConfig *config, gpointer run_data)
{
  GimpProcedure *other;
  g_autoptr (GimpProcedureConfig) settings = NULL;
  GimpValueArray *values;
  GError *error = NULL;

  if (!drawables[0] || drawables[1])
    {
      g_set_error_literal (&error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("Choose one layer whose settings to repeat."));
      return fail (procedure, error);
    }
  other = find_procedure (GIMP_ITEM (drawables[0]), &error);
  settings = other ? make_config (other, image, drawables[0], &error) : NULL;
  if (!settings)
    return fail (procedure, error);

  gimp_progress_init (_ ("Repeating"));
  values = gimp_procedure_run_config (other, settings);
  gimp_progress_end ();
  if (GIMP_VALUES_GET_ENUM (values, 0) != GIMP_PDB_SUCCESS)
    {
      const char *message = gimp_value_array_length (values) > 1 ? GIMP_VALUES_GET_STRING (values, 1) : NULL;

      g_set_error_literal (&error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO,
                           message ? message : _ ("The filter failed and did not say why."));
      gimp_value_array_unref (values);
      return fail (procedure, error);
    }
  if (run_mode != GIMP_RUN_NONINTERACTIVE)
    show_images (values, image);
  gimp_value_array_unref (values);
  gimp_displays_flush ();
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
}

GimpProcedure *
diffusion_repeat_procedure_new (GimpPlugIn *plug_in)
{
  const DiffusionProcedureInfo info = {
    .name = DIFFUSION_REPEAT_PROCEDURE,
    .label = _ ("Repeat with These _Settings"),
    .blurb = _ ("Do again what made this layer"),
    .help = _ ("Runs the diffusion filter that the layer was made by, with the model, settings and seed that the layer "
               "remembers: on the layer it was made from where that still exists, otherwise on the layer itself."),
    .image_types = "RGB*, GRAY*",
    .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE,
    .run = run,
  };

  return diffusion_procedure_new (plug_in, &info);
}
