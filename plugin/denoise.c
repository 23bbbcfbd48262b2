/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Filters > Diffusion > Denoise. */
#include "plugin/denoise.h"

#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "core/pictures/gegl-start.h"
#include "plugin/denoise-dialog.h"
#include "plugin/denoise-session.h"
#include "plugin/procedure.h"

static void
show_progress (double fraction, gpointer data)
{
  gimp_progress_update (fraction);
}

static GimpValueArray *
fail (GimpProcedure *procedure, GError *error)
{
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_EXECUTION_ERROR, error);
}

/* The noise level that was used, on average over the drawables. */
static double
mean_sigma (DiffusionDenoiseSession *session, double sigma)
{
  guint n = diffusion_denoise_session_get_drawables (session)->len;
  double sum = 0;

  if (sigma >= 0)
    return sigma;
  for (guint i = 0; i < n; i++)
    sum += MAX (diffusion_denoise_session_get_estimate (session, i, NULL, NULL), 0); /* none where it was stopped before */
  return sum / n;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **drawables,
     GimpProcedureConfig *config, gpointer run_data)
{
  g_autoptr (DiffusionDenoiseSession) session = NULL;
  g_auto (DiffusionDenoiseSettings) settings = { 0 };
  gboolean stopped = FALSE, done;
  GimpValueArray *values;
  GError *error = NULL;

  diffusion_gegl_init ();
  session = diffusion_denoise_session_new (image, drawables, &error);
  if (!session)
    return fail (procedure, error);

  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      if (!diffusion_denoise_dialog_run (procedure, config, session))
        return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
      if (!diffusion_denoise_session_refresh (session, &error))
        return fail (procedure, error);
    }

  if (!diffusion_denoise_session_check (session, config, &error))
    return fail (procedure, error);

  diffusion_denoise_settings_get (&settings, config);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    done = diffusion_denoise_session_run_dialog (session, &settings, &stopped, &error);
  else
    {
      gimp_progress_init (_ ("Denoising"));
      done = diffusion_denoise_session_run (session, &settings, show_progress, NULL, NULL, &error);
      gimp_progress_end ();
    }
  if (!done && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&error);
      return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
    }
  if (!done || !diffusion_denoise_session_commit (session, config, stopped, &error))
    return fail (procedure, error);
  gimp_displays_flush ();

  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_SET_DOUBLE (values, 1, mean_sigma (session, settings.sigma));
  return values;
}

GimpProcedure *
diffusion_denoise_procedure_new (GimpPlugIn *plug_in)
{
  const DiffusionProcedureInfo info = {
    .name = DIFFUSION_DENOISE_PROCEDURE,
    .label = _ ("_Denoise..."),
    .blurb = _ ("Remove the noise of a photo with a diffusion model"),
    .help = _ ("Estimates the noise of each layer, or takes it as given, and replaces the layer by what a diffusion model "
               "expects without it. Works offline, in the layer's own precision and color space; alpha and what is not "
               "selected do not change."),
    .image_types = "RGB*, GRAY*",
    .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES,
    .run = run,
  };
  GimpProcedure *procedure = diffusion_procedure_new (plug_in, &info);

  gimp_procedure_add_string_argument (procedure, "model", _ ("_Model"),
                                      _ ("Name, folder or file of the diffusion model"),
                                      DIFFUSION_DEFAULT_PHOTO_MODEL, G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "sigma", _ ("_Noise level"),
                                      _ ("Standard deviation of the noise in 0 to 255 units; -1 estimates it"), -1.0,
                                      DIFFUSION_SIGMA_MAX, DIFFUSION_SIGMA_AUTO, G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "strength", _ ("_Strength (%)"),
                                      _ ("How much of the noise is taken away, 0 to 1; up to 2 takes away more than "
                                         "was found"),
                                      0.0, 2.0, 1.0, G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "luma", _ ("_Brightness (%)"),
                                      _ ("Share of the strength that noise of brightness gets, 0 to 1"), 0.0, 1.0,
                                      1.0, G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "chroma", _ ("C_olor (%)"),
                                      _ ("Share of the strength that noise of color gets, 0 to 1"), 0.0, 1.0, 1.0,
                                      G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "detail", _ ("_Detail recovery (%)"),
                                      _ ("Brings back fine structure that went with the noise, 0 to 1"), 0.0, 1.0, 0.0,
                                      G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "passes", _ ("_Passes"),
                                   _ ("1 gives the most likely picture; more passes a sharper one that is less certain, "
                                      "in as many times the time"),
                                   1, DIFFUSION_DENOISE_MAX_PASSES, 1, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (procedure, "precision", _ ("_Precision"),
                                      _ ("Of the network's products: f32, bf16, or auto: bf16 for 8 bits where the processor is faster "
                                         "with it"),
                                      diffusion_denoise_precisions[DIFFUSION_DENOISE_PRECISION_AUTO], G_PARAM_READWRITE);
  gimp_procedure_add_boolean_argument (procedure, "new-layer", _ ("Result in a new _layer"),
                                       _ ("Leave each layer as it is and put the result into a copy above it"), FALSE,
                                       G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (procedure, "noise-level", _ ("Noise level"),
                                          _ ("The noise level that was found or given; the mean of several layers"),
                                          0.0, DIFFUSION_SIGMA_MAX, 0.0, G_PARAM_READWRITE);
  return procedure;
}
