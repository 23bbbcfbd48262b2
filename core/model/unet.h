/* SPDX-License-Identifier: GPL-3.0-or-later */
/* U-Nets and noisy classifiers as graphs. */
#pragma once

#include "core/model/graph.h"
#include "core/model/unet-config.h"

G_BEGIN_DECLS

/**
 * DiffusionUnet:
 * @config: what it was built from
 * @graph: (owned): its operations
 * @x: input [n, h, w, in_channels + low_res_channels]; the low-resolution picture already resized to h × w
 * @time: input [n, 1, 1, time channels], from diffusion_unet_time_features()
 * @classes: input [n, 1, 1, 1] class numbers, or [n, 1, 1, time channels] features where the class is a timestep, or
 *   %DIFFUSION_NO_VALUE
 * @output: [n, h, w, out_channels], or the logits [n, 1, 1, out_channels]
 *
 * A network for one batch and picture size. Parameters belong to the table that it was built on; any number of networks
 * may share it.
 */
typedef struct
{
  DiffusionUnetConfig config;
  DiffusionGraph *graph;
  DiffusionValue x, time, classes, output;
} DiffusionUnet;

/**
 * diffusion_unet_new:
 * @config: a valid configuration
 * @params: (transfer none): declares the parameters there, under diffusers' names and in the order of
 *   diffusion_unet_config_list_parameters(); must outlive the network
 * @n: batch
 * @h: a multiple of diffusion_unet_config_get_multiple()
 * @w: the same
 * @x_gradient: whether the backward pass also gives d loss / d x
 *
 * The U-Net of Ho et al. 2020 (appendix B) with the changes of Nichol & Dhariwal 2021 and Dhariwal & Nichol 2021 (§3)
 * that @config asks for.
 *
 * Returns: (transfer full) (nullable): the network; %NULL with %DIFFUSION_ERROR_INVALID where the size does not fit
 */
DiffusionUnet *diffusion_unet_new (const DiffusionUnetConfig *config, DiffusionParams *params, gint n, gint h, gint w,
                                   gboolean x_gradient, GError **error);
void diffusion_unet_free (DiffusionUnet *unet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionUnet, diffusion_unet_free)

/** diffusion_unet_declare_params: declares the parameters of @config's network without building it. */
void diffusion_unet_declare_params (const DiffusionUnetConfig *config, DiffusionParams *params);

/** diffusion_unet_time_features: what goes into @time (and into @classes where they are timesteps) for times @t [n]. */
void diffusion_unet_time_features (const DiffusionUnetConfig *config, gsize n, const double *t, float *out);

/**
 * DiffusionUnetCost:
 * @parameters: numbers in all parameters
 * @macs: multiply-adds of one forward run
 * @weight_bytes: memory of the weights: in working order, or as their file has them
 * @run_bytes: memory of values, gradients and scratch
 */
typedef struct
{
  guint64 parameters;
  guint64 macs;
  guint64 weight_bytes;
  guint64 run_bytes;
} DiffusionUnetCost;

/**
 * diffusion_unet_get_cost:
 * @params: (nullable): the network's parameters, which say what stays in half precision; %NULL: nothing does
 * @mode: what the network is to be used for
 *
 * What one step costs, before anything is allocated or computed.
 */
gboolean diffusion_unet_get_cost (const DiffusionUnetConfig *config, DiffusionParams *params, gint n, gint h, gint w,
                                  DiffusionRunMode mode, DiffusionUnetCost *cost, GError **error);

G_END_DECLS
