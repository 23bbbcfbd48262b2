/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Interpolate. */
#include "plugin/interpolate.h"

#include "core/base/i18n.h"
#include "plugin/edit-dialog.h"
#include "plugin/edit-run.h"
#include "plugin/procedure.h"

static gboolean
ask (DiffusionEditJob *job, GError **error)
{
  return diffusion_interpolate_dialog_run (job->procedure, job->config, job->sampling, job->image, job->items);
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
begin (DiffusionEditJob *job, GError **error)
{
  DiffusionInterpolationType type;
  g_autoptr (GArray) lambdas = NULL;

  job->drawables = copy_pair (job->image, job->items, job->config, error);
  return job->drawables != NULL && diffusion_sampling_check (&job->settings->sampling, error)
         && diffusion_settings_get_noise (job->settings, &type, error)
         && (lambdas = diffusion_settings_get_lambdas (job->settings, error)) != NULL;
}

static gboolean
compute (const DiffusionEdit *edit, DiffusionEditJob *job, GError **error)
{
  return diffusion_edit_interpolate (edit, job->drawables->pdata[0], job->drawables->pdata[1], &job->result, error);
}

static gboolean
commit (DiffusionEditJob *job, DiffusionResults *results, GError **error)
{
  DiffusionDrawable *a = job->drawables->pdata[0], *b = job->drawables->pdata[1];
  g_autoptr (GArray) lambdas = diffusion_settings_get_lambdas (job->settings, error);

  return lambdas != NULL && diffusion_drawable_check_unchanged (a, error) && diffusion_drawable_check_unchanged (b, error)
         && diffusion_results_add_between (results, job->image, diffusion_drawable_get_drawable (a),
                                           diffusion_drawable_get_drawable (b), lambdas, error);
}

static const DiffusionEditKind kind
    = { N_ ("Interpolating"), .ask = ask, .begin = begin, .compute = compute, .commit = commit };

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config,
     gpointer run_data)
{
  return diffusion_edit_run (&kind, procedure, run_mode, image, items, config);
}

GimpProcedure *
diffusion_interpolate_procedure_new (GimpPlugIn *plug_in)
{
  const DiffusionProcedureInfo info = {
    .name = DIFFUSION_INTERPOLATE_PROCEDURE,
    .label = _ ("_Interpolate..."),
    .blurb = _ ("Make layers between two layers with a diffusion model"),
    .help = _ ("Both layers get noise as of step t, are mixed there, and denoised: each result is a new layer, a picture of its "
               "own between the two rather than one fading into the other. The layers must be of one size."),
    .image_types = "RGB*, GRAY*",
    .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES,
    .run = run,
  };
  GimpProcedure *procedure = diffusion_procedure_new (plug_in, &info);

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
  diffusion_edit_add_returns (&kind, procedure);
  return procedure;
}
