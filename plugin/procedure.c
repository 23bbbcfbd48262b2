/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Declares a procedure. */
#include "plugin/procedure.h"

#define MENU    "<Image>/Filters/Diffusion"
#define AUTHORS "The gimp-diffusion developers"
#define YEAR    "2026"

GimpProcedure *
diffusion_procedure_new (GimpPlugIn *plug_in, const DiffusionProcedureInfo *info)
{
  GimpProcedure *procedure
      = gimp_image_procedure_new (plug_in, info->name, GIMP_PDB_PROC_TYPE_PLUGIN, info->run, NULL, NULL);

  gimp_procedure_set_image_types (procedure, info->image_types);
  gimp_procedure_set_sensitivity_mask (procedure, (gint) info->sensitivity);
  gimp_procedure_set_menu_label (procedure, info->label);
  gimp_procedure_add_menu_path (procedure, MENU);
  gimp_procedure_set_documentation (procedure, info->blurb, info->help, info->name);
  gimp_procedure_set_attribution (procedure, AUTHORS, AUTHORS, YEAR);
  return procedure;
}
