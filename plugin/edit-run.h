/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the procedures of generate, regenerate and interpolate have in common. */
#pragma once

#include "plugin/drawables.h"
#include "plugin/results.h"

G_BEGIN_DECLS

/**
 * DiffusionEditJob:
 * @procedure: which procedure runs
 * @run_mode: how
 * @image: (nullable): the image; afterwards the one that the results are in
 * @items: (nullable) (array zero-terminated=1): its selected drawables
 * @config: the arguments
 * @sampling: keeps models open between the preview and the work
 * @settings: a copy of the arguments, once the user was asked
 * @drawables: (nullable) (element-type DiffusionDrawable): what is worked on
 * @result: what was computed
 *
 * One run of generate, regenerate or interpolate.
 */
typedef struct
{
  GimpProcedure *procedure;
  GimpRunMode run_mode;
  GimpImage *image;
  GimpDrawable **items;
  GimpProcedureConfig *config;
  DiffusionSampling *sampling;
  DiffusionSettings *settings;
  GPtrArray *drawables;
  DiffusionEditResult result;
} DiffusionEditJob;

/**
 * DiffusionEditKind:
 * @title: what is being done, not translated yet
 * @whole: as diffusion_edit_regenerate() has it
 * @returns_image: the first return value is the image
 * @ask: shows the dialog; %FALSE without an error where the user does not want it
 * @begin: refuses what can be refused before any work, and sets the drawables
 * @compute: calls one of the functions of edit.h, in another thread
 * @commit: puts the results into GIMP
 *
 * What is different from one of these procedures to the other.
 */
typedef struct
{
  const char *title;
  gboolean whole, returns_image;
  gboolean (*ask) (DiffusionEditJob *job, GError **error);
  gboolean (*begin) (DiffusionEditJob *job, GError **error);
  gboolean (*compute) (const DiffusionEdit *edit, DiffusionEditJob *job, GError **error);
  gboolean (*commit) (DiffusionEditJob *job, DiffusionResults *results, GError **error);
} DiffusionEditKind;

/**
 * diffusion_edit_run:
 *
 * Asks the user, where he can be asked, computes, and puts the results into GIMP. In a window the user can stop it: then
 * what there is was put together, which may be nothing.
 *
 * Returns: (transfer full): the procedure's return values
 */
GimpValueArray *diffusion_edit_run (const DiffusionEditKind *kind, GimpProcedure *procedure, GimpRunMode run_mode,
                                    GimpImage *image, GimpDrawable **items, GimpProcedureConfig *config);

/** diffusion_edit_add_returns: declares the return values: the image where @kind returns it, and "layers". */
void diffusion_edit_add_returns (const DiffusionEditKind *kind, GimpProcedure *procedure);

G_END_DECLS
