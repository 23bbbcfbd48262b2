/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of learning have in common: pictures made up from their names, and trainings of small networks. */
#pragma once

#include "core/diffusion.h"

#define SHOWN_SIZE 8
#define SHOWN_VALUES (SHOWN_SIZE * SHOWN_SIZE * 3)

/**
 * Shown:
 * @folder: temporary; "data" lies in it
 * @dataset: the pictures
 * @recipe: --preset tiny for pictures of this size, to be changed by the test
 */
typedef struct
{
  char *folder, *data;
  DiffusionDataset *dataset;
  DiffusionRecipe recipe;
} Shown;

/**
 * shown_init:
 * @names: %NULL-terminated files below the data folder; "red/…" is a picture of the first toy class, "sea/…" of the
 *   second, anything else a pattern that hangs on its number
 * @by_class: whether folders are classes
 */
void shown_init (Shown *shown, const char *const *names, gboolean by_class);
void shown_clear (Shown *shown);

/** shown_set: a setting of the recipe. */
void shown_set (Shown *shown, const char *name, const char *value);

/** shown_unet: the task's options that the recipe asks for. */
DiffusionUnetTaskOptions shown_unet (const Shown *shown);

/**
 * shown_train:
 * @out: folder below the temporary one
 *
 * Returns: (transfer full): the average's weights after all steps, in working order
 */
float *shown_train (Shown *shown, const char *out);
