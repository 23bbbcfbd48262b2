/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model with its weights in memory, and all that is needed to use it: network, schedule, meaning of the output. */
#pragma once

#include "core/diffusion/editing.h"
#include "core/model/model.h"
#include "core/model/unet-runner.h"

G_BEGIN_DECLS

typedef struct _DiffusionNetwork DiffusionNetwork;

/**
 * diffusion_network_new:
 * @model: any model
 * @precision: of the products
 * @error: return location for what diffusion_model_load() reports
 *
 * Reads the weights.
 *
 * Returns: (transfer full) (nullable): the network
 */
DiffusionNetwork *diffusion_network_new (DiffusionModel *model, DiffusionPrecision precision, GError **error);
void diffusion_network_free (DiffusionNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionNetwork, diffusion_network_free)

/** diffusion_network_get_model: (transfer none): what it was made of. */
DiffusionModel *diffusion_network_get_model (const DiffusionNetwork *network);

/** diffusion_network_get_runner: (transfer none) (nullable): the bare network; %NULL for a photo model. */
DiffusionUnetRunner *diffusion_network_get_runner (const DiffusionNetwork *network);

/** diffusion_network_get_predictor: (transfer none): the network as samplers see it; a classifier's is its guidance. */
const DiffusionPredictor *diffusion_network_get_predictor (const DiffusionNetwork *network);

/** diffusion_network_get_schedule: (transfer none): all T steps. */
const DiffusionSchedule *diffusion_network_get_schedule (const DiffusionNetwork *network);

/**
 * diffusion_network_get_memory:
 * @height: rows that the network is asked about at once
 * @width: columns
 *
 * Returns: bytes of the weights and of a run, about
 */
gsize diffusion_network_get_memory (const DiffusionNetwork *network, gsize height, gsize width);

/** diffusion_network_get_editor: an editor with this network, its schedule, last t and parameterisation, the rest at zero;
 * valid as long as @network. */
DiffusionEditor diffusion_network_get_editor (const DiffusionNetwork *network);

G_END_DECLS
