/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a block of parameters to a model folder. */
#pragma once

#include "core/model/model-folder.h"
#include "core/model/params.h"

G_BEGIN_DECLS

/**
 * diffusion_params_save:
 * @params: names, shapes and orders
 * @weights: a block in working order
 * @folder: an existing folder, whose model is replaced file by file
 * @config: config.json
 * @scheduler: scheduler_config.json
 * @card: (nullable): model_card.json, see diffusion_model_folder_write()
 *
 * Writes all parameters in file order, as float32.
 */
gboolean diffusion_params_save (const DiffusionParams *params, const float *weights, const char *folder,
                                JsonObject *config, JsonObject *scheduler, JsonObject *card, GError **error);

G_END_DECLS
