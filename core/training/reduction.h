/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gradients of several processes added up while the backward pass still runs. */
#pragma once

#include "core/model/params.h"
#include "core/training/group.h"

G_BEGIN_DECLS

typedef struct _DiffusionReduction DiffusionReduction;

/**
 * diffusion_reduction_new:
 * @group: (nullable): %NULL for one process alone: then nothing is done
 * @params: the table of the parameters, all declared
 * @gradients: (transfer none): their gradients' block
 *
 * The block is cut into buckets of parameters that lie together. A bucket's sum begins when the gradients of all its
 * parameters are complete and those of the buckets behind it have begun: a network's backward pass goes that way, and
 * the order is then the same in all processes.
 */
DiffusionReduction *diffusion_reduction_new (DiffusionGroup *group, const DiffusionParams *params, float *gradients);
void diffusion_reduction_free (DiffusionReduction *reduction);

/** diffusion_reduction_begin: before a step. */
void diffusion_reduction_begin (DiffusionReduction *reduction);

/** diffusion_reduction_ready: a #DiffusionGradientReadyFunc; @data is the reduction. */
void diffusion_reduction_ready (guint param, gpointer data);

/** diffusion_reduction_rest: begins what has not begun; every process has to come here, whatever has become of its step.
 * The group's end_sums() then waits. */
void diffusion_reduction_rest (DiffusionReduction *reduction);

G_END_DECLS
