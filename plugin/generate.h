/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedure plug-in-diffusion-generate. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

#define DIFFUSION_GENERATE_PROCEDURE "plug-in-diffusion-generate"

/** diffusion_generate_procedure_new: (transfer full): the procedure with its arguments. */
GimpProcedure *diffusion_generate_procedure_new (GimpPlugIn *plug_in);

G_END_DECLS
