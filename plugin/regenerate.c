/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Regenerate. */
#include "plugin/regenerate.h"

#include "core/base/i18n.h"
#include "core/pictures/gegl-start.h"
#include "plugin/edit-dialog.h"
#include "plugin/edit-run.h"
#include "plugin/results.h"

typedef struct
{
  DiffusionEdit edit;
  GPtrArray *drawables;
  DiffusionEditResult result;
} Job;

static gboolean
compute (gpointer data, DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable, GError **error)
{
  Job *job = data;

  return diffusion_edit_regenerate (&job->edit, FALSE, job->drawables, &job->result, error);
}

static gboolean
check (const DiffusionSettings *settings, GPtrArray *drawables, GimpImage *image, GimpRunMode run_mode, GError **error)
{
  if (!diffusion_sampling_check (&settings->sampling, error)
      || (settings->new_layer && !diffusion_drawables_check_layers (drawables, error)))
    return FALSE;
  /* Last values may be those of an image with a selection. */
  if (settings->jump_length > 0 && run_mode == GIMP_RUN_NONINTERACTIVE && gimp_selection_is_empty (image))
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("jump-length: it is for a selection"));
      return FALSE;
    }
  return TRUE;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config,
     gpointer run_data)
{
  g_autoptr (DiffusionSampling) sampling = diffusion_sampling_new ();
  g_autoptr (DiffusionSettings) settings = NULL;
  g_autoptr (GPtrArray) drawables = NULL;
  g_autoptr (GPtrArray) layers = g_ptr_array_new ();
  g_auto (DiffusionEditResult) result = { 0 };
  Job job = { 0 };
  DiffusionResults results;
  GError *error = NULL;
  gboolean done;

  diffusion_gegl_init ();
  drawables = diffusion_drawables_copy (image, items, &error);
  if (drawables == NULL)
    return diffusion_edit_fail (procedure, error);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      if (!diffusion_regenerate_dialog_run (procedure, config, sampling, image, drawables))
        return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
      /* The user could change it all meanwhile. */
      g_clear_pointer (&drawables, g_ptr_array_unref);
      drawables = diffusion_drawables_copy (image, items, &error);
      if (drawables == NULL)
        return diffusion_edit_fail (procedure, error);
    }
  settings = run_mode == GIMP_RUN_WITH_LAST_VALS ? diffusion_settings_new_last (config) : diffusion_settings_new (config);
  if (!check (settings, drawables, image, run_mode, &error))
    return diffusion_edit_fail (procedure, error);

  job.edit = (DiffusionEdit) { .sampling = sampling, .settings = settings };
  job.drawables = drawables;
  done = diffusion_edit_run (run_mode, _ ("Regenerating"), &job.edit,
                             diffusion_edit_count_steps (&job.edit, FALSE, drawables), compute, &job, &error);
  result = job.result;
  if (done && result.done == 0)
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  results = (DiffusionResults) { &result, settings, config, layers };
  if (!done || !diffusion_results_commit_drawables (&results, drawables, &error))
    return diffusion_edit_fail (procedure, error);
  gimp_displays_flush ();
  return diffusion_edit_succeed (procedure, 1, layers);
}

GimpProcedure *
diffusion_regenerate_procedure_new (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_image_procedure_new (plug_in, DIFFUSION_REGENERATE_PROCEDURE,
                                                       GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure,
                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES);
  gimp_procedure_set_menu_label (procedure, _ ("_Regenerate..."));
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Diffusion");
  gimp_procedure_set_documentation (
      procedure, _ ("Give a layer or selection up to noise and make it anew with a diffusion model"),
      _ ("The layer gets noise as of step t and is denoised from there: little noise changes details, much keeps only "
         "the rough colors. Photos and strokes of a brush work alike. With a selection, what is around it stays exactly "
         "as it is and the rest is made to fit. Works offline, in the layer's own precision; alpha does not change."),
      DIFFUSION_REGENERATE_PROCEDURE);
  gimp_procedure_set_attribution (procedure, "The gimp-diffusion developers", "The gimp-diffusion developers", "2026");
  diffusion_settings_add_sampling (procedure, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  diffusion_settings_add_t (procedure, TRUE);
  diffusion_settings_add_jumps (procedure);
  diffusion_settings_add_new_layer (procedure);
  diffusion_edit_add_layers (procedure);
  return procedure;
}
