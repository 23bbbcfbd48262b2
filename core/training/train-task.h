/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the training loop needs to know about what it trains. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "core/model/graph.h"

G_BEGIN_DECLS

typedef struct _DiffusionTrainTask DiffusionTrainTask;

/**
 * DiffusionTrainBatch:
 * @seed: seed of the run
 * @step: training step, from 0
 * @first: number of the first example within the step
 * @n: examples of this micro-batch
 * @total: examples of the whole step: losses and gradients are means over these
 * @size: width and height of the pictures
 *
 * Examples hang on (seed, step, number in the step) alone, so that any split gives the same data.
 */
typedef struct
{
  guint64 seed;
  guint32 step;
  gint first;
  gint n;
  gint total;
  gint size;
} DiffusionTrainBatch;

/**
 * DiffusionTrainTask:
 * @params: the table whose block is trained
 * @describe: (transfer full): what a checkpoint must agree with: architecture, objective
 * @plan_bytes: memory of a micro-batch of @n pictures of @size², the parameter blocks not counted; more than @memory
 *   where it cannot be had for less
 * @run: adds this micro-batch's share of the mean loss to @loss and of its gradient to @gradients (as long as the
 *   parameter block; %NULL: loss only)
 * @save: writes a model folder with @weights, a block in working order; @card is its model card
 * @free: frees the task
 * @finish: (nullable): called after the step's last micro-batch, when @shared is complete
 * @shared: (nullable): [n_shared] numbers that @run writes for its own examples; zeroed before each step, and with
 *   several processes summed over them before @finish
 * @n_shared: their number, fixed
 * @state: (nullable): [n_state] numbers of the task's own that a checkpoint keeps; only @finish changes them
 * @n_state: their number, fixed
 * @memory: bytes that a micro-batch may take, 0 for no limit: what does not fit is computed again; set by the trainer
 *   before @plan_bytes
 * @ready: (nullable): set by the loop; what @run gives to diffusion_exec_set_gradient_ready()
 * @ready_data: for @ready
 *
 * A network, an objective and data.
 */
struct _DiffusionTrainTask
{
  DiffusionParams *params;
  JsonObject *(*describe) (DiffusionTrainTask *task);
  gsize (*plan_bytes) (DiffusionTrainTask *task, gint n, gint size);
  gboolean (*run) (DiffusionTrainTask *task, const DiffusionTrainBatch *batch, float *gradients, double *loss,
                   GCancellable *cancellable, GError **error);
  gboolean (*save) (DiffusionTrainTask *task, const char *folder, const float *weights, JsonObject *card,
                    GError **error);
  void (*finish) (DiffusionTrainTask *task, const DiffusionTrainBatch *batch);
  void (*free) (DiffusionTrainTask *task);
  float *shared;
  gsize n_shared;
  float *state;
  gsize n_state;
  gsize memory;
  DiffusionGradientReadyFunc ready;
  gpointer ready_data;
};

void diffusion_train_task_free (DiffusionTrainTask *task);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionTrainTask, diffusion_train_task_free)

G_END_DECLS
