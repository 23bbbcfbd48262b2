/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes safetensors files without holding them in memory. */
#pragma once

#include "core/model/tensor-file.h"

G_BEGIN_DECLS

/**
 * DiffusionTensorWriter:
 *
 * A table of tensors to be written. Nothing is copied: names and shapes are, numbers are read when the file
 * is written.
 */
typedef struct _DiffusionTensorWriter DiffusionTensorWriter;

DiffusionTensorWriter *diffusion_tensor_writer_new (void);
void diffusion_tensor_writer_free (DiffusionTensorWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionTensorWriter, diffusion_tensor_writer_free)

/** diffusion_tensor_writer_set_metadata: a string of the file's metadata. */
void diffusion_tensor_writer_set_metadata (DiffusionTensorWriter *writer, const char *key, const char *value);

/**
 * diffusion_tensor_writer_add_floats:
 * @writer: the table
 * @name: name in the file
 * @dtype: F32, F16, BF16 or F64: what to write
 * @n_dims: 0 to %DIFFUSION_TENSOR_MAX_DIMS
 * @shape: [n_dims] extents
 * @data: [shape] the numbers, row-major; must stay until the file is written
 *
 * Programming errors (a name used twice, an impossible shape) are reported when the file is written.
 */
void diffusion_tensor_writer_add_floats (DiffusionTensorWriter *writer,
                                         const char *name,
                                         DiffusionDtype dtype,
                                         gint n_dims,
                                         const gint64 *shape,
                                         const float *data);

/** diffusion_tensor_writer_add_raw: like diffusion_tensor_writer_add_floats(), @data already being of type
 * @dtype. */
void diffusion_tensor_writer_add_raw (DiffusionTensorWriter *writer,
                                      const char *name,
                                      DiffusionDtype dtype,
                                      gint n_dims,
                                      const gint64 *shape,
                                      gconstpointer data);

/**
 * diffusion_tensor_writer_write:
 * @writer: the table
 * @path: where to; replaced only by a complete file
 * @error: return location for %DIFFUSION_ERROR_INVALID, %DIFFUSION_ERROR_IO, or %DIFFUSION_ERROR_NUMERIC when
 * a finite number is too large for float16
 *
 * The bytes depend only on the tensors and metadata, not on the order in which they were added.
 */
gboolean diffusion_tensor_writer_write (DiffusionTensorWriter *writer, const char *path, GError **error);

G_END_DECLS
