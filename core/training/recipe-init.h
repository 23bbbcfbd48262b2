/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fine-tuning: what a training takes from the model that it starts from. */
#pragma once

#include "core/training/recipe.h"

G_BEGIN_DECLS

/**
 * diffusion_recipe_use_model:
 * @model: the model of --init
 *
 * Sets what a training of this model's kind needs where the user has not: the kind of network, whether it knows
 * classes, its size, what it predicts and its schedule.
 */
void diffusion_recipe_use_model (DiffusionRecipe *recipe, const DiffusionModel *model);

/**
 * diffusion_recipe_load_weights:
 * @model: the model of --init
 * @params: the new network's
 * @seed: draws what @model does not have
 * @block: (out caller-allocates): starting weights, in working order
 * @error: return location for %DIFFUSION_ERROR_FORMAT naming a tensor of another shape, or %DIFFUSION_ERROR_NUMERIC
 *
 * Parameters go by their names. The class embedding and a classifier's last layer start anew where the data has
 * another number of classes than the model.
 */
gboolean diffusion_recipe_load_weights (const DiffusionModel *model, const DiffusionParams *params, guint64 seed,
                                        float *block, GError **error);

G_END_DECLS
