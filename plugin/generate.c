/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Generate. */
#include "plugin/generate.h"

#include <string.h>

#include "core/base/i18n.h"
#include "core/pictures/gegl-start.h"
#include "plugin/edit-dialog.h"
#include "plugin/edit-run.h"
#include "plugin/results.h"

#define MAX_COUNT 1000

typedef struct
{
  DiffusionEdit edit;
  GimpImage *image;     /* (nullable) */
  GPtrArray *drawables; /* (nullable): what the selection is made anew in */
  DiffusionEditResult result;
} Job;

static gboolean
compute (gpointer data, DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable, GError **error)
{
  Job *job = data;

  return job->drawables != NULL ? diffusion_edit_regenerate (&job->edit, TRUE, job->drawables, &job->result, error)
                                : diffusion_edit_generate (&job->edit, &job->result, error);
}

static gboolean
check (const DiffusionSettings *settings, GimpImage *image, GError **error)
{
  static const char *const targets[] = { DIFFUSION_TARGET_IMAGE, DIFFUSION_TARGET_LAYER, DIFFUSION_TARGET_SELECTION, NULL };
  const char *target = settings->target != NULL ? settings->target : "", *reason = NULL;
  gint width, height;

  if (!diffusion_sampling_check (&settings->sampling, error))
    return FALSE;
  if (!g_strv_contains (targets, target))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("target: found “%s”, expected one of: image, layer, selection"), target);
      return FALSE;
    }
  /* Only whether it can be understood: the model's own size is not known yet. */
  if (!diffusion_settings_get_size (settings, 1, &width, &height, error))
    return FALSE;
  if (strcmp (target, DIFFUSION_TARGET_IMAGE) == 0)
    return TRUE;
  if (image == NULL)
    reason = _ ("target: there is no image; expected “image”");
  else if (gimp_image_get_base_type (image) == GIMP_INDEXED)
    reason = _ ("The image has indexed colors. Convert it to RGB or grayscale first.");
  else if (strcmp (target, DIFFUSION_TARGET_SELECTION) == 0 && gimp_selection_is_empty (image))
    reason = _ ("Nothing is selected.");
  else if (strcmp (target, DIFFUSION_TARGET_SELECTION) == 0 && settings->count > 1)
    reason = _ ("count: a selection is filled once; expected 1");
  else if (strcmp (target, DIFFUSION_TARGET_SELECTION) == 0 && settings->seamless)
    reason = _ ("seamless: it is not for a selection");
  if (reason == NULL)
    return TRUE;
  g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, reason);
  return FALSE;
}

static GimpValueArray *
commit (Job *job, GimpProcedure *procedure, GimpRunMode run_mode, GimpProcedureConfig *config, GError **error)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  DiffusionResults results = { &job->result, job->edit.settings, config, layers };
  GimpImage *image = job->image;
  GimpValueArray *values;

  if (job->drawables != NULL)
    {
      if (!diffusion_results_commit_drawables (&results, job->drawables, error))
        return NULL;
    }
  else if (strcmp (job->edit.settings->target, DIFFUSION_TARGET_LAYER) == 0)
    {
      if (!diffusion_results_add_layers (&results, image, error))
        return NULL;
    }
  else
    {
      image = diffusion_results_new_image (&results, error);
      if (image == NULL)
        return NULL;
      if (run_mode != GIMP_RUN_NONINTERACTIVE)
        gimp_display_new (image);
    }
  values = diffusion_edit_succeed (procedure, 2, layers);
  GIMP_VALUES_SET_IMAGE (values, 1, image);
  return values;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config,
     gpointer run_data)
{
  g_autoptr (DiffusionSampling) sampling = diffusion_sampling_new ();
  g_autoptr (DiffusionSettings) settings = NULL;
  g_autoptr (GPtrArray) drawables = NULL;
  g_auto (DiffusionEditResult) result = { 0 };
  GimpValueArray *values = NULL;
  Job job = { .image = image };
  GError *error = NULL;
  gboolean done;

  diffusion_gegl_init ();
  if (run_mode == GIMP_RUN_INTERACTIVE && !diffusion_generate_dialog_run (procedure, config, sampling, image, items))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  settings = run_mode == GIMP_RUN_WITH_LAST_VALS ? diffusion_settings_new_last (config) : diffusion_settings_new (config);
  if (!check (settings, image, &error))
    return diffusion_edit_fail (procedure, error);
  if (strcmp (settings->target, DIFFUSION_TARGET_SELECTION) == 0)
    {
      drawables = diffusion_drawables_copy (image, items, &error);
      if (drawables == NULL || (settings->new_layer && !diffusion_drawables_check_layers (drawables, &error)))
        return diffusion_edit_fail (procedure, error);
    }

  job.edit = (DiffusionEdit) { .sampling = sampling, .settings = settings };
  job.drawables = drawables;
  done = diffusion_edit_run (run_mode, _ ("Generating"), &job.edit,
                             diffusion_edit_count_steps (&job.edit, TRUE, drawables), compute, &job, &error);
  result = job.result;
  if (done && result.done == 0)
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  if (done)
    values = commit (&job, procedure, run_mode, config, &error);
  if (values == NULL)
    return diffusion_edit_fail (procedure, error);
  gimp_displays_flush ();
  return values;
}

GimpProcedure *
diffusion_generate_procedure_new (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_image_procedure_new (plug_in, DIFFUSION_GENERATE_PROCEDURE, GIMP_PDB_PROC_TYPE_PLUGIN,
                                                       run, NULL, NULL);

  gimp_procedure_set_image_types (procedure, "*");
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES
                                                      | GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES
                                                      | GIMP_PROCEDURE_SENSITIVE_NO_IMAGE);
  gimp_procedure_set_menu_label (procedure, _ ("_Generate..."));
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Diffusion");
  gimp_procedure_set_documentation (
      procedure, _ ("Make pictures from noise with a diffusion model"),
      _ ("Into a new image, new layers, or the selection of a layer, where it is made to fit what is around it. Picture "
         "number i of several has the seed + i, whatever else is made beside it. Works offline."),
      DIFFUSION_GENERATE_PROCEDURE);
  gimp_procedure_set_attribution (procedure, "The gimp-diffusion developers", "The gimp-diffusion developers", "2026");
  gimp_procedure_add_string_argument (procedure, "target", _ ("_Into"),
                                      _ ("image: a new image; layer: new layers of the image; selection: what is selected "
                                         "of the layer"),
                                      DIFFUSION_TARGET_IMAGE, G_PARAM_READWRITE);
  diffusion_settings_add_sampling (procedure, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  gimp_procedure_add_string_argument (procedure, "size", _ ("Si_ze"),
                                      _ ("Size of a picture, as 256 or 320x200; empty for the model's own"), "",
                                      G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "count", _ ("C_ount"), _ ("Pictures to make, each a layer"), 1, MAX_COUNT, 1,
                                   G_PARAM_READWRITE);
  gimp_procedure_add_boolean_argument (procedure, "seamless", _ ("Sea_mless"),
                                       _ ("Make pictures whose opposite edges fit: tiles"), FALSE, G_PARAM_READWRITE);
  diffusion_settings_add_jumps (procedure);
  diffusion_settings_add_new_layer (procedure);
  gimp_procedure_add_image_return_value (procedure, "image", _ ("Image"), _ ("The image that the pictures are in"), FALSE,
                                         G_PARAM_READWRITE);
  diffusion_edit_add_layers (procedure);
  return procedure;
}
