/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Photo models as folders on disk. */
#pragma once

#include "core/model/photo-model.h"

G_BEGIN_DECLS

/** DiffusionPhotoModel: a photo model and its weights. */
typedef struct _DiffusionPhotoModel DiffusionPhotoModel;

/**
 * diffusion_photo_model_open:
 * @folder: a model folder with config.json and diffusion_pytorch_model.safetensors
 *
 * Reads and checks everything: the configuration, that every tensor is there in its shape and no other, that all
 * numbers are finite.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with an error naming file, tensor, found and expected
 */
DiffusionPhotoModel *diffusion_photo_model_open (const char *folder, GError **error);
void diffusion_photo_model_free (DiffusionPhotoModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionPhotoModel, diffusion_photo_model_free)

const DiffusionPhotoConfig *diffusion_photo_model_get_config (const DiffusionPhotoModel *model);

/** diffusion_photo_model_get_params: (transfer none): the weights, in working order. */
DiffusionParams *diffusion_photo_model_get_params (DiffusionPhotoModel *model);

/**
 * diffusion_photo_folder_save:
 * @folder: an existing folder; its model files are replaced one by one, each when it is complete
 * @params: names and shapes
 * @weights: a block in working order
 * @card: (nullable): model_card.json
 *
 * Writes config.json, scheduler_config.json, diffusion_pytorch_model.safetensors and the card.
 */
gboolean diffusion_photo_folder_save (const char *folder, const DiffusionPhotoConfig *config,
                                      const DiffusionParams *params, const float *weights, JsonObject *card,
                                      GError **error);

G_END_DECLS
