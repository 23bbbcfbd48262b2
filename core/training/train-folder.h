/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder that a training writes into, held by one process at a time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** diffusion_train_folder_make: makes the folder where it is missing; %FALSE with %DIFFUSION_ERROR_IO. */
gboolean diffusion_train_folder_make (const char *folder, GError **error);

/**
 * diffusion_train_folder_open:
 * @folder: made where it is missing
 *
 * Locks the folder until diffusion_train_folder_close() or the end of the process, and removes the temporary files of a
 * process that was killed while it wrote.
 *
 * Returns: a handle, or −1 with %DIFFUSION_ERROR_IO where the folder cannot be made or another training runs in it
 */
int diffusion_train_folder_open (const char *folder, GError **error);

/** diffusion_train_folder_close: −1 is allowed. */
void diffusion_train_folder_close (int handle);

G_END_DECLS
