/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The training's log as CSV. */
#pragma once

#include "core/training/trainer.h"

G_BEGIN_DECLS

typedef struct _DiffusionTrainLog DiffusionTrainLog;

/**
 * diffusion_train_log_open:
 * @folder: the training's folder; the file is "log.csv" there
 * @step: steps taken; rows of later steps, from a run that was killed, are dropped
 *
 * Returns: (transfer full) (nullable): %NULL with %DIFFUSION_ERROR_IO
 */
DiffusionTrainLog *diffusion_train_log_open (const char *folder, guint64 step, GError **error);

/**
 * diffusion_train_log_read:
 * @folder: a training's folder
 * @steps: (out) (transfer full): [n] of double
 * @losses: (out) (transfer full): [n] of double
 *
 * Returns: n, the rows of its log; 0 without one
 */
gsize diffusion_train_log_read (const char *folder, double **steps, double **losses);

void diffusion_train_log_free (DiffusionTrainLog *log);

/** diffusion_train_log_add: every 50th step, and the last one, becomes a row: means of loss and gradient norm since the last one. */
void diffusion_train_log_add (DiffusionTrainLog *log, const DiffusionTrainReport *report);

G_END_DECLS
