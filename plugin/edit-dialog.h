/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogs of generate, regenerate and interpolate. */
#pragma once

#include "plugin/edit.h"

G_BEGIN_DECLS

/**
 * diffusion_regenerate_dialog_run:
 * @procedure: the procedure
 * @config: its arguments, which the dialog changes
 * @sampling: keeps the models that the preview opens for the work itself
 * @image: the image
 * @drawables: (element-type DiffusionDrawable): the layers
 *
 * Returns: %TRUE when the user wants it done
 */
gboolean diffusion_regenerate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                                          DiffusionSampling *sampling, GimpImage *image, GPtrArray *drawables);

/** diffusion_generate_dialog_run: likewise; @image: (nullable); @items: (array zero-terminated=1): the selected layers. */
gboolean diffusion_generate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                                        DiffusionSampling *sampling, GimpImage *image, GimpDrawable **items);

/** diffusion_interpolate_dialog_run: likewise. */
gboolean diffusion_interpolate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                                           DiffusionSampling *sampling, GimpImage *image, GimpDrawable **items);

G_END_DECLS
