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
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND, %DIFFUSION_ERROR_FORMAT (another shape),
 *   %DIFFUSION_ERROR_NUMERIC (NaN or infinity), each naming the tensor, or %DIFFUSION_ERROR_MEMORY
 *
 * Allocates the table's block and fills it. No second copy of the weights is made; @file may be closed afterwards.
 */
gboolean diffusion_params_load (DiffusionParams *params, const DiffusionTensorFile *file,
                                const DiffusionTensorEntry *entries, GError **error);

G_END_DECLS
