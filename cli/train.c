/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion train: a model from a folder of pictures. */
#include <unistd.h>

#include "cli/options.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

static void
show_report (const DiffusionTrainReport *report, gpointer data)
{
  g_autofree char *left = cli_format_seconds (report->seconds_left);

  if (!isatty (STDERR_FILENO))
    return;
  g_printerr (_ ("\rstep %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT ", loss %.4f, %.1f images/s, %s left   "),
              report->step, report->steps, report->smooth_loss, report->images_per_second, left);
}

static gboolean
parse_phases (const char *text, DiffusionTrainOptions *options, GError **error)
{
  g_auto (GStrv) phases = g_strsplit (text, ",", -1);

  options->n_phases = g_strv_length (phases);
  if (options->n_phases < 1 || options->n_phases > DIFFUSION_MAX_PHASES)
    return cli_usage_error (error, _ ("--phases: found %u phases, expected 1 to %d"), options->n_phases,
                            DIFFUSION_MAX_PHASES);
  for (guint i = 0; i < options->n_phases; i++)
    {
      DiffusionTrainPhase *phase = &options->phases[i];
      g_auto (GStrv) numbers = g_strsplit (phases[i], ":", -1);
      gint64 batch, size;

      if (g_strv_length (numbers) != 3)
        return cli_usage_error (error, _ ("--phases: found \"%s\", expected SHARE:BATCH:SIZE"), phases[i]);
      if (!cli_parse_double ("--phases", numbers[0], 0, 1, &phase->share, error)
          || !cli_parse_int ("--phases", numbers[1], 1, 65536, &batch, error)
          || !cli_parse_int ("--phases", numbers[2], 8, 4096, &size, error))
        return FALSE;
      phase->batch = (gint) batch;
      phase->size = (gint) size;
    }
  return TRUE;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  static const char *const noises[] = { "white", "camera", "mix", NULL };
  static const char *const losses[] = { "l1", "mse", NULL };
  static const char *const schedules[] = { "constant", "cosine", "trapezoid", NULL };
  static const char *const precisions[] = { "f32", "bf16", NULL };
  DiffusionTrainOptions options = diffusion_train_options_default ();
  DiffusionPhotoTaskOptions photo = diffusion_photo_task_options_default ();
  gint64 steps = 30000, seed = 1, warmup = 300, micro_batch = 4;
  double rate = 2e-3, ema = 0.999, clip = 0.5, decay = 0.3, minutes = 3;
  g_autofree char *noise = NULL, *loss = NULL, *schedule = NULL, *precision = NULL, *phases = NULL, *cache = NULL;
  GOptionEntry entries[] = {
    { "steps", 0, 0, G_OPTION_ARG_INT64, &steps, N_ ("Steps of the whole training (default: 30000)"), N_ ("N") },
    { "phases", 0, 0, G_OPTION_ARG_STRING, &phases,
      N_ ("Batch and picture size by share of the steps (default: 0.65:16:64,1:8:96)"), "SHARE:BATCH:SIZE,…" },
    { "micro-batch", 0, 0, G_OPTION_ARG_INT64, &micro_batch,
      N_ ("Pictures at once; the gradients of a batch add up (default: 4; 0: the whole batch)"), N_ ("N") },
    { "noise", 0, 0, G_OPTION_ARG_STRING, &noise, N_ ("white, camera or mix (default)"), N_ ("KIND") },
    { "loss", 0, 0, G_OPTION_ARG_STRING, &loss, N_ ("l1 (default) or mse, of ε"), N_ ("KIND") },
    { "learning-rate", 0, 0, G_OPTION_ARG_DOUBLE, &rate, N_ ("Highest learning rate (default: 0.002)"), N_ ("X") },
    { "schedule", 0, 0, G_OPTION_ARG_STRING, &schedule, N_ ("constant, cosine (default) or trapezoid"), N_ ("KIND") },
    { "decay-share", 0, 0, G_OPTION_ARG_DOUBLE, &decay, N_ ("Last share of the steps in which a trapezoid falls to 0"),
      N_ ("X") },
    { "warmup", 0, 0, G_OPTION_ARG_INT64, &warmup, N_ ("Steps of linear warm-up (default: 300)"), N_ ("N") },
    { "clip", 0, 0, G_OPTION_ARG_DOUBLE, &clip, N_ ("Clip gradients to this norm (default: 0.5; 0: never)"),
      N_ ("X") },
    { "ema", 0, 0, G_OPTION_ARG_DOUBLE, &ema, N_ ("Rate of the weights' moving average (default: 0.999)"), N_ ("X") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &precision, N_ ("Of matrix products: f32 or bf16 (default)"),
      N_ ("KIND") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, N_ ("Seed of weights, data and noise (default: 1)"), N_ ("N") },
    { "checkpoint-minutes", 0, 0, G_OPTION_ARG_DOUBLE, &minutes, N_ ("Time between checkpoints (default: 3)"),
      N_ ("X") },
    { "cache", 0, 0, G_OPTION_ARG_FILENAME, &cache, N_ ("Keep the decoded pictures in FILE"), N_ ("FILE") },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, argv, error);
  g_autoptr (DiffusionDataset) dataset = NULL;
  g_autoptr (DiffusionTrainTask) task = NULL;
  g_autofree char *folder = NULL;
  guint choice, last;

  if (arguments == NULL || !cli_check_int ("--steps", steps, 1, G_MAXINT32, error)
      || !cli_check_double ("--learning-rate", rate, 0, 1, error) || !cli_check_double ("--ema", ema, 0, 1, error)
      || !cli_check_double ("--clip", clip, 0, 1e9, error) || !cli_check_double ("--decay-share", decay, 0, 1, error)
      || !cli_check_int ("--micro-batch", micro_batch, 0, 65536, error)
      || !cli_check_int ("--warmup", warmup, 0, G_MAXINT32, error)
      || !cli_check_double ("--checkpoint-minutes", minutes, 0, 1e6, error)
      || !parse_phases (phases != NULL ? phases : "0.65:16:64,1:8:96", &options, error)
      || !cli_parse_choice ("--noise", noise != NULL ? noise : "mix", noises, &choice, error))
    return FALSE;
  photo.noise = choice;
  if (!cli_parse_choice ("--loss", loss != NULL ? loss : "l1", losses, &choice, error))
    return FALSE;
  photo.loss = choice == 0 ? DIFFUSION_LOSS_L1 : DIFFUSION_LOSS_MSE;
  if (!cli_parse_choice ("--precision", precision != NULL ? precision : "bf16", precisions, &choice, error))
    return FALSE;
  photo.precision = choice;
  if (!cli_parse_choice ("--schedule", schedule != NULL ? schedule : "cosine", schedules, &choice, error))
    return FALSE;
  options.schedule = choice;
  options.steps = (guint64) steps;
  options.micro_batch = (gint) micro_batch;
  options.seed = (guint64) seed;
  options.adamw = (DiffusionAdamW) { rate, 0.9, 0.99, 1e-8, 0 };
  options.warmup = (guint64) warmup;
  options.clip_norm = clip;
  options.decay_share = decay;
  options.ema_rates[0] = ema;
  options.checkpoint_seconds = minutes * 60;

  last = g_strv_length (arguments) - 1;
  folder = g_steal_pointer (&arguments[last]);
  dataset = diffusion_dataset_open ((const char *const *) arguments, diffusion_pictures_open, FALSE,
                                    DIFFUSION_DATASET_ALL, 0, cache, NULL, NULL, cancellable, error);
  if (dataset == NULL)
    return FALSE;
  task = diffusion_photo_task_new (&photo, dataset);
  return diffusion_train (task, &options, folder, NULL, show_report, NULL, cancellable, error);
}

const CliVerb cli_train = {
  .name = "train",
  .arguments = N_ ("DATA… OUT"),
  .brief = N_ ("train a model on folders of pictures"),
  .min_arguments = 2,
  .max_arguments = 1000,
  .run = run,
};
