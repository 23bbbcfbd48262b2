/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a block of parameters to the tensors of a file. */
#pragma once

#include "core/model/dtype.h"
#include "core/model/params.h"

G_BEGIN_DECLS

/**
 * diffusion_params_save:
 * @params: names, shapes and orders
 * @weights: a block in working order
 * @dtype: F32, F16 or BF16
 * @path: the .safetensors file; replaced only by a complete one
 *
 * Writes all parameters in file order.
 */
gboolean diffusion_params_save (const DiffusionParams *params, const float *weights, DiffusionDtype dtype,
                                const char *path, GError **error);

G_END_DECLS
