/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user selected to work on, as copies. */
#pragma once

#include "plugin/drawable.h"

G_BEGIN_DECLS

/**
 * diffusion_drawables_copy:
 * @image: the image
 * @drawables: (array zero-terminated=1): what to work on
 * @error: return location for the first reason not to
 *
 * Refuses everything that can be refused before any work, and copies the pixels. Nothing is copied twice.
 *
 * Returns: (transfer full) (nullable) (element-type DiffusionDrawable): the copies, at least one
 */
GPtrArray *diffusion_drawables_copy (GimpImage *image, GimpDrawable **drawables, GError **error);

/** diffusion_drawables_check_pair: refuses two that pictures cannot be made between: no layers, or not of one size. */
gboolean diffusion_drawables_check_pair (GPtrArray *drawables, GError **error);

/** diffusion_drawables_check_layers: refuses what is no layer, where results go into new layers. */
gboolean diffusion_drawables_check_layers (GPtrArray *drawables, GError **error);

/** diffusion_items_are_layers: can there be new layers above them? @items: (nullable) (array zero-terminated=1). */
gboolean diffusion_items_are_layers (GimpDrawable **items);

G_END_DECLS
