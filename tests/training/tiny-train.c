/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trains a tiny network on made-up pictures, as the command does, for tests that kill it. With everything in it that a
 * checkpoint must keep: moments, averages, the losses of importance sampling; and dropout. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/group.h"
#include "cli/interrupt.h"
#include "core/diffusion.h"

#define SIZE 8

/* The picture's colours hang on its name. */
static DiffusionPicture *
open_fake (const char *path, GError **error)
{
  static float pixels[16 * 16 * 3];
  g_autofree char *name = g_path_get_basename (path);

  for (gint i = 0; i < 16 * 16 * 3; i++)
    pixels[i] = (float) ((i / 3 % 16) * (name[0] % 7) + (i / 48) * (i % 3)) / 128;
  return diffusion_picture_new_memory (16, 16, 3, pixels, NULL);
}

static DiffusionUnetTaskOptions
make_options (double dropout)
{
  DiffusionUnetTaskOptions options = { .loss = DIFFUSION_LOSS_HYBRID, .timesteps = DIFFUSION_TIMESTEPS_IMPORTANCE,
                                       .t_last = 4, .augmentation = diffusion_augmentation_photos (),
                                       .precision = DIFFUSION_PRECISION_F32 };
  DiffusionUnetConfig *config = &options.config;

  diffusion_unet_config_init (config);
  config->in_channels = 3;
  config->out_channels = 6;
  config->n_levels = 2;
  config->channels[0] = 8;
  config->channels[1] = 12;
  config->layers_per_block = 1;
  for (gint i = 0; i < DIFFUSION_UNET_MAX_LEVELS; i++)
    config->down_attention[i] = config->up_attention[i] = FALSE;
  config->mid_attention = FALSE;
  config->norm_groups = 2;
  config->dropout = dropout;
  diffusion_scheduler_config_init (&options.scheduler);
  options.scheduler.steps = 5;
  options.scheduler.variance = DIFFUSION_VARIANCE_LEARNED_RANGE;
  return options;
}

static void
show_report (const DiffusionTrainReport *report, gpointer data)
{
  printf ("step %" G_GUINT64_FORMAT "\n", report->step);
  fflush (stdout);
}

static void
show_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  g_printerr ("warning: %s\n", message);
}

static gboolean
train (int argc, char **argv, GCancellable *cancellable, GError **error)
{
  DiffusionTrainOptions options = diffusion_train_options_default ();
  gint steps = 10, batch = 5, micro_batch = 0;
  double seconds = 0, rate = 1e-3, dropout = 0.2;
  gboolean muon = FALSE;
  GOptionEntry entries[] = {
    { "steps", 0, 0, G_OPTION_ARG_INT, &steps, NULL, NULL },
    { "batch", 0, 0, G_OPTION_ARG_INT, &batch, NULL, NULL },
    { "micro-batch", 0, 0, G_OPTION_ARG_INT, &micro_batch, NULL, NULL },
    { "checkpoint-seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, NULL, NULL },
    { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &rate, NULL, NULL },
    { "dropout", 0, 0, G_OPTION_ARG_DOUBLE, &dropout, NULL, NULL },
    { "muon", 0, 0, G_OPTION_ARG_NONE, &muon, NULL, NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("DATA OUT");
  g_autoptr (DiffusionDataset) dataset = NULL;
  g_autoptr (DiffusionTrainTask) task = NULL;
  DiffusionUnetTaskOptions what;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error) || !cli_group_join (&options.group, error))
    return FALSE;
  g_assert_cmpint (argc, ==, 3);
  printf ("process %d is %d\n", options.group != NULL ? options.group->rank : 0, (int) getpid ());
  fflush (stdout);
  dataset = diffusion_dataset_open ((const char *const[]) { argv[1], NULL }, open_fake, FALSE, DIFFUSION_DATASET_ALL, 0,
                                    NULL, NULL, NULL, cancellable, error);
  if (dataset == NULL)
    return FALSE;
  what = make_options (dropout);
  task = diffusion_unet_task_new (&what, dataset, error);
  if (task == NULL)
    return FALSE;
  options.steps = (guint64) steps;
  options.phases[0] = (DiffusionTrainPhase) { 1, batch, SIZE };
  options.micro_batch = micro_batch;
  options.optimizer = muon ? DIFFUSION_OPTIMIZER_MUON : DIFFUSION_OPTIMIZER_ADAMW;
  options.adamw.learning_rate = rate;
  options.warmup = 3;
  options.n_emas = 2;
  options.ema_rates[0] = 0.9;
  options.ema_rates[1] = 0.99;
  options.checkpoint_seconds = seconds;
  return diffusion_train (task, &options, argv[2], NULL, show_report, NULL, cancellable, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gboolean ok;

  g_log_set_handler ("diffusion", G_LOG_LEVEL_WARNING, show_warning, NULL);
  cli_interrupt_watch (cancellable);
  ok = train (argc, argv, cancellable, &error);
  if (!ok && !g_error_matches (error, DIFFUSION_ERROR, DIFFUSION_ERROR_ELSEWHERE))
    g_printerr ("tiny-train: %s\n", error->message);
  cli_group_leave (!ok);
  return ok ? 0 : 1;
}
