/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Muon: momentum whose matrices are made orthogonal (Jordan et al. 2024). */
#pragma once

#include "core/kernels/gemm.h"
#include "core/model/params.h"

G_BEGIN_DECLS

typedef struct _DiffusionMuon DiffusionMuon;

/**
 * diffusion_muon_new:
 * @params: (transfer none): must outlive what is returned
 * @precision: of the products
 * @error: return location for %DIFFUSION_ERROR_MEMORY
 *
 * Returns: (transfer full) (nullable): the memory that steps need on the threads there are
 */
DiffusionMuon *diffusion_muon_new (const DiffusionParams *params, DiffusionPrecision precision, GError **error);
void diffusion_muon_free (DiffusionMuon *muon);

/** diffusion_muon_bytes: what diffusion_muon_new() takes. */
gsize diffusion_muon_bytes (const DiffusionParams *params);

/**
 * diffusion_muon_takes:
 *
 * Returns: whether steps change @param: a matrix or a convolution with 16 channels at least on either side. Vectors,
 *   depthwise convolutions, embeddings of few classes and what reads and writes pictures are left to another optimizer
 */
gboolean diffusion_muon_takes (const DiffusionParam *param);

/**
 * diffusion_muon_step:
 * @learning_rate: of this step. Its root mean square is a fifth of that, about AdamW's (Liu et al. 2025, section 2.2),
 *   whose learning rates serve here too
 * @momentum: decay of the mean of gradients, whose Nesterov form is used
 * @weight_decay: decoupled decay, times the learning rate
 * @gradients: a block of the parameters, multiplied by @gradient_scale before use
 * @first: (inout): a block: means of gradients
 * @values: (inout): a block: the parameters
 *
 * One step of all parameters that diffusion_muon_takes(); the rest of the blocks stays as it is. Each, as a matrix of as
 * many rows as outputs, moves by its mean of gradients U·S·Vᵀ made U·S'·Vᵀ by five Newton–Schulz iterations: S' lies
 * between about 0.7 and 1.2 for all of S that is not tiny. The result does not depend on the number of threads.
 */
void diffusion_muon_step (DiffusionMuon *muon, double learning_rate, double momentum, double weight_decay,
                          const float *gradients, double gradient_scale, float *first, float *values);

G_END_DECLS
