/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where models are installed, and what a user's MODEL means. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The models used where none is named. */
#define DIFFUSION_DEFAULT_PHOTO_MODEL "photo"
#define DIFFUSION_DEFAULT_TEXTURE_MODEL "texture"

/**
 * diffusion_library_get_folders:
 *
 * The folders that hold installed models, one subfolder each: those of the environment variable DIFFUSION_MODELS
 * (separated by colons), then "gimp-diffusion/models" in the user's and in the system's data folders, then where
 * this library was installed. A model in an earlier folder hides one of the same name in a later one.
 *
 * Returns: (transfer full): the folders, existing or not
 */
char **diffusion_library_get_folders (void);

/**
 * diffusion_library_list:
 *
 * Returns: (transfer full): the names of all installed models, sorted
 */
char **diffusion_library_list (void);

/**
 * diffusion_library_find:
 * @model: the name of an installed model, a model folder or a weight file; a name goes before a file of that name in
 *   the current folder
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND, naming what is installed
 *
 * Returns: (transfer full) (nullable): the folder or file
 */
char *diffusion_library_find (const char *model, GError **error);

/** diffusion_library_is_model: whether @folder looks like a model: it has a config.json. */
gboolean diffusion_library_is_model (const char *folder);

G_END_DECLS
