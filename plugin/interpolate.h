/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedure plug-in-diffusion-interpolate. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

#define DIFFUSION_INTERPOLATE_PROCEDURE "plug-in-diffusion-interpolate"

/** diffusion_interpolate_procedure_new: (transfer full): the procedure with its arguments. */
GimpProcedure *diffusion_interpolate_procedure_new (GimpPlugIn *plug_in);

G_END_DECLS
