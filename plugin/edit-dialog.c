/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogs of generate, regenerate and interpolate. */
#include "plugin/edit-dialog.h"

#include <libgimp/gimpui.h>

static gboolean
run (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  GtkWidget *dialog;
  gboolean ok;

  gimp_ui_init ("gimp-diffusion");
  dialog = gimp_procedure_dialog_new (procedure, config, NULL);
  gimp_procedure_dialog_fill (GIMP_PROCEDURE_DIALOG (dialog), NULL);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog));
  gtk_widget_destroy (dialog);
  return ok;
}

gboolean
diffusion_regenerate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, DiffusionSampling *sampling,
                                 GimpImage *image, GPtrArray *drawables)
{
  return run (procedure, config);
}

gboolean
diffusion_generate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, DiffusionSampling *sampling,
                               GimpImage *image, GimpDrawable **items)
{
  return run (procedure, config);
}

gboolean
diffusion_interpolate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, DiffusionSampling *sampling,
                                  GimpImage *image, GimpDrawable **items)
{
  return run (procedure, config);
}
