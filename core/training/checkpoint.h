/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training checkpoints: everything that a resumed run needs to go on as if nothing had happened. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DIFFUSION_MAX_EMAS 4

/**
 * DiffusionTrainState:
 * @step: steps taken
 * @n: values in each block
 * @params: [n] weights
 * @first: [n] AdamW's first moments
 * @second: [n] AdamW's second moments
 * @n_emas: number of averages
 * @ema_rates: [n_emas]
 * @emas: [n_emas][n] averages
 * @n_task: numbers of the task's own
 * @task: (nullable): [n_task]
 * @smooth_loss: running mean of the loss, for the display and the watch over it
 * @least_loss: its least value so far
 */
typedef struct
{
  guint64 step;
  gsize n;
  float *params;
  float *first;
  float *second;
  guint n_emas;
  double ema_rates[DIFFUSION_MAX_EMAS];
  float *emas[DIFFUSION_MAX_EMAS];
  gsize n_task;
  float *task;
  double smooth_loss;
  double least_loss;
} DiffusionTrainState;

/**
 * diffusion_checkpoint_save:
 * @folder: where checkpoints lie
 * @description: what is being trained, a JSON object; diffusion_checkpoint_load() compares it
 * @keep: how many of the last checkpoints stay
 *
 * Writes "checkpoint-STEP.safetensors" under a temporary name, with checksums; flushes and renames it and flushes the
 * folder; then deletes the oldest, and damaged ones of later steps.
 */
gboolean diffusion_checkpoint_save (const char *folder, const char *description, const DiffusionTrainState *state,
                                    guint keep, GError **error);

/**
 * diffusion_checkpoint_load:
 * @folder: where checkpoints lie; it need not exist
 * @description: what is being trained
 * @state: (inout): blocks allocated and averages chosen by the caller
 * @found: (out): whether there was a checkpoint
 *
 * Loads the newest checkpoint. A damaged one (format, size, checksum) is passed over with a warning for the one before;
 * one of another network, objective or optimizer is an error.
 */
gboolean diffusion_checkpoint_load (const char *folder, const char *description, DiffusionTrainState *state,
                                    gboolean *found, GError **error);

G_END_DECLS
