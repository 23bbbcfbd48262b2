/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Photo models as folders on disk. */
#pragma once

#include "core/model/photo-model.h"

G_BEGIN_DECLS

/**
 * diffusion_photo_folder_save:
 * @folder: an existing folder; its model files are replaced one by one, each when it is complete
 * @params: names and shapes
 * @weights: a block in working order
 *
 * Writes config.json, scheduler_config.json and diffusion_pytorch_model.safetensors.
 */
gboolean diffusion_photo_folder_save (const char *folder, const DiffusionPhotoConfig *config,
                                      const DiffusionParams *params, const float *weights, GError **error);

G_END_DECLS
