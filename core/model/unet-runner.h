/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network with weights, ready to be asked: any picture size, any batch. */
#pragma once

#include "core/diffusion/predictor.h"
#include "core/model/model.h"
#include "core/model/unet.h"

G_BEGIN_DECLS

/**
 * DiffusionUnetInput:
 * @n: pictures
 * @h: rows, any number; the network sees the picture padded by reflection (circularly if the network is circular) to
 *   what its downsampling divides
 * @w: columns
 * @x: [n, h, w, in_channels]
 * @t: [n] 0-based in the network's own time scale, may be fractional
 * @y: (nullable): [n] class numbers, or the numbers of a network whose classes are timesteps
 * @low_res: (nullable): [n, low_h, low_w, low_res_channels], resized bilinearly if of another size than @x
 * @low_h: rows of @low_res
 * @low_w: columns of @low_res
 */
typedef struct
{
  gsize n, h, w;
  const float *x;
  const double *t;
  const double *y;
  const float *low_res;
  gsize low_h, low_w;
} DiffusionUnetInput;

typedef struct _DiffusionUnetRunner DiffusionUnetRunner;

/**
 * diffusion_unet_runner_new:
 * @config: a valid configuration
 * @params: (transfer none): has all of its parameters, with values; must outlive the runner
 * @precision: of the products
 */
DiffusionUnetRunner *diffusion_unet_runner_new (const DiffusionUnetConfig *config, DiffusionParams *params,
                                                DiffusionPrecision precision);

/**
 * diffusion_unet_runner_new_for_model:
 * @model: a U-Net or classifier; may be closed afterwards
 * @error: return location for %DIFFUSION_ERROR_UNSUPPORTED (another kind of model), %DIFFUSION_ERROR_NUMERIC or
 *   %DIFFUSION_ERROR_MEMORY
 *
 * Reads the weights; the runner owns them.
 *
 * Returns: (transfer full) (nullable): the runner
 */
DiffusionUnetRunner *diffusion_unet_runner_new_for_model (const DiffusionModel *model, DiffusionPrecision precision,
                                                          GError **error);
void diffusion_unet_runner_free (DiffusionUnetRunner *runner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionUnetRunner, diffusion_unet_runner_free)

/**
 * diffusion_unet_runner_run:
 * @out: (out caller-allocates): [n, h, w, out_channels], or the logits [n, out_channels] of a classifier
 * @cancellable: (nullable): checked at every layer
 * @error: return location for %DIFFUSION_ERROR_INVALID naming what does not fit, or %DIFFUSION_ERROR_MEMORY
 *
 * Memory for the last size stays allocated until another is asked for. What is computed for one picture does not depend
 * on the others. Not to be called from two threads at the same time.
 */
gboolean diffusion_unet_runner_run (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, float *out,
                                    GCancellable *cancellable, GError **error);

/**
 * diffusion_unet_runner_guide:
 * @input: @y holds the classes asked for
 * @logits: (out caller-allocates) (nullable): [n, out_channels]
 * @gradient: (out caller-allocates): [n, h, w, in_channels]: ∂ log p (y | x_t) / ∂ x_t
 *
 * A noisy classifier's guidance (Dhariwal & Nichol 2021, §4.2).
 */
gboolean diffusion_unet_runner_guide (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, float *logits,
                                      float *gradient, GCancellable *cancellable, GError **error);

/** diffusion_unet_runner_get_predictor: the network as samplers see it; valid as long as @runner. A classifier becomes
 * its guidance. */
DiffusionPredictor diffusion_unet_runner_get_predictor (DiffusionUnetRunner *runner);

/** diffusion_unet_runner_get_config: (transfer none): what it was made with. */
const DiffusionUnetConfig *diffusion_unet_runner_get_config (const DiffusionUnetRunner *runner);

G_END_DECLS
