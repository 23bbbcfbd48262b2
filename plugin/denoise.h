/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedure plug-in-diffusion-denoise. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

#define DIFFUSION_DENOISE_PROCEDURE "plug-in-diffusion-denoise"

/** diffusion_denoise_procedure_new: (transfer full): the procedure with its arguments. */
GimpProcedure *diffusion_denoise_procedure_new (GimpPlugIn *plug_in);

G_END_DECLS
