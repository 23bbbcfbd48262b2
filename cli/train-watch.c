/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a training shows while it runs: the progress line, plots, grids of samples. */
#include "cli/train-watch.h"

#include <inttypes.h>

#include "cli/progress.h"
#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

#define PLOT_WIDTH 960
#define PLOT_HEIGHT 540

/* A picture that cannot be made is no reason to end a training. */
static void
warn (const char *path, const GError *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning (_ ("%s: %s"), path, error->message);
}

static void
draw_plot (const CliTrainWatch *watch)
{
  g_autofree char *path = g_build_filename (watch->folder, "loss.png", NULL);
  g_autofree double *steps = NULL, *losses = NULL;
  g_autofree float *pixels = g_new (float, PLOT_WIDTH * PLOT_HEIGHT * 3);
  g_autoptr (GError) error = NULL;
  DiffusionPlotLine line = { "loss", NULL, NULL, diffusion_train_log_read (watch->folder, &steps, &losses) };
  const DiffusionPlot plot = { "training loss", "step", "loss", FALSE, TRUE, &line, 1 };

  line.x = steps;
  line.y = losses;
  diffusion_plot_draw (&plot, PLOT_WIDTH, PLOT_HEIGHT, pixels);
  if (!diffusion_pictures_write_png (path, pixels, PLOT_WIDTH, PLOT_HEIGHT, 3, &error))
    warn (path, error);
}

static void
draw_samples (const CliTrainWatch *watch, const DiffusionTrainReport *report)
{
  const DiffusionRecipe *recipe = watch->recipe;
  g_autofree char *name = g_strdup_printf ("samples-%08" PRIu64 ".png", report->step);
  g_autofree char *path = g_build_filename (watch->folder, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree float *pictures = NULL, *grid = NULL;
  gsize n = (gsize) recipe->samples;
  gint size = (gint) recipe->size, width, grid_width, grid_height;

  if (recipe->network == DIFFUSION_RECIPE_PHOTO)
    pictures = diffusion_samples_photo (&watch->photo, watch->dataset, report->average, n, size,
                                        (guint64) recipe->seed, &width, watch->cancellable, &error);
  else
    pictures = diffusion_samples_unet (&watch->unet, watch->dataset, report->average, n, size, (guint64) recipe->seed,
                                       &width, watch->cancellable, &error);
  if (pictures != NULL)
    {
      grid = diffusion_samples_grid (pictures, n, width, size, &grid_width, &grid_height);
      if (diffusion_pictures_write_png (path, grid, grid_width, grid_height, 3, &error))
        return;
    }
  warn (path, error);
}

void
cli_train_watch_report (const DiffusionTrainReport *report, gpointer data)
{
  CliTrainWatch *watch = data;
  const DiffusionRecipe *recipe = watch->recipe;
  g_autofree char *left = cli_format_seconds (report->seconds_left);
  gboolean last = report->step == report->steps;

  if (watch->progress == NULL)
    watch->progress = cli_progress_new ("", 0);
  cli_progress_show (watch->progress,
                     _ ("step %" PRIu64 " of %" PRIu64 ", loss %.4f, %.1f images/s, %s left"),
                     report->step, report->steps, report->smooth_loss, report->images_per_second, left);
  if (recipe->plot > 0 && (last || report->step % (guint64) recipe->plot == 0))
    draw_plot (watch);
  if (recipe->samples > 0 && recipe->network != DIFFUSION_RECIPE_CLASSIFIER
      && (last || report->step % (guint64) recipe->samples_every == 0))
    draw_samples (watch, report);
}

void
cli_train_watch_end (CliTrainWatch *watch)
{
  cli_progress_free (watch->progress);
  watch->progress = NULL;
}
