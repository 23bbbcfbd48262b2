/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of torch.save: the zip container, and the stream written before torch 1.6. */
#pragma once

#include "core/model/tensor-file.h"

G_BEGIN_DECLS

/** diffusion_torch_is_zip: whether the bytes begin like a zip archive. */
gboolean diffusion_torch_is_zip (const guint8 *data, gsize size);

/** diffusion_torch_is_stream: whether the bytes begin like the stream of torch before 1.6. */
gboolean diffusion_torch_is_stream (const guint8 *data, gsize size);

/**
 * diffusion_torch_read:
 * @path: what to call the file in errors
 * @bytes: its contents, kept alive by the result
 * @error: return location for %DIFFUSION_ERROR_FORMAT, or %DIFFUSION_ERROR_UNSUPPORTED for files that hold an
 * optimizer's state, no tensors, or mention Python code other than what tensors consist of
 *
 * Finds the model's tensors wherever trainers put them: at the top, under names such as “ema” or
 * “state_dict”, or as the last element of a list, which is the averaged model.
 *
 * Returns: (transfer full) (nullable): the file; names as stored, without a prefix that all share
 * (“module.”…)
 */
DiffusionTensorFile *diffusion_torch_read (const char *path, GBytes *bytes, GError **error);

G_END_DECLS
