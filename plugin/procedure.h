/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What GIMP is told of every procedure of the plug-in. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

/**
 * DiffusionProcedureInfo:
 * @name: as scripts call it
 * @label: in the menu Filters > Diffusion
 * @blurb: one line of what it does
 * @help: more of it
 * @image_types: as gimp_procedure_set_image_types() has them
 * @sensitivity: when it can be chosen
 * @run: does it
 *
 * Texts are in the user's language.
 */
typedef struct
{
  const char *name, *label, *blurb, *help, *image_types;
  GimpProcedureSensitivityMask sensitivity;
  GimpRunImageFunc run;
} DiffusionProcedureInfo;

/** diffusion_procedure_new: (transfer full): a procedure without arguments of its own so far. */
GimpProcedure *diffusion_procedure_new (GimpPlugIn *plug_in, const DiffusionProcedureInfo *info);

G_END_DECLS
