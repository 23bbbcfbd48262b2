/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A weight file of any format, seen as named tensors in a mapping. */
#pragma once

#include <glib.h>

#include "core/model/dtype.h"

G_BEGIN_DECLS

#define DIFFUSION_TENSOR_MAX_DIMS 8

/**
 * DiffusionTensorEntry:
 * @name: its name in the file
 * @dtype: number format of the elements
 * @n_dims: number of dimensions; 0 is a scalar
 * @shape: [n_dims] extents, each ≥ 0
 * @strides: [n_dims] distance between neighbours along each dimension, in elements, each ≥ 0
 * @n_elements: product of @shape
 * @data: first element, in the file's mapping; maybe unaligned, little-endian
 *
 * One tensor of a #DiffusionTensorFile; valid as long as the file is.
 */
typedef struct
{
  const char *name;
  DiffusionDtype dtype;
  gint n_dims;
  gint64 shape[DIFFUSION_TENSOR_MAX_DIMS];
  gint64 strides[DIFFUSION_TENSOR_MAX_DIMS];
  gint64 n_elements;
  const guint8 *data;
} DiffusionTensorEntry;

/**
 * DiffusionTensorFile:
 *
 * An open weight file; reference counted. Its bytes are mapped, not read.
 */
typedef struct _DiffusionTensorFile DiffusionTensorFile;

/**
 * diffusion_tensor_file_open:
 * @path: a .safetensors file, or a torch file (.pt, .pth, .bin, .ckpt: zip container or the stream before
 * torch 1.6)
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND, %DIFFUSION_ERROR_IO, %DIFFUSION_ERROR_FORMAT
 * (damaged) or %DIFFUSION_ERROR_UNSUPPORTED (well-formed, but holding no weights, or asking for code to be
 * run)
 *
 * The format is recognised by the first bytes, not by the name.
 *
 * Returns: (transfer full) (nullable): the file
 */
DiffusionTensorFile *diffusion_tensor_file_open (const char *path, GError **error);

/**
 * diffusion_tensor_file_open_bytes:
 * @path: what to call the file in errors
 * @bytes: its contents
 * @error: return location, as diffusion_tensor_file_open()
 *
 * Returns: (transfer full) (nullable): the file
 */
DiffusionTensorFile *diffusion_tensor_file_open_bytes (const char *path, GBytes *bytes, GError **error);

DiffusionTensorFile *diffusion_tensor_file_ref (DiffusionTensorFile *file);
void diffusion_tensor_file_unref (DiffusionTensorFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionTensorFile, diffusion_tensor_file_unref)

/** diffusion_tensor_file_get_path: (transfer none): the name given when it was opened. */
const char *diffusion_tensor_file_get_path (const DiffusionTensorFile *file);

/** diffusion_tensor_file_get_bytes: (transfer none): the mapped contents of the whole file. */
GBytes *diffusion_tensor_file_get_bytes (const DiffusionTensorFile *file);

/** diffusion_tensor_file_get_n_tensors: how many tensors there are. */
guint diffusion_tensor_file_get_n_tensors (const DiffusionTensorFile *file);

/** diffusion_tensor_file_get_tensor: (transfer none): tensor @index, in the order of the file's table. */
const DiffusionTensorEntry *diffusion_tensor_file_get_tensor (const DiffusionTensorFile *file, guint index);

/** diffusion_tensor_file_lookup: (transfer none) (nullable): the tensor called @name. */
const DiffusionTensorEntry *diffusion_tensor_file_lookup (const DiffusionTensorFile *file, const char *name);

/** diffusion_tensor_file_require: like diffusion_tensor_file_lookup(), with %DIFFUSION_ERROR_NOT_FOUND naming
 * file and tensor. */
const DiffusionTensorEntry *
diffusion_tensor_file_require (const DiffusionTensorFile *file, const char *name, GError **error);

/** diffusion_tensor_file_get_metadata: (transfer none) (nullable): a metadata string of the file. */
const char *diffusion_tensor_file_get_metadata (const DiffusionTensorFile *file, const char *key);

/** diffusion_tensor_file_get_metadata_table: (transfer none): all metadata, string to string. */
GHashTable *diffusion_tensor_file_get_metadata_table (const DiffusionTensorFile *file);

/**
 * diffusion_tensor_file_new:
 * @path: what to call the file in errors
 * @bytes: (nullable): its contents, kept alive with it
 *
 * For readers of a format: an empty table, to be filled with diffusion_tensor_file_add().
 *
 * Returns: (transfer full): the file
 */
DiffusionTensorFile *diffusion_tensor_file_new (const char *path, GBytes *bytes);

/**
 * diffusion_tensor_file_add:
 * @file: a file being built
 * @entry: the tensor; the name is copied and n_elements computed here
 * @available: bytes that may be read from the entry's data on
 * @error: return location for %DIFFUSION_ERROR_FORMAT
 *
 * Refuses duplicate names, negative or overflowing shapes and strides, and tensors that reach past
 * @available.
 */
gboolean diffusion_tensor_file_add (DiffusionTensorFile *file,
                                    const DiffusionTensorEntry *entry,
                                    gsize available,
                                    GError **error);

/** diffusion_tensor_file_set_metadata: for readers of a format. */
void diffusion_tensor_file_set_metadata (DiffusionTensorFile *file, const char *key, const char *value);

/**
 * diffusion_tensor_file_forget:
 * @entry: one of its tensors, contiguous or not
 *
 * Lets go of the memory that reading the tensor has brought in, as far as it is a mapping of a file; it can be read
 * again.
 */
void diffusion_tensor_file_forget (const DiffusionTensorFile *file, const DiffusionTensorEntry *entry);

/** diffusion_tensor_file_set_mapped: for those who open files: the contents are a mapping. */
void diffusion_tensor_file_set_mapped (DiffusionTensorFile *file);

/** diffusion_tensor_entry_is_contiguous: whether the elements follow one another in row-major order. */
gboolean diffusion_tensor_entry_is_contiguous (const DiffusionTensorEntry *entry);

/**
 * diffusion_tensor_entry_peek_floats:
 * @entry: a tensor
 *
 * Returns: (transfer none) (nullable): the elements in place when they are contiguous, aligned float32
 * numbers, else %NULL
 */
const float *diffusion_tensor_entry_peek_floats (const DiffusionTensorEntry *entry);

/**
 * diffusion_tensor_entry_to_floats:
 * @entry: a tensor of any number format
 * @out: (out caller-allocates): [n_elements] in row-major order
 */
void diffusion_tensor_entry_to_floats (const DiffusionTensorEntry *entry, float *out);

/**
 * diffusion_tensor_file_check_finite:
 * @entry: a tensor of @file
 * @values: [n_elements] its elements, as diffusion_tensor_entry_to_floats() gives them
 *
 * Errors: DIFFUSION_ERROR_NUMERIC with the names of file and tensor if one of them is NaN or infinite.
 */
gboolean diffusion_tensor_file_check_finite (const DiffusionTensorFile *file, const DiffusionTensorEntry *entry,
                                             const float *values, GError **error);

/** diffusion_tensor_entry_to_doubles: like diffusion_tensor_entry_to_floats(), in double precision. */
void diffusion_tensor_entry_to_doubles (const DiffusionTensorEntry *entry, double *out);

/** diffusion_tensor_entry_format_shape: (transfer full): the shape as text, "[64, 3, 3, 3]". */
char *diffusion_tensor_entry_format_shape (const DiffusionTensorEntry *entry);

/** diffusion_format_shape: (transfer full): a shape as text, "[64, 3, 3, 3]". */
char *diffusion_format_shape (gint n_dims, const gint64 *shape);

/**
 * diffusion_shape_n_elements:
 * @n_dims: number of dimensions
 * @shape: [n_dims] extents
 * @n_elements: (out): their product
 *
 * Returns: %FALSE for a negative extent or a product of 2^62 and more
 */
gboolean diffusion_shape_n_elements (gint n_dims, const gint64 *shape, gint64 *n_elements);

G_END_DECLS
