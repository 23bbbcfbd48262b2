/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AdamW and exponential moving averages on blocks of parameters. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionAdamW:
 * @learning_rate: of this step
 * @beta1: decay of the first moment
 * @beta2: decay of the second moment
 * @epsilon: added to the root of the second moment
 * @weight_decay: decoupled decay (Loshchilov & Hutter 2019), times the learning rate
 */
typedef struct
{
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
} DiffusionAdamW;

/**
 * diffusion_adamw_step:
 * @step: 1 for the first step
 * @n: values in each block
 * @gradients: [n], multiplied by @gradient_scale before use
 * @first: (inout): [n] first moments
 * @second: (inout): [n] second moments
 * @params: (inout): [n]
 *
 * One step with bias-corrected moments.
 */
void diffusion_adamw_step (const DiffusionAdamW *adamw, guint64 step, gsize n, const float *gradients,
                           double gradient_scale, float *first, float *second, float *params);

/** diffusion_ema_update: average = rate·average + (1 − rate)·params, [n]. */
void diffusion_ema_update (double rate, gsize n, const float *params, float *average);

/** diffusion_squared_norm: Σ x², summed in a fixed order; NaN or infinity where x has any. */
double diffusion_squared_norm (gsize n, const float *x);

G_END_DECLS
