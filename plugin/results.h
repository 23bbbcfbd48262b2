/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generate, regenerate and interpolate computed, put into GIMP. */
#pragma once

#include "plugin/edit.h"

G_BEGIN_DECLS

/**
 * DiffusionResults:
 * @result: what was computed
 * @settings: with these settings
 * @config: the arguments, to be remembered in the layers
 * @layers: (element-type GimpDrawable): where the results are now; filled here
 *
 * Main thread only, as everything that is said to GIMP. On errors nothing stays changed.
 */
typedef struct
{
  const DiffusionEditResult *result;
  const DiffusionSettings *settings;
  GimpProcedureConfig *config;
  GPtrArray *layers;
} DiffusionResults;

/**
 * diffusion_results_commit_drawables:
 * @drawables: (element-type DiffusionDrawable): those whose copies were written; the first @result->done of them
 *
 * Puts them into new layers above, or in place, as the settings say, as one undo step.
 */
gboolean diffusion_results_commit_drawables (DiffusionResults *self, GPtrArray *drawables, GError **error);

/** diffusion_results_new_image: (transfer full) (nullable): a new image with the pictures as its layers, the first on top. */
GimpImage *diffusion_results_new_image (DiffusionResults *self, GError **error);

/**
 * diffusion_results_add_layers:
 * @image: an RGB or grayscale image
 *
 * Adds the pictures as layers in the middle of the selection or the image, the first on top, as one undo step.
 */
gboolean diffusion_results_add_layers (DiffusionResults *self, GimpImage *image, GError **error);

/**
 * diffusion_results_add_between:
 * @image: its image
 * @layer: what the pictures lie between
 * @other: and this one
 * @lambdas: how much of it each picture has
 *
 * Adds the pictures as copies of @layer with other colors where something is selected, above it, as one undo step.
 */
gboolean diffusion_results_add_between (DiffusionResults *self, GimpImage *image, GimpDrawable *layer,
                                        GimpDrawable *other, GArray *lambdas, GError **error);

G_END_DECLS
