/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a training would cost, before it is started. */
#pragma once

#include "core/training/recipe.h"

G_BEGIN_DECLS

/**
 * DiffusionRecipeCost:
 * @parameters: numbers in the network
 * @macs: multiply-adds of the forward pass for one picture
 * @memory: bytes at most: weights, gradients, moments, averages, values; the pictures not counted
 * @images_per_second: expected on this machine
 */
typedef struct
{
  guint64 parameters;
  guint64 macs;
  gsize memory;
  double images_per_second;
} DiffusionRecipeCost;

/**
 * diffusion_recipe_estimate:
 * @n_classes: classes to assume where the network knows any
 * @rate: from diffusion_measure_rate() at the recipe's precision
 *
 * Plans the first phase of the training.
 */
gboolean diffusion_recipe_estimate (const DiffusionRecipe *recipe, gint n_classes, double rate,
                                    DiffusionRecipeCost *cost, GError **error);

/**
 * diffusion_measure_rate:
 *
 * Returns: multiply-adds a second of a network's usual matrix products with all threads, measured for a few
 *   hundredths of a second
 */
double diffusion_measure_rate (DiffusionPrecision precision);

G_END_DECLS
