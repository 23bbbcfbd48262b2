/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A large view of a picture before and after the work: dragged, zoomed, with a divider that can be moved. */
#pragma once

#include <gtk/gtk.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

#define DIFFUSION_TYPE_PREVIEW_AREA (diffusion_preview_area_get_type ())
G_DECLARE_FINAL_TYPE (DiffusionPreviewArea, diffusion_preview_area, DIFFUSION, PREVIEW_AREA, GtkDrawingArea)

/**
 * DiffusionPreviewSource:
 * @width: columns of the whole picture
 * @height: its rows
 * @read: fills [area height, area width] pixels as cairo's ARGB32 with what is there now; called in other threads,
 *   also while @compute runs
 * @begin: makes a job from the settings as they are now, or returns %NULL when there is nothing to compute;
 *   called in the main thread
 * @compute: fills pixels, which hold what is there now, with the result; called in another thread, never two at a time
 * @end: frees a job; called in the main thread
 * @progressive: pixels hold a picture worth seeing whenever @compute calls progress
 *
 * What a preview shows. All functions get the user's data first, except @compute and @end, which get the job.
 */
typedef struct
{
  gint width;
  gint height;
  void (*read) (gpointer data, const GdkRectangle *area, guint32 *pixels);
  gpointer (*begin) (gpointer data);
  gboolean (*compute) (gpointer job, const GdkRectangle *area, guint32 *pixels, DiffusionProgressFunc progress,
                       gpointer progress_data, GCancellable *cancellable, GError **error);
  void (*end) (gpointer job);
  gboolean progressive;
} DiffusionPreviewSource;

/**
 * diffusion_preview_area_new:
 * @source: (transfer none): copied
 * @data: passed to its functions
 *
 * Signals: "computed" (double seconds, gint pixels) when a result is shown, "failed" (const char *message) when
 * there is none, "zoomed" when the zoom changed.
 */
GtkWidget *diffusion_preview_area_new (const DiffusionPreviewSource *source, gpointer data);

/** diffusion_preview_area_invalidate: the settings changed: what runs is cancelled, and computed anew soon. */
void diffusion_preview_area_invalidate (DiffusionPreviewArea *self);

/** diffusion_preview_area_stop: cancels, waits until nothing runs any more, and computes nothing from then on. */
void diffusion_preview_area_stop (DiffusionPreviewArea *self);

/** diffusion_preview_area_show_part: moves the view to the middle of a part of the picture. */
void diffusion_preview_area_show_part (DiffusionPreviewArea *self, const GdkRectangle *part);

double diffusion_preview_area_get_zoom (DiffusionPreviewArea *self);

/** diffusion_preview_area_set_zoom: screen pixels per pixel of the picture, 1/16 to 16. */
void diffusion_preview_area_set_zoom (DiffusionPreviewArea *self, double zoom);

/** diffusion_preview_area_zoom_step: to the next zoom above (direction 1) or below (-1). */
void diffusion_preview_area_zoom_step (DiffusionPreviewArea *self, gint direction);

/** diffusion_preview_area_zoom_fit: shows the whole picture. */
void diffusion_preview_area_zoom_fit (DiffusionPreviewArea *self);

/** diffusion_preview_area_set_divider: where before ends and after begins, 0 (only after) to 1 (only before). */
void diffusion_preview_area_set_divider (DiffusionPreviewArea *self, double divider);

double diffusion_preview_area_get_divider (DiffusionPreviewArea *self);

/** diffusion_preview_area_set_comparing: whether there is something before that is worth seeing, as at first; otherwise
 * only after is shown. */
void diffusion_preview_area_set_comparing (DiffusionPreviewArea *self, gboolean comparing);

gboolean diffusion_preview_area_get_comparing (DiffusionPreviewArea *self);

G_END_DECLS
