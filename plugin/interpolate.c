/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Interpolate. */
#include "plugin/interpolate.h"

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

  return diffusion_edit_interpolate (&job->edit, job->drawables->pdata[0], job->drawables->pdata[1], &job->result, error);
}

/* Two layers, or one and the argument "with". */
static GPtrArray *
copy_pair (GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config, GError **error)
{
  g_autoptr (GimpDrawable) with = NULL;
  GimpDrawable *pair[] = { NULL, NULL, NULL };
  g_autoptr (GPtrArray) copies = NULL;
  guint n = 0;

  g_object_get (config, "with", &with, NULL);
  while (items != NULL && items[n] != NULL)
    n++;
  pair[0] = n > 0 ? items[0] : NULL;
  pair[1] = n > 1 ? items[1] : with;
  if (pair[0] == NULL || pair[1] == NULL || pair[0] == pair[1] || n > 2)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("Found %u layers, expected two to make pictures between them"), pair[0] == pair[1] ? 1 : n);
      return NULL;
    }
  copies = diffusion_drawables_copy (image, pair, error);
  if (copies == NULL || !diffusion_drawables_check_pair (copies, error))
    return NULL;
  return g_steal_pointer (&copies);
}

static gboolean
check (const DiffusionSettings *settings, GError **error)
{
  DiffusionInterpolationType type;
  g_autoptr (GArray) lambdas = NULL;

  return diffusion_sampling_check (&settings->sampling, error) && diffusion_settings_get_noise (settings, &type, error)
         && (lambdas = diffusion_settings_get_lambdas (settings, error)) != NULL;
}

static gboolean
commit (Job *job, GimpImage *image, GimpProcedureConfig *config, GPtrArray *layers, GError **error)
{
  DiffusionResults results = { &job->result, job->edit.settings, config, layers };
  GimpDrawable *a = diffusion_drawable_get_drawable (job->drawables->pdata[0]);
  GimpDrawable *b = diffusion_drawable_get_drawable (job->drawables->pdata[1]);
  g_autoptr (GArray) lambdas = diffusion_settings_get_lambdas (job->edit.settings, error);

  return lambdas != NULL && diffusion_drawable_check_unchanged (job->drawables->pdata[0], error)
         && diffusion_drawable_check_unchanged (job->drawables->pdata[1], error)
         && diffusion_results_add_between (&results, image, a, b, lambdas, error);
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
  GError *error = NULL;
  gboolean done;

  diffusion_gegl_init ();
  if (run_mode == GIMP_RUN_INTERACTIVE && !diffusion_interpolate_dialog_run (procedure, config, sampling, image, items))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  settings = run_mode == GIMP_RUN_WITH_LAST_VALS ? diffusion_settings_new_last (config) : diffusion_settings_new (config);
  drawables = copy_pair (image, items, config, &error);
  if (drawables == NULL || !check (settings, &error))
    return diffusion_edit_fail (procedure, error);

  job.edit = (DiffusionEdit) { .sampling = sampling, .settings = settings };
  job.drawables = drawables;
  done = diffusion_edit_run (run_mode, _ ("Interpolating"), &job.edit,
                             diffusion_edit_count_steps (&job.edit, FALSE, drawables), compute, &job, &error);
  result = job.result;
  if (done && result.done == 0)
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  if (!done || !commit (&job, image, config, layers, &error))
    return diffusion_edit_fail (procedure, error);
  gimp_displays_flush ();
  return diffusion_edit_succeed (procedure, 1, layers);
}

GimpProcedure *
diffusion_interpolate_procedure_new (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_image_procedure_new (plug_in, DIFFUSION_INTERPOLATE_PROCEDURE,
                                                       GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure,
                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES);
  gimp_procedure_set_menu_label (procedure, _ ("_Interpolate..."));
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Diffusion");
  gimp_procedure_set_documentation (
      procedure, _ ("Make layers between two layers with a diffusion model"),
      _ ("Both layers get noise as of step t, are mixed there, and denoised: each result is a new layer, a picture of its "
         "own between the two rather than one fading into the other. The layers must be of one size."),
      DIFFUSION_INTERPOLATE_PROCEDURE);
  gimp_procedure_set_attribution (procedure, "The gimp-diffusion developers", "The gimp-diffusion developers", "2026");
  gimp_procedure_add_drawable_argument (procedure, "with", _ ("_With"),
                                        _ ("The other layer, where only one is selected"), TRUE, G_PARAM_READWRITE);
  diffusion_settings_add_sampling (procedure, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  diffusion_settings_add_t (procedure, FALSE);
  gimp_procedure_add_string_argument (procedure, "lambda", _ ("_Between"),
                                      _ ("How much of the second layer each new layer has, 0 to 1, separated by spaces"),
                                      "", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (procedure, "noise", _ ("_Noise"),
                                      _ ("shared: both layers get the same; slerp: each its own, mixed on the arc; "
                                         "inversion: what the model finds in each"),
                                      "shared", G_PARAM_READWRITE);
  diffusion_edit_add_layers (procedure);
  return procedure;
}
