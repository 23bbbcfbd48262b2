/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was done to a layer, kept in the layer. */
#pragma once

#include <json-glib/json-glib.h>
#include <libgimp/gimp.h>

G_BEGIN_DECLS

/* The parasite: JSON with "procedure", "version", "model", "model_hash" and the procedure's own settings. */
#define DIFFUSION_PARASITE "gimp-diffusion"

/**
 * diffusion_remember:
 * @item: a layer or channel that was worked on
 * @procedure: name of the procedure
 * @config: its arguments
 * @model_path: folder or file of the model that was used
 * @more: (nullable): what the arguments do not say, or say otherwise; a "model_hash" here is not computed again
 *
 * Attaches the settings to @item, as part of its undo history and saved with it.
 */
void diffusion_remember (GimpItem *item, const char *procedure, GimpProcedureConfig *config, const char *model_path,
                         JsonObject *more);

/**
 * diffusion_recall:
 * @item: a layer or channel
 * @procedure: name of the procedure
 * @config: (nullable): where to put the settings
 *
 * Takes the settings that @procedure left in @item.
 *
 * Returns: whether there were any
 */
gboolean diffusion_recall (GimpItem *item, const char *procedure, GimpProcedureConfig *config);

/** diffusion_recall_procedure: (transfer full) (nullable): the name of the procedure that left settings in @item. */
char *diffusion_recall_procedure (GimpItem *item);

/* What to add to "more" of diffusion_remember() where a new layer was made from another, or from two: their tattoos. */
#define DIFFUSION_REMEMBER_SOURCE "source"
#define DIFFUSION_REMEMBER_WITH   "with"

/**
 * diffusion_recall_layer:
 * @item: a layer or channel
 * @name: %DIFFUSION_REMEMBER_SOURCE or %DIFFUSION_REMEMBER_WITH
 * @image: its image
 * @remembered: (out) (optional): whether it was made from such a layer, wherever that is now
 *
 * Returns: (transfer none) (nullable): the layer that @item was made from, if @image has it
 */
GimpDrawable *diffusion_recall_layer (GimpItem *item, const char *name, GimpImage *image, gboolean *remembered);

G_END_DECLS
