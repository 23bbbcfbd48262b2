/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Regenerate. */
#include "plugin/regenerate.h"

#include "core/base/i18n.h"
#include "plugin/edit-dialog.h"
#include "plugin/edit-run.h"
#include "plugin/procedure.h"

static gboolean
ask (DiffusionEditJob *job, GError **error)
{
  g_autoptr (GPtrArray) drawables = diffusion_drawables_copy (job->image, job->items, error);

  return drawables != NULL
         && diffusion_regenerate_dialog_run (job->procedure, job->config, job->sampling, job->image, drawables);
}

/* Tiles are made anew as a whole. */
static gboolean
check_seamless (DiffusionEditJob *job, GError **error)
{
  gboolean whole = TRUE;

  if (!job->settings->seamless)
    return TRUE;
  for (guint i = 0; i < job->drawables->len; i++)
    whole = whole && diffusion_drawable_is_whole (job->drawables->pdata[i]);
  if (whole)
    return TRUE;
  if (job->run_mode == GIMP_RUN_NONINTERACTIVE)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("seamless: it is not for a selection"));
      return FALSE;
    }
  /* Last values may be those of an image without a selection. */
  job->settings->seamless = FALSE;
  g_object_set (job->config, "seamless", FALSE, NULL);
  return TRUE;
}

static gboolean
begin (DiffusionEditJob *job, GError **error)
{
  const DiffusionSettings *settings = job->settings;

  job->drawables = diffusion_drawables_copy (job->image, job->items, error);
  if (job->drawables == NULL || !diffusion_sampling_check (&settings->sampling, error)
      || (settings->new_layer && !diffusion_drawables_check_layers (job->drawables, error)))
    return FALSE;
  if (!check_seamless (job, error))
    return FALSE;
  /* Last values may be those of an image with a selection. */
  if (settings->jump_length > 0 && job->run_mode == GIMP_RUN_NONINTERACTIVE && gimp_selection_is_empty (job->image))
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("jump-length: it is for a selection"));
      return FALSE;
    }
  return TRUE;
}

static gboolean
compute (const DiffusionEdit *edit, DiffusionEditJob *job, GError **error)
{
  return diffusion_edit_regenerate (edit, FALSE, job->drawables, &job->result, error);
}

static gboolean
commit (DiffusionEditJob *job, DiffusionResults *results, GError **error)
{
  return diffusion_results_commit_drawables (results, job->drawables, error);
}

static const DiffusionEditKind kind
    = { N_ ("Regenerating"), .ask = ask, .begin = begin, .compute = compute, .commit = commit };

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config,
     gpointer run_data)
{
  return diffusion_edit_run (&kind, procedure, run_mode, image, items, config);
}

GimpProcedure *
diffusion_regenerate_procedure_new (GimpPlugIn *plug_in)
{
  const DiffusionProcedureInfo info = {
    .name = DIFFUSION_REGENERATE_PROCEDURE,
    .label = _ ("_Regenerate..."),
    .blurb = _ ("Give a layer or selection up to noise and make it anew with a diffusion model"),
    .help = _ ("The layer gets noise as of step t and is denoised from there: little noise changes details, much keeps only "
               "the rough colors. Photos and strokes of a brush work alike. With a selection, what is around it stays exactly "
               "as it is and the rest is made to fit. Works offline, in the layer's own precision; alpha does not change."),
    .image_types = "RGB*, GRAY*",
    .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES,
    .run = run,
  };
  GimpProcedure *procedure = diffusion_procedure_new (plug_in, &info);

  diffusion_settings_add_sampling (procedure, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  diffusion_settings_add_t (procedure, TRUE);
  diffusion_settings_add_seamless (procedure, _ ("The picture is a tile and stays one: its opposite edges fit"));
  diffusion_settings_add_jumps (procedure);
  diffusion_settings_add_new_layer (procedure);
  diffusion_edit_add_returns (&kind, procedure);
  return procedure;
}
