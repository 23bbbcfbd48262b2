/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the tensors of a file to a table of parameters in working order. */
#pragma once

#include "core/model/params.h"
#include "core/model/tensor-file.h"

G_BEGIN_DECLS

/**
 * diffusion_params_load:
 * @params: a table with all parameters declared
 * @file: where the weights are, in any floating-point format
 * @entries: (nullable): [parameters] the tensor of each parameter of the table, whose elements in row-major order are
 *   the parameter's; %NULL looks them up in @file by the parameters' names
 * @keep_half: leaves arranged parameters that the file has as float16 or bfloat16 where they are
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND, %DIFFUSION_ERROR_FORMAT (another shape),
 *   %DIFFUSION_ERROR_NUMERIC (NaN or infinity), each naming the tensor, or %DIFFUSION_ERROR_MEMORY
 *
 * Allocates the table's block and fills it. No second copy of the weights is made; @file may be closed afterwards.
 */
gboolean diffusion_params_load (DiffusionParams *params, DiffusionTensorFile *file,
                                const DiffusionTensorEntry *entries, gboolean keep_half, GError **error);

/**
 * diffusion_params_find_half:
 * @entries: (nullable): as for diffusion_params_load()
 *
 * Marks what diffusion_params_load() with keep_half would leave in @file, without reading it: for costs. Tensors that are
 * not there, or not as expected, are passed over.
 */
void diffusion_params_find_half (DiffusionParams *params, DiffusionTensorFile *file,
                                 const DiffusionTensorEntry *entries);

/** diffusion_param_get_widening_bytes: memory that diffusion_param_widen() needs; 0 where the values are at hand. */
gsize diffusion_param_get_widening_bytes (const DiffusionParam *param);

/**
 * diffusion_param_widen:
 * @room: diffusion_param_get_widening_bytes() bytes
 *
 * Returns: the values in working order: param->data, or those that are stored, in @room
 */
const float *diffusion_param_widen (const DiffusionParam *param, gpointer room);

G_END_DECLS
