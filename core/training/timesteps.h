/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which t a training example gets. */
#pragma once

#include "core/base/random.h"

G_BEGIN_DECLS

/**
 * DiffusionTimestepDistribution:
 * @DIFFUSION_TIMESTEPS_UNIFORM: all alike
 * @DIFFUSION_TIMESTEPS_LOW: density falling straight to zero at the highest t: for denoisers
 * @DIFFUSION_TIMESTEPS_IMPORTANCE: p_t ∝ √E[L_t²] over the last ten losses of each t, losses weighted by 1/(T·p_t)
 *   (Nichol & Dhariwal 2021 eq. 18)
 */
typedef enum
{
  DIFFUSION_TIMESTEPS_UNIFORM,
  DIFFUSION_TIMESTEPS_LOW,
  DIFFUSION_TIMESTEPS_IMPORTANCE
} DiffusionTimestepDistribution;

typedef struct _DiffusionTimesteps DiffusionTimesteps;

/**
 * diffusion_timesteps_new:
 * @first: lowest t, 0-based
 * @last: highest t
 */
DiffusionTimesteps *diffusion_timesteps_new (DiffusionTimestepDistribution distribution, gsize first, gsize last);
void diffusion_timesteps_free (DiffusionTimesteps *timesteps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionTimesteps, diffusion_timesteps_free)

/**
 * diffusion_timesteps_draw:
 * @stream: the training step's field of random numbers
 * @example: number of the example in the step
 * @weight: (out): what the example's loss is multiplied by
 *
 * Depends on the losses told until the step began, not on the other examples of the step.
 */
gsize diffusion_timesteps_draw (const DiffusionTimesteps *timesteps, const DiffusionStream *stream, gint example,
                                double *weight);

/** diffusion_timesteps_tell: the loss that an example at @t had, without its weight; call in order of the examples. */
void diffusion_timesteps_tell (DiffusionTimesteps *timesteps, gsize t, double loss);

/** diffusion_timesteps_get_state: (transfer none): [@size] numbers that a checkpoint must keep. */
float *diffusion_timesteps_get_state (DiffusionTimesteps *timesteps, gsize *size);

G_END_DECLS
