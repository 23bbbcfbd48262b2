/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Installing a model for the user. */
#pragma once

#include <gio/gio.h>

#include "core/model/model.h"

G_BEGIN_DECLS

/* A picture of what the model is for, in its folder. */
#define DIFFUSION_THUMBNAIL_FILE "thumbnail.png"

/** diffusion_library_get_user_folder: (transfer full): where the user's own models are; existing or not. */
char *diffusion_library_get_user_folder (void);

/**
 * diffusion_library_add:
 * @path: a model folder, any file of one, or a weight file
 * @kind: what it has to be
 * @error: return location for what diffusion_model_open() reports, %DIFFUSION_ERROR_INVALID where it is a model for
 *   something else, %DIFFUSION_ERROR_NUMERIC or %DIFFUSION_ERROR_IO
 *
 * Reads the model, checks all of it and writes a copy, always as a diffusers folder, into the user's folder of models,
 * under a name of its own; a thumbnail comes with it. Nothing is left when it fails.
 *
 * Returns: (transfer full) (nullable): the name of the new model
 */
char *diffusion_library_add (const char *path, DiffusionModelKind kind, GError **error);

G_END_DECLS
