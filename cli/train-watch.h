/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a training shows while it runs: the progress line, plots, grids of samples. */
#pragma once

#include "core/training/photo-task.h"
#include "core/training/recipe.h"
#include "core/training/trainer.h"
#include "core/training/unet-task.h"

G_BEGIN_DECLS

/**
 * CliTrainWatch:
 * @recipe: what is trained
 * @folder: where plots and samples go
 * @dataset: its pictures
 * @photo: the task's options, where it is a photo model's
 * @unet: else
 * @cancellable: stops a grid that is being made
 */
typedef struct
{
  const DiffusionRecipe *recipe;
  const char *folder;
  const DiffusionDataset *dataset;
  DiffusionPhotoTaskOptions photo;
  DiffusionUnetTaskOptions unet;
  GCancellable *cancellable;
  gpointer progress;
} CliTrainWatch;

/** cli_train_watch_report: a DiffusionTrainReportFunc for a #CliTrainWatch. */
void cli_train_watch_report (const DiffusionTrainReport *report, gpointer watch);

/** cli_train_watch_end: erases the progress line. */
void cli_train_watch_end (CliTrainWatch *watch);

G_END_DECLS
