/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedure plug-in-diffusion-regenerate. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

#define DIFFUSION_REGENERATE_PROCEDURE "plug-in-diffusion-regenerate"

/** diffusion_regenerate_procedure_new: (transfer full): the procedure with its arguments. */
GimpProcedure *diffusion_regenerate_procedure_new (GimpPlugIn *plug_in);

G_END_DECLS
