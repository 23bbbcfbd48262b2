/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, shapes and initial values of a network's parameters. */
#pragma once

#include "core/model/params.h"
#include "core/model/unet-config.h"

G_BEGIN_DECLS

/**
 * DiffusionParameter:
 * @name: canonical name, as diffusers writes it today
 * @n_dims: 1 (bias, norm), 2 (linear, embedding: [out, in]) or 4 (convolution: [out, in, kh, kw])
 * @shape: [n_dims] extents
 * @n_elements: product of @shape
 * @init: how training starts
 * @fan_in: inputs of one output of the layer
 */
typedef struct
{
  char *name;
  gint n_dims;
  gint64 shape[4];
  gint64 n_elements;
  DiffusionInit init;
  gint64 fan_in;
} DiffusionParameter;

/** diffusion_parameter_list_new: (transfer full) (element-type DiffusionParameter): an empty list that owns
 * its elements. */
GPtrArray *diffusion_parameter_list_new (void);

/**
 * diffusion_parameter_list_add:
 * @list: the list, or an array without free function to count only
 * @name: (transfer full): canonical name
 * @n_dims: number of dimensions
 * @shape: [n_dims] extents, each ≥ 1
 * @init: how training starts
 * @fan_in: inputs of one output
 */
void diffusion_parameter_list_add (
    GPtrArray *list, char *name, gint n_dims, const gint64 *shape, DiffusionInit init, gint64 fan_in);

/**
 * diffusion_unet_config_list_parameters:
 * @config: a valid configuration
 *
 * All parameters in the order in which the network uses them. Checks at loading, `inspect` and initialisation
 * go by this list. Names beyond diffusers': class_head.positional_embedding [C, 1 + h·w] (token 0 is the
 * mean), class_head.to_q, to_k, to_v, to_out.0 of the attention pool; class_head.linear of the adaptive head;
 * class_head.linear_1, norm and linear_2 of the spatial ones.
 *
 * Returns: (transfer full) (element-type DiffusionParameter): the list
 */
GPtrArray *diffusion_unet_config_list_parameters (const DiffusionUnetConfig *config);

/** diffusion_unet_config_count_parameters: how many numbers all parameters are. */
gint64 diffusion_unet_config_count_parameters (const DiffusionUnetConfig *config);

G_END_DECLS
