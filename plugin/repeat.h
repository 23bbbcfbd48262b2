/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The procedure plug-in-diffusion-repeat. */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

#define DIFFUSION_REPEAT_PROCEDURE "plug-in-diffusion-repeat"

/** diffusion_repeat_procedure_new: (transfer full): does again what a layer remembers was done to it. */
GimpProcedure *diffusion_repeat_procedure_new (GimpPlugIn *plug_in);

G_END_DECLS
