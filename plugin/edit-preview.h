/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preview of generate, regenerate and interpolate: computed by the code that does the work. */
#pragma once

#include "plugin/edit.h"
#include "ui/preview-area.h"

G_BEGIN_DECLS

/**
 * DiffusionEditPreview:
 *
 * Shows what settings will give, step by step while it is computed. Of what would take long only the visible part is
 * computed.
 */
typedef struct _DiffusionEditPreview DiffusionEditPreview;

/**
 * diffusion_edit_preview_new:
 * @config: the arguments
 * @sampling: keeps the models open
 * @drawables: (element-type DiffusionDrawable) (nullable): what is made anew, or what pictures are made between; %NULL
 *   for pictures from nothing
 * @whole: the first drawable is made anew from noise alone
 * @width: columns of pictures from nothing
 * @height: rows of them
 *
 * The objects have to outlive it.
 */
DiffusionEditPreview *diffusion_edit_preview_new (GimpProcedureConfig *config, DiffusionSampling *sampling,
                                                  GPtrArray *drawables, gboolean whole, gint width, gint height);

/** diffusion_edit_preview_free: stops it; after its widget was destroyed, or before. */
void diffusion_edit_preview_free (DiffusionEditPreview *self);

/** diffusion_edit_preview_get_area: (transfer none): its widget. */
DiffusionPreviewArea *diffusion_edit_preview_get_area (DiffusionEditPreview *self);

/** diffusion_edit_preview_invalidate: the settings changed. */
void diffusion_edit_preview_invalidate (DiffusionEditPreview *self);

/** diffusion_edit_preview_stop: cancels, and waits until nothing is computed any more. */
void diffusion_edit_preview_stop (DiffusionEditPreview *self);

/**
 * diffusion_edit_preview_get_cost:
 * @seconds: (out): how long the whole work will take; negative before it is known
 * @bytes: (out): how much memory it needs
 *
 * Returns: whether anything is known
 */
gboolean diffusion_edit_preview_get_cost (DiffusionEditPreview *self, double *seconds, double *bytes);

G_END_DECLS
