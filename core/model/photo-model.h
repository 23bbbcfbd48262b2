/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model: an ε-predictor for layers of any size, without any statistic beyond a pixel. */
#pragma once

#include <json-glib/json-glib.h>

#include "core/model/graph.h"

G_BEGIN_DECLS

#define DIFFUSION_PHOTO_CLASS_NAME "DiffusionPhotoModel"
#define DIFFUSION_PHOTO_TIME_FEATURES 17
/* Pixels of the picture under one pixel of the coarsest level: heights and widths are multiples of it. */
#define DIFFUSION_PHOTO_ALIGNMENT 8
/* The strongest noise such models are trained for, 0..255 units. */
#define DIFFUSION_PHOTO_SIGMA_MOST 75

/**
 * DiffusionPhotoConfig:
 * @widths: channels at 1/2, 1/4 and 1/8 of the resolution, even
 * @blocks: blocks of encoder 1, encoder 2, the middle, decoder 2, decoder 1
 * @time_width: channels of the time embedding
 *
 * A gated U-Net (after NAFNet, Chen et al. 2022) over pixels unshuffled by 2 and their high-pass, whose blocks are
 * modulated by the noise level.
 */
typedef struct
{
  gint widths[3];
  gint blocks[5];
  gint time_width;
} DiffusionPhotoConfig;

/** diffusion_photo_config_default: widths 64/128/256, blocks 3/3/4/3/3: 3.9 M parameters, 115 k multiply-adds a pixel. */
DiffusionPhotoConfig diffusion_photo_config_default (void);

/**
 * diffusion_photo_config_parse:
 * @object: config.json's content; absent members keep their defaults
 * @config: (out): the result
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_FORMAT naming the member, what was found and what was expected
 */
gboolean diffusion_photo_config_parse (JsonObject *object, DiffusionPhotoConfig *config, GError **error);

/** diffusion_photo_config_serialise: (transfer full): config.json's content. */
JsonObject *diffusion_photo_config_serialise (const DiffusionPhotoConfig *config);

/**
 * DiffusionPhotoValues:
 * @x: input [n, h, w, 3]: x_t
 * @scale: input [n, 1, 1, 1]: 0.5/√(1 − ᾱ)
 * @time: input [n, 1, 1, %DIFFUSION_PHOTO_TIME_FEATURES]
 * @epsilon: output [n, h, w, 3]: the predicted ε
 */
typedef struct
{
  DiffusionValue x, scale, time, epsilon;
} DiffusionPhotoValues;

/**
 * diffusion_photo_model_build:
 * @params: declares the parameters here
 * @n: pictures at once
 * @height: a multiple of %DIFFUSION_PHOTO_ALIGNMENT
 * @width: likewise
 * @values: (out): the graph's inputs and output
 *
 * Returns: (transfer full): the graph
 */
DiffusionGraph *diffusion_photo_model_build (const DiffusionPhotoConfig *config, DiffusionParams *params, gint n,
                                             gint height, gint width, DiffusionPhotoValues *values);

/**
 * diffusion_photo_model_build_inner:
 * @params: must have the parameters already
 * @height: a multiple of %DIFFUSION_PHOTO_ALIGNMENT
 * @width: likewise
 * @margin: pixels at each border that are there for the sake of the others, a multiple of %DIFFUSION_PHOTO_ALIGNMENT
 * @values: (out): the graph's inputs and output
 * @left: (out): what is left of the margin around @epsilon, which is [1, height − 2·(margin − left),
 *   width − 2·(margin − left), 3]
 *
 * The same network for inference: blocks are single operations, and what only the margin would need is not computed.
 * Within rounding the same for all pixels that diffusion_photo_model_get_radius() keeps from the border.
 *
 * Returns: (transfer full): the graph
 */
DiffusionGraph *diffusion_photo_model_build_inner (const DiffusionPhotoConfig *config, DiffusionParams *params,
                                                   gint height, gint width, gint margin, DiffusionPhotoValues *values,
                                                   gint *left);

/**
 * diffusion_photo_model_set_level:
 * @exec: an executor of the graph
 * @index: which picture, 0 to n − 1
 * @ratio: √((1 − ᾱ)/ᾱ), that is 2σ/255 at matched t
 *
 * Fills the picture's scale and time inputs.
 */
void diffusion_photo_model_set_level (DiffusionExec *exec, const DiffusionPhotoValues *values, gint index,
                                      double ratio);

/** diffusion_photo_model_get_radius: pixels beyond which nothing of the input reaches an output pixel. */
gint diffusion_photo_model_get_radius (const DiffusionPhotoConfig *config);

G_END_DECLS
