/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Generate. */
#include "plugin/generate.h"

#include <string.h>

#include "core/base/i18n.h"
#include "plugin/edit-dialog.h"
#include "plugin/edit-run.h"
#include "plugin/procedure.h"

#define MAX_COUNT 1000

static gboolean
ask (DiffusionEditJob *job, GError **error)
{
  return diffusion_generate_dialog_run (job->procedure, job->config, job->sampling, job->image, job->items);
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

static gboolean
begin (DiffusionEditJob *job, GError **error)
{
  const DiffusionSettings *settings = job->settings;

  if (!check (settings, job->image, error))
    return FALSE;
  if (strcmp (settings->target, DIFFUSION_TARGET_SELECTION) != 0)
    return TRUE;
  job->drawables = diffusion_drawables_copy (job->image, job->items, error);
  return job->drawables != NULL
         && (!settings->new_layer || diffusion_drawables_check_layers (job->drawables, error));
}

/* What is selected is made anew from noise alone. */
static gboolean
compute (const DiffusionEdit *edit, DiffusionEditJob *job, GError **error)
{
  return job->drawables != NULL ? diffusion_edit_regenerate (edit, TRUE, job->drawables, &job->result, error)
                                : diffusion_edit_generate (edit, &job->result, error);
}

static gboolean
commit (DiffusionEditJob *job, DiffusionResults *results, GError **error)
{
  if (job->drawables != NULL)
    return diffusion_results_commit_drawables (results, job->drawables, error);
  if (strcmp (job->settings->target, DIFFUSION_TARGET_LAYER) == 0)
    return diffusion_results_add_layers (results, job->image, error);
  job->image = diffusion_results_new_image (results, error);
  if (job->image != NULL && job->run_mode != GIMP_RUN_NONINTERACTIVE)
    gimp_display_new (job->image);
  return job->image != NULL;
}

static const DiffusionEditKind kind = {
  N_ ("Generating"),
  .whole = TRUE,
  .returns_image = TRUE,
  .ask = ask,
  .begin = begin,
  .compute = compute,
  .commit = commit,
};

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config,
     gpointer run_data)
{
  return diffusion_edit_run (&kind, procedure, run_mode, image, items, config);
}

GimpProcedure *
diffusion_generate_procedure_new (GimpPlugIn *plug_in)
{
  const DiffusionProcedureInfo info = {
    .name = DIFFUSION_GENERATE_PROCEDURE,
    .label = _ ("_Generate..."),
    .blurb = _ ("Make pictures from noise with a diffusion model"),
    .help = _ ("Into a new image, new layers, or the selection of a layer, where it is made to fit what is around it. Picture "
               "number i of several has the seed + i, whatever else is made beside it. Works offline."),
    .image_types = "*",
    .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES
                   | GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES | GIMP_PROCEDURE_SENSITIVE_NO_IMAGE,
    .run = run,
  };
  GimpProcedure *procedure = diffusion_procedure_new (plug_in, &info);

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
  diffusion_settings_add_seamless (procedure, _ ("Make pictures whose opposite edges fit: tiles"));
  diffusion_settings_add_jumps (procedure);
  diffusion_settings_add_new_layer (procedure);
  diffusion_edit_add_returns (&kind, procedure);
  return procedure;
}
