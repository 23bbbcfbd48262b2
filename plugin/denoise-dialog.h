/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog of plug-in-diffusion-denoise. */
#pragma once

#include "plugin/denoise-session.h"

G_BEGIN_DECLS

/**
 * diffusion_denoise_dialog_run:
 * @procedure: the procedure
 * @config: its arguments, which the dialog changes
 * @session: what the preview computes with
 *
 * Returns: %TRUE when the user wants it done
 */
gboolean diffusion_denoise_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                                       DiffusionDenoiseSession *session);

G_END_DECLS
