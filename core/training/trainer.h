/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The training loop. */
#pragma once

#include "core/training/checkpoint.h"
#include "core/training/group.h"
#include "core/training/optimizer.h"
#include "core/training/train-task.h"

G_BEGIN_DECLS

#define DIFFUSION_MAX_PHASES 4

typedef enum
{
  DIFFUSION_RATE_CONSTANT, /* after warm-up */
  DIFFUSION_RATE_COSINE,   /* half a cosine from the warm-up to 0 at the last step */
  DIFFUSION_RATE_TRAPEZOID /* constant, then straight to 0 over the last decay_share of the steps */
} DiffusionRateSchedule;

/**
 * DiffusionTrainPhase:
 * @share: share of the steps up to which this phase lasts, 1 for the last phase
 * @batch: pictures a step
 * @size: their width and height
 */
typedef struct
{
  double share;
  gint batch;
  gint size;
} DiffusionTrainPhase;

/**
 * DiffusionOptimizer:
 * @DIFFUSION_OPTIMIZER_ADAMW: AdamW for all parameters
 * @DIFFUSION_OPTIMIZER_MUON: Muon for those that diffusion_muon_takes(), AdamW for the others
 */
typedef enum
{
  DIFFUSION_OPTIMIZER_ADAMW,
  DIFFUSION_OPTIMIZER_MUON
} DiffusionOptimizer;

/**
 * DiffusionTrainOptions:
 * @steps: steps of the whole training
 * @n_phases: number of @phases
 * @micro_batch: pictures at once, 0 for the whole batch (gradients are accumulated)
 * @optimizer: what takes the steps
 * @adamw: its learning_rate is the highest, and Muon's too, as its weight_decay
 * @momentum: Muon's
 * @precision: of Muon's products
 * @warmup: steps of linear warm-up
 * @schedule: how the rate goes on
 * @decay_share: for %DIFFUSION_RATE_TRAPEZOID
 * @clip_norm: gradients are scaled down to this norm; 0: never
 * @n_emas: number of @ema_rates
 * @ema_rates: rates of the averages; the first one makes the saved model
 * @seed: seed of data, noise and starting weights
 * @memory_limit: bytes that the training may take, 0: no limit
 * @memory_taken: bytes that the pictures and the like take already, a part of the limit
 * @checkpoint_seconds: time between checkpoints
 * @keep: checkpoints kept
 * @card: (nullable) (transfer none): what the model card says besides the training's own figures
 * @group: (nullable) (transfer none): the processes that share each step's examples
 */
typedef struct
{
  guint64 steps;
  guint n_phases;
  DiffusionTrainPhase phases[DIFFUSION_MAX_PHASES];
  gint micro_batch;
  DiffusionOptimizer optimizer;
  DiffusionAdamW adamw;
  double momentum;
  DiffusionPrecision precision;
  guint64 warmup;
  DiffusionRateSchedule schedule;
  double decay_share;
  double clip_norm;
  guint n_emas;
  double ema_rates[DIFFUSION_MAX_EMAS];
  guint64 seed;
  gsize memory_limit;
  gsize memory_taken;
  double checkpoint_seconds;
  guint keep;
  JsonObject *card;
  DiffusionGroup *group;
} DiffusionTrainOptions;

/** diffusion_train_options_default: AdamW 1e-4 (0.9, 0.999), EMA 0.999, clip 1, checkpoints every 3 minutes. */
DiffusionTrainOptions diffusion_train_options_default (void);

/**
 * DiffusionTrainReport:
 * @step: steps taken
 * @loss: of the last step
 * @smooth_loss: running mean
 * @gradient_norm: before clipping
 * @learning_rate: of the last step
 * @images_per_second: since the start of this process
 * @seconds_left: estimate
 * @average: (transfer none): the first average, a block in working order; valid during the report
 */
typedef struct
{
  guint64 step;
  guint64 steps;
  double loss;
  double smooth_loss;
  double gradient_norm;
  double learning_rate;
  double images_per_second;
  double seconds_left;
  const float *average;
} DiffusionTrainReport;

typedef void (*DiffusionTrainReportFunc) (const DiffusionTrainReport *report, gpointer data);

/** diffusion_train_learning_rate: the rate of step @step (from 0). */
double diffusion_train_learning_rate (const DiffusionTrainOptions *options, guint64 step);

/**
 * diffusion_train_plan_bytes:
 *
 * Peak memory of a training in each process: pictures, weights, gradients, moments, averages, activations. Under a limit as little as
 * possible of the forward pass is computed again to stay below it; the result is above it where that does not help.
 */
gsize diffusion_train_plan_bytes (DiffusionTrainTask *task, const DiffusionTrainOptions *options);

/**
 * diffusion_train:
 * @folder: output: the model (of the first average; those of the others in "ema-RATE"), checkpoints, "log.csv"; made
 *   where it is missing; a training that is there already goes on
 * @initial: (nullable): starting weights, a block in working order; %NULL draws them
 * @report: (nullable) (scope call): called after every step
 * @cancellable: (nullable): when it fires, the work since the last step is dropped, a checkpoint saved, and
 *   %G_IO_ERROR_CANCELLED returned
 *
 * Trains to the end. Resuming gives the weights that an uninterrupted run gives, bit for bit, on the same kind of
 * processor and with the same number of processes.
 *
 * In a group, each process takes its share of every step's examples; the weights are those of one process up to
 * rounding. Process 0 alone uses @folder and @initial and reports. What stops one process stops all at the same step.
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_MEMORY, %DIFFUSION_ERROR_NUMERIC (NaN or exploding loss; the last checkpoint
 *   is untouched), %DIFFUSION_ERROR_IO, %DIFFUSION_ERROR_ELSEWHERE or %G_IO_ERROR_CANCELLED
 */
gboolean diffusion_train (DiffusionTrainTask *task, const DiffusionTrainOptions *options, const char *folder,
                          const float *initial, DiffusionTrainReportFunc report, gpointer report_data,
                          GCancellable *cancellable, GError **error);

G_END_DECLS
