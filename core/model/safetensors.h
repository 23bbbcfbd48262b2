/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The safetensors format: a length, a JSON table, then the numbers. */
#pragma once

#include "core/model/tensor-file.h"

G_BEGIN_DECLS

/**
 * diffusion_safetensors_read:
 * @path: what to call the file in errors
 * @bytes: its contents, kept alive by the result
 * @error: return location for %DIFFUSION_ERROR_FORMAT, or %DIFFUSION_ERROR_UNSUPPORTED for number formats
 * unknown here
 *
 * Checks all that the format promises: the header's length and syntax, that every tensor's byte range has the
 * size its shape and number format ask for, and that the ranges follow one another without overlap or gap to
 * the end of the file.
 *
 * Returns: (transfer full) (nullable): the file
 */
DiffusionTensorFile *diffusion_safetensors_read (const char *path, GBytes *bytes, GError **error);

G_END_DECLS
