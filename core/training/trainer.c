/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The training loop. */
#include "core/training/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/training/muon.h"
#include "core/training/reduction.h"
#include "core/training/train-folder.h"
#include "core/training/train-log.h"

/* A loss this much above its best running mean has exploded. */
#define EXPLODED 8
#define SMOOTHING 0.99
/* Processors of different kinds round differently: every so many steps all processes take the weights of the first. */
#define EQUALISE_STEPS 100

/* Of the block of parameters. */
typedef struct
{
  gsize begin, end;
} Range;

typedef struct
{
  DiffusionTrainTask *task;
  const DiffusionTrainOptions *options;
  DiffusionGroup *group;
  const char *folder;
  char *description;
  DiffusionTrainState state;
  float *gradients;
  DiffusionMuon *muon; /* or NULL */
  GArray *adamw;       /* Ranges of what AdamW moves */
  DiffusionReduction *reduction;
  DiffusionTrainLog *log;
  gint64 saved_at;
  int lock;
  gboolean save_due, stopping; /* agreed on by all processes */
} Trainer;

void
diffusion_train_task_free (DiffusionTrainTask *task)
{
  if (task != NULL)
    task->free (task);
}

DiffusionTrainOptions
diffusion_train_options_default (void)
{
  return (DiffusionTrainOptions) {
    .steps = 100000,
    .n_phases = 1,
    .phases = { { 1, 16, 64 } },
    .adamw = { 1e-4, 0.9, 0.999, 1e-8, 0 },
    .momentum = 0.95,
    .precision = DIFFUSION_PRECISION_BF16,
    .warmup = 300,
    .schedule = DIFFUSION_RATE_CONSTANT,
    .decay_share = 0.3,
    .clip_norm = 1,
    .n_emas = 1,
    .ema_rates = { 0.999 },
    .seed = 1,
    .checkpoint_seconds = 180,
    .keep = 3,
  };
}

double
diffusion_train_learning_rate (const DiffusionTrainOptions *options, guint64 step)
{
  double rate = options->adamw.learning_rate;
  double steps = (double) options->steps, at = (double) step, warmup = (double) options->warmup;

  if (step < options->warmup)
    return rate * (at + 1) / warmup;
  switch (options->schedule)
    {
    case DIFFUSION_RATE_COSINE:
      return rate * 0.5 * (1 + cos (G_PI * MIN (1, (at - warmup) / MAX (1, steps - warmup))));
    case DIFFUSION_RATE_TRAPEZOID:
      return rate * CLAMP ((steps - at) / MAX (1, options->decay_share * steps), 0, 1);
    default:
      return rate;
    }
}

static const DiffusionTrainPhase *
find_phase (const DiffusionTrainOptions *options, guint64 step)
{
  guint i = 0;

  while (i + 1 < options->n_phases && (double) step >= options->phases[i].share * (double) options->steps)
    i++;
  return &options->phases[i];
}

/* Pictures at once in the process that has most. */
static gint
micro_batch (const DiffusionTrainOptions *options, const DiffusionTrainPhase *phase)
{
  gint processes = diffusion_group_get_size (options->group);
  gint share = (phase->batch + processes - 1) / processes;

  return options->micro_batch > 0 ? MIN (options->micro_batch, share) : share;
}

gsize
diffusion_train_plan_bytes (DiffusionTrainTask *task, const DiffusionTrainOptions *options)
{
  gsize blocks = options->memory_taken
                 + (4 + options->n_emas) * diffusion_params_get_total (task->params) * sizeof (float);
  gsize most = 0;

  if (options->optimizer == DIFFUSION_OPTIMIZER_MUON)
    blocks += diffusion_muon_bytes (task->params);
  if (options->memory_limit > 0)
    task->memory = options->memory_limit > blocks ? options->memory_limit - blocks : 1;

  for (guint i = 0; i < options->n_phases; i++)
    most = MAX (most,
                task->plan_bytes (task, micro_batch (options, &options->phases[i]), options->phases[i].size));
  return blocks + most;
}

static void
trainer_clear (Trainer *trainer)
{
  diffusion_free (trainer->state.params);
  diffusion_free (trainer->state.first);
  diffusion_free (trainer->state.second);
  for (guint i = 0; i < trainer->state.n_emas; i++)
    diffusion_free (trainer->state.emas[i]);
  diffusion_muon_free (trainer->muon);
  g_clear_pointer (&trainer->adamw, g_array_unref);
  diffusion_reduction_free (trainer->reduction);
  diffusion_free (trainer->gradients);
  diffusion_train_log_free (trainer->log);
  diffusion_train_folder_close (trainer->lock);
  g_free (trainer->description);
}

/* The parameters that Muon does not take, neighbours as one. */
static GArray *
find_adamw_ranges (const DiffusionParams *params, gboolean with_muon)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  Range *last = NULL;

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      if (with_muon && diffusion_muon_takes (param))
        {
          last = NULL;
          continue;
        }
      if (last == NULL)
        {
          g_array_set_size (ranges, ranges->len + 1);
          last = &g_array_index (ranges, Range, ranges->len - 1);
          last->begin = param->offset;
        }
      last->end = param->offset + param->size;
    }
  return ranges;
}

static gboolean
allocate (Trainer *trainer, GError **error)
{
  DiffusionTrainState *state = &trainer->state;
  float **blocks[4 + DIFFUSION_MAX_EMAS] = { &state->params, &state->first, &state->second, &trainer->gradients };
  gsize planned = diffusion_train_plan_bytes (trainer->task, trainer->options);

  if (trainer->options->memory_limit > 0 && planned > trainer->options->memory_limit)
    {
      g_autofree char *needed = g_format_size (planned);
      g_autofree char *limit = g_format_size (trainer->options->memory_limit);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY,
                   _ ("This training needs %s, more than the limit of %s; take a smaller batch, micro-batch or size"),
                   needed, limit);
      return FALSE;
    }
  state->n = diffusion_params_get_total (trainer->task->params);
  state->n_task = trainer->task->n_state;
  state->task = trainer->task->state;
  /* Nobody but the first process saves them. */
  state->n_emas = diffusion_group_is_first (trainer->group) ? trainer->options->n_emas : 0;
  for (guint i = 0; i < state->n_emas; i++)
    {
      state->ema_rates[i] = trainer->options->ema_rates[i];
      blocks[4 + i] = &state->emas[i];
    }
  for (guint i = 0; i < 4 + state->n_emas; i++)
    {
      *blocks[i] = diffusion_try_alloc0 (state->n * sizeof (float), _ ("training"), error);
      if (*blocks[i] == NULL)
        return FALSE;
    }
  if (trainer->options->optimizer == DIFFUSION_OPTIMIZER_MUON)
    {
      trainer->muon = diffusion_muon_new (trainer->task->params, trainer->options->precision, error);
      if (trainer->muon == NULL)
        return FALSE;
    }
  trainer->adamw = find_adamw_ranges (trainer->task->params, trainer->muon != NULL);
  trainer->reduction = diffusion_reduction_new (trainer->group, trainer->task->params, trainer->gradients);
  return TRUE;
}

/* The state of the checkpoint, or the first one. */
static gboolean
load (Trainer *trainer, const float *initial, GError **error)
{
  DiffusionTrainState *state = &trainer->state;
  gboolean found;

  trainer->lock = diffusion_train_folder_open (trainer->folder, error);
  if (trainer->lock < 0
      || !diffusion_checkpoint_load (trainer->folder, trainer->description, state, &found, error))
    return FALSE;
  if (!found)
    {
      if (initial != NULL)
        memcpy (state->params, initial, state->n * sizeof (float));
      else
        diffusion_params_initialise (trainer->task->params, trainer->options->seed, state->params);
      for (guint i = 0; i < state->n_emas; i++)
        memcpy (state->emas[i], state->params, state->n * sizeof (float));
    }
  trainer->log = diffusion_train_log_open (trainer->folder, state->step, error);
  return trainer->log != NULL;
}

/* Gives the first process's state to all. */
static gboolean
share_state (Trainer *trainer, GCancellable *cancellable, GError **error)
{
  DiffusionTrainState *state = &trainer->state;
  double numbers[3] = { (double) state->step, state->smooth_loss, state->least_loss };
  gsize bytes = state->n * sizeof (float);

  if (!diffusion_group_broadcast (trainer->group, sizeof numbers, numbers, cancellable, error)
      || !diffusion_group_broadcast (trainer->group, bytes, state->params, cancellable, error)
      || !diffusion_group_broadcast (trainer->group, bytes, state->first, cancellable, error)
      || !diffusion_group_broadcast (trainer->group, bytes, state->second, cancellable, error)
      || !diffusion_group_broadcast (trainer->group, state->n_task * sizeof (float), state->task, cancellable, error))
    return FALSE;
  state->step = (guint64) numbers[0];
  state->smooth_loss = numbers[1];
  state->least_loss = numbers[2];
  return TRUE;
}

static gboolean
start (Trainer *trainer, const float *initial, GCancellable *cancellable, GError **error)
{
  gboolean ok = allocate (trainer, error);

  if (ok && diffusion_group_is_first (trainer->group))
    ok = load (trainer, initial, error);
  if (!diffusion_group_agree (trainer->group, ok, cancellable, error)
      || !diffusion_group_compare (trainer->group, trainer->description, cancellable, error)
      || !share_state (trainer, cancellable, error))
    return FALSE;
  diffusion_params_use_block (trainer->task->params, trainer->state.params);
  return TRUE;
}

/* Pictures of the steps from @first to @last. */
static double
count_images (const DiffusionTrainOptions *options, guint64 first, guint64 last)
{
  double images = 0, begin = (double) first;

  for (guint i = 0; i < options->n_phases && begin < (double) last; i++)
    {
      double end = (i + 1 < options->n_phases ? options->phases[i].share : 1) * (double) options->steps;

      end = MIN (end, (double) last);
      images += MAX (0, end - begin) * options->phases[i].batch;
      begin = MAX (begin, end);
    }
  return images;
}

static JsonObject *
make_card (const Trainer *trainer)
{
  JsonObject *card = json_object_new ();

  if (trainer->options->card != NULL)
    {
      g_autoptr (GList) members = json_object_get_members (trainer->options->card);

      for (GList *item = members; item != NULL; item = item->next)
        json_object_set_member (card, item->data, json_object_dup_member (trainer->options->card, item->data));
    }
  json_object_set_int_member (card, "training_steps", (gint64) trainer->state.step);
  json_object_set_int_member (card, "training_images",
                              (gint64) count_images (trainer->options, 0, trainer->state.step));
  json_object_set_double_member (card, "training_loss", trainer->state.smooth_loss);
  return card;
}

static gboolean
write_files (const Trainer *trainer, GError **error)
{
  g_autoptr (JsonObject) card = make_card (trainer);

  if (!diffusion_checkpoint_save (trainer->folder, trainer->description, &trainer->state, trainer->options->keep, error)
      || !trainer->task->save (trainer->task, trainer->folder, trainer->state.emas[0], card, error))
    return FALSE;
  for (guint i = 1; i < trainer->state.n_emas; i++)
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];
      g_autofree char *name
        = g_strconcat ("ema-", g_ascii_formatd (digits, sizeof digits, "%.8g", trainer->state.ema_rates[i]), NULL);
      g_autofree char *folder = g_build_filename (trainer->folder, name, NULL);

      if (!diffusion_train_folder_make (folder, error)
          || !trainer->task->save (trainer->task, folder, trainer->state.emas[i], card, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
save (Trainer *trainer, GCancellable *cancellable, GError **error)
{
  gboolean ok;

  trainer->saved_at = g_get_monotonic_time ();
  trainer->save_due = FALSE;
  ok = !diffusion_group_is_first (trainer->group) || write_files (trainer, error);
  return diffusion_group_agree (trainer->group, ok, cancellable, error);
}

/* Takes a step's loss into the running mean, unless training has failed. */
static gboolean
watch_loss (Trainer *trainer, double loss, double norm, GError **error)
{
  DiffusionTrainState *state = &trainer->state;
  double smooth = state->step == 0 ? loss : SMOOTHING * state->smooth_loss + (1 - SMOOTHING) * loss;
  double least = state->step == 0 ? smooth : MIN (state->least_loss, smooth);
  const char *problem = NULL;

  if (!isfinite (loss) || !isfinite (norm))
    problem = _ ("the loss or its gradient is not a number any more");
  else if (state->step > MAX (trainer->options->warmup, 200) && smooth > EXPLODED * least)
    problem = _ ("the loss has grown far above its best");
  if (problem == NULL)
    {
      state->smooth_loss = smooth;
      state->least_loss = least;
      return TRUE;
    }
  if (diffusion_group_is_first (trainer->group))
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC,
                 _ ("Training stopped at step %" PRIu64
                    ": %s (loss %g, gradient norm %g, learning rate %g). Start again with a lower learning rate, a "
                    "longer warm-up or a smaller clipping norm; the last checkpoint in %s is untouched"),
                 state->step, problem, loss, norm, diffusion_train_learning_rate (trainer->options, state->step),
                 trainer->folder);
  else
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_ELSEWHERE, "%s", problem);
  return FALSE;
}

/* This process's share of a step: its examples' loss and gradients, whose sums over all processes begin on the way. */
static gboolean
compute (Trainer *trainer, const DiffusionTrainPhase *phase, double *loss, GCancellable *cancellable, GError **error)
{
  const DiffusionTrainOptions *options = trainer->options;
  DiffusionTrainTask *task = trainer->task;
  DiffusionTrainBatch batch = { options->seed, (guint32) trainer->state.step, 0, 0, phase->batch, phase->size };
  gint end, most = micro_batch (options, phase);
  gboolean ok = TRUE;

  end = diffusion_group_get_share (trainer->group, phase->batch, &batch.first);
  end += batch.first;
  for (; ok && batch.first < end; batch.first += batch.n)
    {
      batch.n = MIN (most, end - batch.first);
      if (batch.first + batch.n == end)
        {
          task->ready = diffusion_reduction_ready;
          task->ready_data = trainer->reduction;
        }
      ok = task->run (task, &batch, trainer->gradients, loss, cancellable, error);
    }
  task->ready = NULL;
  return ok;
}

/* Adds up losses and gradients of all processes. What has gone wrong in one is then known in all. */
static gboolean
join (Trainer *trainer, gboolean ok, double *loss, double *norm, GCancellable *cancellable, GError **error)
{
  DiffusionTrainTask *task = trainer->task;
  gboolean first = diffusion_group_is_first (trainer->group);
  gboolean due = (double) (g_get_monotonic_time () - trainer->saved_at) * 1e-6 >= trainer->options->checkpoint_seconds;
  gboolean stops = g_cancellable_is_cancelled (cancellable);
  struct
  {
    double loss, failures, stops, save_due;
  } all = { *loss, ok || stops ? 0 : 1, stops, first && due };
  double numbers[2];

  /* In this order in all processes, also in those that have had nothing to do. */
  diffusion_reduction_rest (trainer->reduction);
  if (trainer->group != NULL && task->n_shared > 0)
    trainer->group->begin_sum (trainer->group, task->n_shared, task->shared);
  if (!diffusion_group_end_sums (trainer->group, cancellable, ok ? error : NULL)
      || !diffusion_group_sum (trainer->group, sizeof all / sizeof (double), &all.loss, cancellable, ok ? error : NULL))
    return FALSE;
  trainer->save_due = all.save_due > 0;
  trainer->stopping = all.stops > 0;
  if (all.failures > 0 || all.stops > 0)
    {
      if (ok && first && all.failures == 0)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Training was stopped"));
      else if (ok)
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_ELSEWHERE,
                     _ ("Another process of this training has ended"));
      return FALSE;
    }
  numbers[0] = all.loss;
  numbers[1] = first ? sqrt (diffusion_squared_norm (trainer->state.n, trainer->gradients)) : 0;
  if (!diffusion_group_broadcast (trainer->group, sizeof numbers, numbers, cancellable, error))
    return FALSE;
  *loss = numbers[0];
  *norm = numbers[1];
  return TRUE;
}

/* Moves the parameters. */
static void
update (Trainer *trainer, double learning_rate, double scale)
{
  const DiffusionTrainOptions *options = trainer->options;
  DiffusionTrainState *state = &trainer->state;
  DiffusionAdamW adamw = options->adamw;

  adamw.learning_rate = learning_rate;
  if (trainer->muon != NULL)
    diffusion_muon_step (trainer->muon, learning_rate, options->momentum, adamw.weight_decay, trainer->gradients, scale,
                         state->first, state->params);
  for (guint i = 0; i < trainer->adamw->len; i++)
    {
      Range range = g_array_index (trainer->adamw, Range, i);

      diffusion_adamw_step (&adamw, state->step + 1, range.end - range.begin, trainer->gradients + range.begin, scale,
                            state->first + range.begin, state->second + range.begin, state->params + range.begin);
    }
}

/* One step: gradients of all micro-batches, clipping, the optimizer, averages. Until the optimizer nothing but the
 * gradients has changed, so a step can be dropped half way. */
static gboolean
take_step (Trainer *trainer, DiffusionTrainReport *report, GCancellable *cancellable, GError **error)
{
  const DiffusionTrainOptions *options = trainer->options;
  DiffusionTrainState *state = &trainer->state;
  const DiffusionTrainPhase *phase = find_phase (options, state->step);
  DiffusionTrainBatch whole = { options->seed, (guint32) state->step, 0, phase->batch, phase->batch, phase->size };
  double learning_rate = diffusion_train_learning_rate (options, state->step);
  double loss = 0, norm = 0, scale = 1;
  gboolean ok;

  memset (trainer->gradients, 0, state->n * sizeof (float));
  if (trainer->task->n_shared > 0)
    memset (trainer->task->shared, 0, trainer->task->n_shared * sizeof (float));
  diffusion_reduction_begin (trainer->reduction);
  ok = compute (trainer, phase, &loss, cancellable, error);
  if (!join (trainer, ok, &loss, &norm, cancellable, error))
    return FALSE;
  if (!watch_loss (trainer, loss, norm, error))
    return FALSE;
  if (trainer->task->finish != NULL)
    trainer->task->finish (trainer->task, &whole);
  if (options->clip_norm > 0 && norm > options->clip_norm)
    scale = options->clip_norm / norm;
  update (trainer, learning_rate, scale);
  for (guint i = 0; i < state->n_emas; i++)
    {
      /* Early averages forget the random start sooner. */
      double warm = (1 + (double) state->step) / (10 + (double) state->step);

      diffusion_ema_update (MIN (state->ema_rates[i], warm), state->n, state->params, state->emas[i]);
    }
  state->step++;
  if (state->step % EQUALISE_STEPS == 0
      && !diffusion_group_broadcast (trainer->group, state->n * sizeof (float), state->params, cancellable, error))
    return FALSE;

  report->step = state->step;
  report->steps = options->steps;
  report->loss = loss;
  report->smooth_loss = state->smooth_loss;
  report->gradient_norm = norm;
  report->learning_rate = learning_rate;
  report->average = state->emas[0];
  return TRUE;
}

static void
tell (Trainer *trainer, const DiffusionTrainReport *report, DiffusionTrainReportFunc func, gpointer data)
{
  if (!diffusion_group_is_first (trainer->group))
    return;
  diffusion_train_log_add (trainer->log, report);
  if (func != NULL)
    func (report, data);
}

static gboolean
run (Trainer *trainer, DiffusionTrainReportFunc report_func, gpointer report_data, GCancellable *cancellable,
     GError **error)
{
  const DiffusionTrainOptions *options = trainer->options;
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) local_error = NULL;
  double images = 0;

  trainer->saved_at = started;
  while (trainer->state.step < options->steps)
    {
      DiffusionTrainReport report = { 0 };
      double seconds;

      images += find_phase (options, trainer->state.step)->batch;
      if (!take_step (trainer, &report, cancellable, &local_error))
        {
          /* Also where the others did not answer: the state of the last step is whole. */
          if (trainer->stopping || g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
            save (trainer, cancellable, NULL);
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      seconds = (double) (g_get_monotonic_time () - started) * 1e-6;
      report.images_per_second = images / seconds;
      report.seconds_left = count_images (options, trainer->state.step, options->steps) / report.images_per_second;
      tell (trainer, &report, report_func, report_data);
      if (trainer->save_due && trainer->state.step < options->steps && !save (trainer, cancellable, error))
        return FALSE;
    }
  return save (trainer, cancellable, error);
}

/* What has to be the same to go on with a checkpoint: moments of one optimizer are of no use to the other. */
static char *
describe (DiffusionTrainTask *task, DiffusionOptimizer optimizer)
{
  g_autoptr (JsonObject) object = task->describe (task);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);

  json_object_set_string_member (object, "optimizer", optimizer == DIFFUSION_OPTIMIZER_MUON ? "muon" : "adamw");
  return json_to_string (node, FALSE);
}

gboolean
diffusion_train (DiffusionTrainTask *task,
                 const DiffusionTrainOptions *options,
                 const char *folder,
                 const float *initial,
                 DiffusionTrainReportFunc report,
                 gpointer report_data,
                 GCancellable *cancellable,
                 GError **error)
{
  Trainer trainer = { .task = task, .options = options, .group = options->group, .folder = folder, .lock = -1 };
  gboolean ok;

  trainer.description = describe (task, options->optimizer);
  ok = start (&trainer, initial, cancellable, error) && run (&trainer, report, report_data, cancellable, error);
  if (trainer.group != NULL)
    trainer.group->settled = TRUE;
  trainer_clear (&trainer);
  return ok;
}
