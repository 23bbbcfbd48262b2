/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A GIMP drawable as pictures for the core: pixels are copied out before the work and put back after it. */
#pragma once

#include <libgimp/gimp.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

typedef struct _DiffusionDrawable DiffusionDrawable;

/**
 * diffusion_drawable_check:
 * @drawable: what the user chose
 * @image: the image it should be in
 * @error: return location for the reason, in the user's language
 *
 * Can its pixels be changed? Layers and channels of RGB and grayscale images can, masks too; groups, text and other layers
 * without pixels of their own, indexed images and locked layers cannot.
 */
gboolean diffusion_drawable_check (GimpDrawable *drawable, GimpImage *image, GError **error);

/**
 * diffusion_drawable_new:
 * @drawable: one that passed diffusion_drawable_check()
 * @error: return location for an error
 *
 * Copies the pixels and finds out what the selection lets change. Main thread only, as everything that is said
 * to GIMP; what it returns can then be used in one other thread at a time.
 *
 * Returns: (transfer full) (nullable): the copy, or %NULL with @error set
 */
DiffusionDrawable *diffusion_drawable_new (GimpDrawable *drawable, GError **error);

void diffusion_drawable_free (DiffusionDrawable *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionDrawable, diffusion_drawable_free)

/** diffusion_drawable_get_drawable: (transfer none): whose pixels these are. */
GimpDrawable *diffusion_drawable_get_drawable (DiffusionDrawable *self);

/** diffusion_drawable_get_extent: all its pixels; begins at 0, 0. */
const GeglRectangle *diffusion_drawable_get_extent (DiffusionDrawable *self);

/** diffusion_drawable_get_channels: of its pictures, 1 or 3. */
gint diffusion_drawable_get_channels (DiffusionDrawable *self);

/** diffusion_drawable_get_region: the bounds of what may change, in the drawable's own pixels. */
const GeglRectangle *diffusion_drawable_get_region (DiffusionDrawable *self);

/** diffusion_drawable_is_whole: may every pixel of it change? */
gboolean diffusion_drawable_is_whole (DiffusionDrawable *self);

/** diffusion_drawable_has_result: was anything written to its picture? */
gboolean diffusion_drawable_has_result (DiffusionDrawable *self);

/** diffusion_drawable_get_bytes: memory its copies take once the region is written. */
gsize diffusion_drawable_get_bytes (DiffusionDrawable *self);

/**
 * diffusion_drawable_copy_mask:
 *
 * Returns: (transfer full) (nullable): [height, width] of the region: 1 where a pixel is selected, however little, 0
 *   where it is not; %NULL where all are
 */
float *diffusion_drawable_copy_mask (DiffusionDrawable *self);

/**
 * diffusion_drawable_open:
 *
 * Reading gives the pixels as they were copied; what is written goes to the result, as far as it is in the
 * region. Alpha, and samples that are no numbers, stay as they were.
 *
 * Returns: (transfer full): all pixels as a picture, in the drawable's own colour space
 */
DiffusionPicture *diffusion_drawable_open (DiffusionDrawable *self);

/**
 * diffusion_drawable_render:
 * @area: a rectangle inside the drawable
 * @colors: (nullable): [height, width, channels], new colours for it, as they would be written to its picture;
 *   %NULL for its own
 * @pixels: (out caller-allocates): [height, width], ARGB32 as cairo has it
 *
 * Draws a part as it looks now, or as it would with other colours taken through the selection. Any thread.
 */
void diffusion_drawable_render (DiffusionDrawable *self, const GeglRectangle *area, const float *colors,
                                guint32 *pixels);

/** diffusion_drawable_check_unchanged: refuses where drawable or selection are not what was copied any more. */
gboolean diffusion_drawable_check_unchanged (DiffusionDrawable *self, GError **error);

/**
 * diffusion_drawable_commit:
 * @self: one whose region was written
 * @error: return location for an error
 *
 * Puts the result into the drawable through the selection, as one undo step. diffusion_drawable_check_unchanged() first.
 */
gboolean diffusion_drawable_commit (DiffusionDrawable *self, GError **error);

/**
 * diffusion_drawable_commit_as_layer:
 * @self: one whose region was written, of a layer
 * @name: what the new layer is called
 * @error: return location for an error
 *
 * Puts the result into a copy of the layer, above it. Several undo steps: to be called inside an undo group, and after
 * diffusion_drawable_check_unchanged(). Afterwards the copy is the drawable.
 */
gboolean diffusion_drawable_commit_as_layer (DiffusionDrawable *self, const char *name, GError **error);

G_END_DECLS
