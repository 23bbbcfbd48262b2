/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Output files that appear whole or not at all. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionOutputFile:
 *
 * A file being written under a temporary name in the folder of its final name.
 */
typedef struct _DiffusionOutputFile DiffusionOutputFile;

/**
 * diffusion_output_file_new:
 * @path: final name; its folder must exist
 * @error: return location for %DIFFUSION_ERROR_IO
 *
 * Returns: (transfer full) (nullable): an empty output file
 */
DiffusionOutputFile *diffusion_output_file_new (const char *path, GError **error);

/**
 * diffusion_output_file_write:
 * @file: the output file
 * @data: (array length=bytes): what to append
 * @bytes: length of @data
 * @error: return location for %DIFFUSION_ERROR_IO (disk full, for example)
 */
gboolean
diffusion_output_file_write (DiffusionOutputFile *file, gconstpointer data, gsize bytes, GError **error);

/**
 * diffusion_output_file_commit:
 * @file: the output file
 * @error: return location for %DIFFUSION_ERROR_IO
 *
 * Flushes the file to the disk and gives it its final name, replacing what was there. @file still has to be
 * freed.
 */
gboolean diffusion_output_file_commit (DiffusionOutputFile *file, GError **error);

/** diffusion_output_file_free: frees @file (%NULL allowed); one that was not committed leaves nothing behind.
 */
void diffusion_output_file_free (DiffusionOutputFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionOutputFile, diffusion_output_file_free)

/**
 * diffusion_output_file_set_contents:
 * @path: final name
 * @data: (array length=bytes): all of the contents
 * @bytes: length of @data
 * @error: return location for %DIFFUSION_ERROR_IO
 *
 * Writes a whole file in one go, through a #DiffusionOutputFile.
 */
gboolean
diffusion_output_file_set_contents (const char *path, gconstpointer data, gsize bytes, GError **error);

/** diffusion_output_flush_folder: brings names that were given or taken in @folder to the disk. Where folders cannot be
 * flushed, the system does it in time. */
void diffusion_output_flush_folder (const char *folder);

G_END_DECLS
