/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the names and arrangements of published weight files to ours. */
#pragma once

#include "core/model/tensor-file.h"
#include "core/model/unet-parameters.h"

G_BEGIN_DECLS

/**
 * DiffusionNameStyle:
 * @DIFFUSION_NAMES_DIFFUSERS: ours; attention layers may have their old names (query, key, value, proj_attn)
 * @DIFFUSION_NAMES_GUIDED: of guided-diffusion and improved-diffusion: input_blocks, middle_block,
 * output_blocks; q, k and v in one matrix
 * @DIFFUSION_NAMES_DDIM: of the DDIM and SDEdit code: down, mid, up
 */
typedef enum
{
  DIFFUSION_NAMES_DIFFUSERS,
  DIFFUSION_NAMES_GUIDED,
  DIFFUSION_NAMES_DDIM
} DiffusionNameStyle;

/**
 * diffusion_name_style_detect:
 * @file: a weight file
 * @style: (out): whose names it has
 * @error: return location for %DIFFUSION_ERROR_UNSUPPORTED
 */
gboolean
diffusion_name_style_detect (const DiffusionTensorFile *file, DiffusionNameStyle *style, GError **error);

/**
 * diffusion_name_map_source_name:
 * @style: whose names
 * @config: the network
 * @name: canonical name of a parameter
 * @part: (out): 0, 1, 2 for the q, k, v part of a joint matrix, else −1
 *
 * Returns: (transfer full): what that code calls the tensor that holds the parameter
 */
char *diffusion_name_map_source_name (DiffusionNameStyle style,
                                      const DiffusionUnetConfig *config,
                                      const char *name,
                                      gint *part);

/**
 * diffusion_name_map_apply:
 * @file: a weight file
 * @style: whose names it has
 * @config: the network it should hold
 * @new_qkv_order: how a joint matrix is divided: all of q, k, v after each other; or, in the older order,
 * head by head
 * @parameters: (element-type DiffusionParameter): diffusion_unet_config_list_parameters() of @config
 * @error: return location for %DIFFUSION_ERROR_FORMAT naming the tensor, what was found and what was expected
 *
 * Checks that the file holds exactly these parameters, with their shapes (trailing ones do not count).
 *
 * Returns: (transfer full) (nullable) (array length=parameters.len): for each parameter a view into the file
 * whose elements in row-major order are the parameter's; the views' names belong to @parameters
 */
DiffusionTensorEntry *diffusion_name_map_apply (const DiffusionTensorFile *file,
                                                DiffusionNameStyle style,
                                                const DiffusionUnetConfig *config,
                                                gboolean new_qkv_order,
                                                const GPtrArray *parameters,
                                                GError **error);

G_END_DECLS
