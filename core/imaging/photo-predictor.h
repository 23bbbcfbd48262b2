/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model as samplers see it. */
#pragma once

#include "core/diffusion/predictor.h"
#include "core/diffusion/schedule.h"
#include "core/model/photo-folder.h"

G_BEGIN_DECLS

typedef struct _DiffusionPhotoPredictor DiffusionPhotoPredictor;

/**
 * diffusion_photo_predictor_new:
 * @model: (transfer full): the model
 * @schedule: what its t means; must outlive the predictor
 * @precision: of the products
 *
 * Predicts ε in pictures of any size, in tiles that overlap by what the network can see: the answer depends neither on
 * the number of threads nor, beyond rounding, on the tiles.
 */
DiffusionPhotoPredictor *diffusion_photo_predictor_new (DiffusionPhotoModel *model, const DiffusionSchedule *schedule,
                                                        DiffusionPrecision precision);
void diffusion_photo_predictor_free (DiffusionPhotoPredictor *self);

/** diffusion_photo_predictor_get: valid as long as @self; not to be asked from two threads at a time. */
DiffusionPredictor diffusion_photo_predictor_get (DiffusionPhotoPredictor *self);

/** diffusion_photo_predictor_get_memory: bytes a question about such a picture takes. */
gsize diffusion_photo_predictor_get_memory (const DiffusionPhotoPredictor *self, gint height, gint width);

/** diffusion_photo_predictor_get_weight_bytes: bytes of the weights, which come on top. */
gsize diffusion_photo_predictor_get_weight_bytes (const DiffusionPhotoPredictor *self);

/** diffusion_photo_predictor_get_last_t: the highest t of @schedule that such models are trained for, 0-based. */
double diffusion_photo_predictor_get_last_t (const DiffusionSchedule *schedule);

G_END_DECLS
