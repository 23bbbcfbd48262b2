/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generate, regenerate and interpolate compute: runs in a thread of its own, without GIMP. */
#pragma once

#include "plugin/drawable.h"
#include "plugin/settings.h"
#include "ui/run-view.h"

G_BEGIN_DECLS

/**
 * DiffusionEdit:
 * @sampling: keeps models open between computations
 * @settings: what is asked for
 * @view: (nullable): told of every step
 * @show: (nullable): likewise
 * @show_data: for @show
 * @progress: (nullable): told how far it is
 * @progress_data: for @progress
 * @cancellable: (nullable): stops it
 * @finish: (nullable): cancelled before @cancellable, what there is becomes the result
 *
 * One computation. Nothing is owned.
 */
typedef struct
{
  DiffusionSampling *sampling;
  const DiffusionSettings *settings;
  DiffusionRunView *view;
  DiffusionPicturePreviewFunc show;
  gpointer show_data;
  DiffusionProgressFunc progress;
  gpointer progress_data;
  GCancellable *cancellable;
  GCancellable *finish;
} DiffusionEdit;

/**
 * DiffusionEditResult:
 * @width: columns of @pictures
 * @height: rows
 * @channels: 1 or 3
 * @pictures: (element-type float): [height, width, channels] each, 0 to 1; NULL where drawables were written
 * @done: how many pictures or drawables there are
 * @stopped: the user stopped the last one half way
 * @sampler: the sampler that was used
 * @steps: the steps that were taken for a whole chain
 * @t: where the chain began, 1 to T
 * @model_path: folder or file of the model
 * @model_name: what it is called
 * @model_hash: (nullable): SHA-256 of its weights
 */
typedef struct
{
  gint width, height, channels;
  GPtrArray *pictures;
  guint done;
  gboolean stopped;
  const char *sampler;
  gsize steps;
  double t;
  char *model_path, *model_name, *model_hash;
} DiffusionEditResult;

void diffusion_edit_result_clear (DiffusionEditResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DiffusionEditResult, diffusion_edit_result_clear)

/**
 * diffusion_edit_regenerate:
 * @whole: from noise alone: the model's last t, whatever @settings say
 * @drawables: (element-type DiffusionDrawable): what to make anew
 * @result: (inout): zero before
 *
 * Writes the results to the drawables' copies.
 */
gboolean diffusion_edit_regenerate (const DiffusionEdit *edit, gboolean whole, GPtrArray *drawables,
                                    DiffusionEditResult *result, GError **error);

/**
 * diffusion_edit_regenerate_part:
 * @drawable: what to make anew
 * @area: the part to compute, inside what may change
 * @colors: (out caller-allocates): [height, width, channels] of @area
 *
 * A part as a preview shows it: the rest is taken as known. Seamless where it is all of the drawable.
 */
gboolean diffusion_edit_regenerate_part (const DiffusionEdit *edit, gboolean whole, DiffusionDrawable *drawable,
                                         const GeglRectangle *area, float *colors, GError **error);

/**
 * diffusion_edit_generate:
 * @result: (inout): zero before
 *
 * Makes @settings' count of pictures, one after the other; number i has the seed + i.
 */
gboolean diffusion_edit_generate (const DiffusionEdit *edit, DiffusionEditResult *result, GError **error);

/**
 * diffusion_edit_interpolate:
 * @a: one picture
 * @b: another of the same size
 * @result: (inout): zero before
 *
 * Makes one picture for each λ.
 */
gboolean diffusion_edit_interpolate (const DiffusionEdit *edit, DiffusionDrawable *a, DiffusionDrawable *b,
                                     DiffusionEditResult *result, GError **error);

/** DiffusionEditCost: what a computation needs: @work pixels through the network, @bytes of memory. */
typedef struct
{
  double work;
  double bytes;
} DiffusionEditCost;

/**
 * diffusion_edit_cost:
 * @edit: one whose models were opened by a computation
 * @drawables: (element-type DiffusionDrawable) (nullable): of regenerate and interpolate
 * @area: (nullable): only this part of the first of them
 *
 * What the computation will cost altogether.
 */
DiffusionEditCost diffusion_edit_cost (const DiffusionEdit *edit, gboolean whole, GPtrArray *drawables,
                                       const GeglRectangle *area);

G_END_DECLS
