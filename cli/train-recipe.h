/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the command line to a training's settings. */
#pragma once

#include "cli/verb.h"
#include "core/training/recipe.h"

G_BEGIN_DECLS

/**
 * cli_train_parse:
 * @verb: train or train-classifier
 * @preset: the preset that holds where none is asked for
 * @recipe: (out caller-allocates): to be cleared, also after an error
 * @done: (out): %TRUE where there is nothing to train: --show-config has printed the settings
 * @error: return location
 *
 * Settings come from the preset, then from the file of --config, then from flags.
 *
 * Returns: (transfer full) (nullable): the arguments
 */
char **cli_train_parse (const CliVerb *verb, const char *preset, int argc, char **argv, DiffusionRecipe *recipe,
                        gboolean *done, GError **error);

G_END_DECLS
