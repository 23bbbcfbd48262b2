/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preview of generate, regenerate and interpolate. */
#include "plugin/edit-preview.h"

#include <string.h>

#include "core/base/i18n.h"

/* Where all of it costs no more than this many times the visible part, all of it is computed. */
#define ALL_IF_TIMES 2.0
#define BACKGROUND   0xff808080
#define ROOM         512 /* pixels that a picture may take up at first */

/* What was computed last; only of the computing thread. */
typedef struct
{
  guint serial; /* of the settings; 0 for nothing */
  GeglRectangle area;
  gint channels;
  float *colors;
} Result;

struct _DiffusionEditPreview
{
  GimpProcedureConfig *config;
  DiffusionSampling *sampling;
  GPtrArray *drawables;
  gboolean whole;
  gint width, height;
  GtkWidget *area;
  guint serial;
  Result result;

  GMutex lock; /* what is below */
  DiffusionEditCost cost;
  double share;    /* what the preview has of it */
  double per_step; /* seconds; negative before it is known */
  gsize steps;
};

/* One computation. */
typedef struct
{
  DiffusionEditPreview *preview;
  DiffusionSettings *settings;
  guint serial;
  DiffusionEdit edit;
  const GdkRectangle *visible;
  GeglRectangle area; /* what is computed */
  guint32 *pixels;
  DiffusionProgressFunc progress;
  gpointer progress_data;
  double fraction;
  gint64 first; /* when the first step was done */
} Job;

static guint32
to_byte (float value)
{
  /* Written so that NaN becomes 0. */
  return value > 0.0f ? (guint32) (MIN (value, 1.0f) * 255.0f + 0.5f) : 0;
}

static DiffusionDrawable *
get_drawable (DiffusionEditPreview *self)
{
  return self->drawables != NULL ? self->drawables->pdata[0] : NULL;
}

/* The part of colors [from] that is visible, as it will look. */
static void
draw (DiffusionEditPreview *self, const float *colors, gint channels, const GeglRectangle *from,
      const GdkRectangle *visible, guint32 *pixels)
{
  DiffusionDrawable *drawable = get_drawable (self);
  GeglRectangle seen;
  g_autofree float *line = NULL;
  g_autofree guint32 *row = NULL;
  gint native;

  if (!gegl_rectangle_intersect (&seen, from,
                                 GEGL_RECTANGLE (visible->x, visible->y, visible->width, visible->height)))
    return;
  row = g_new (guint32, seen.width);
  native = drawable != NULL ? diffusion_drawable_get_channels (drawable) : channels;
  line = g_new (float, (gsize) seen.width * native);
  for (gint y = seen.y; y < seen.y + seen.height; y++)
    {
      const float *pixel = colors + ((gsize) (y - from->y) * from->width + (seen.x - from->x)) * channels;

      if (drawable != NULL)
        {
          for (gint x = 0; x < seen.width; x++, pixel += channels)
            for (gint c = 0; c < native; c++)
              line[x * native + c] = native == channels ? pixel[c]
                                     : channels == 1    ? *pixel
                                                        : (pixel[0] + pixel[1] + pixel[2]) / 3.0f;
          diffusion_drawable_render (drawable, GEGL_RECTANGLE (seen.x, y, seen.width, 1), line, row);
        }
      else
        for (gint x = 0; x < seen.width; x++, pixel += channels)
          row[x] = 0xff000000 | to_byte (pixel[0]) << 16 | to_byte (pixel[channels == 3 ? 1 : 0]) << 8
                   | to_byte (pixel[channels == 3 ? 2 : 0]);
      memcpy (pixels + (gsize) (y - visible->y) * visible->width + (seen.x - visible->x), row,
              seen.width * sizeof (guint32));
    }
}

static void
read_before (gpointer data, const GdkRectangle *area, guint32 *pixels)
{
  DiffusionEditPreview *self = data;
  DiffusionDrawable *drawable = get_drawable (self);

  if (drawable != NULL)
    diffusion_drawable_render (drawable, GEGL_RECTANGLE (area->x, area->y, area->width, area->height), NULL, pixels);
  else
    for (gsize i = 0; i < (gsize) area->width * area->height; i++)
      pixels[i] = BACKGROUND;
}

/* For the preview one picture is made: the first, or the one in the middle. */
static void
limit_to_one (DiffusionSettings *settings)
{
  g_autoptr (GArray) lambdas = NULL;
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  settings->count = 1;
  if (settings->lambda == NULL)
    return;
  lambdas = diffusion_settings_get_lambdas (settings, NULL);
  if (lambdas != NULL)
    settings->lambda = g_string_chunk_insert (
        settings->strings, g_ascii_dtostr (text, sizeof text, g_array_index (lambdas, double, lambdas->len / 2)));
}

static gpointer
begin (gpointer data)
{
  DiffusionEditPreview *self = data;
  Job *job = g_new0 (Job, 1);

  job->preview = self;
  job->settings = diffusion_settings_new (self->config);
  job->serial = self->serial;
  return job;
}

static void
end (gpointer data)
{
  Job *job = data;

  diffusion_settings_free (job->settings);
  g_free (job);
}

static gboolean
is_regeneration (const Job *job)
{
  return job->preview->drawables != NULL && job->settings->lambda == NULL;
}

/* What to compute, and what all of the work will cost compared with it. */
static void
choose_area (Job *job)
{
  DiffusionEditPreview *self = job->preview;
  const DiffusionEdit *edit = &job->edit;
  const GdkRectangle *visible = job->visible;
  DiffusionEditCost all = diffusion_edit_cost (edit, self->whole, self->drawables, NULL), part;

  if (is_regeneration (job))
    {
      const GeglRectangle *region = diffusion_drawable_get_region (get_drawable (self));

      gegl_rectangle_intersect (&job->area, region,
                                GEGL_RECTANGLE (visible->x, visible->y, visible->width, visible->height));
      part = diffusion_edit_cost (edit, self->whole, self->drawables, &job->area);
      if (all.work <= ALL_IF_TIMES * part.work)
        {
          job->area = *region;
          part = diffusion_edit_cost (edit, self->whole, self->drawables, &job->area);
        }
    }
  else
    {
      job->area = (GeglRectangle) { 0, 0, self->width, self->height };
      limit_to_one (job->settings);
      part = diffusion_edit_cost (edit, self->whole, self->drawables, NULL);
    }
  g_mutex_lock (&self->lock);
  self->cost = all;
  self->share = all.work > 0 ? part.work / all.work : 1.0;
  self->per_step = -1.0;
  g_mutex_unlock (&self->lock);
}

static void
show_step (const DiffusionPicturePreview *picture, gpointer data)
{
  Job *job = data;
  DiffusionEditPreview *self = job->preview;
  const GeglRectangle area = { picture->x, picture->y, picture->width, picture->height };
  DiffusionDrawable *drawable = is_regeneration (job) ? get_drawable (self) : NULL;
  gint channels = drawable != NULL ? diffusion_drawable_get_channels (drawable)
                                   : (gint) diffusion_sampling_get_editor (self->sampling)->predictor->channels;
  gint64 now = g_get_monotonic_time ();

  draw (self, picture->colors, channels, &area, job->visible, job->pixels);
  job->progress (job->fraction, job->progress_data);
  if (job->first == 0)
    job->first = now;
  else
    {
      g_mutex_lock (&self->lock);
      self->per_step = (double) (now - job->first) / 1e6 / (double) (picture->step - 1);
      self->steps = picture->steps;
      g_mutex_unlock (&self->lock);
    }
}

static void
note_progress (double fraction, gpointer data)
{
  Job *job = data;

  job->fraction = fraction;
  job->progress (fraction, job->progress_data);
}

/* Makes all of job->area and keeps it. */
static gboolean
compute_area (Job *job, GError **error)
{
  DiffusionEditPreview *self = job->preview;
  Result *last = &self->result;
  g_auto (DiffusionEditResult) result = { 0 };

  last->serial = 0;
  g_clear_pointer (&last->colors, g_free);
  last->area = job->area;
  if (is_regeneration (job))
    {
      last->channels = diffusion_drawable_get_channels (get_drawable (self));
      last->colors = g_try_new (float, (gsize) job->area.width * job->area.height * last->channels);
      if (last->colors == NULL)
        {
          g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _ ("Not enough memory for the preview."));
          return FALSE;
        }
      if (!diffusion_edit_regenerate_part (&job->edit, self->whole, get_drawable (self), &job->area, last->colors, error))
        return FALSE;
    }
  else
    {
      if (!(self->drawables != NULL
                ? diffusion_edit_interpolate (&job->edit, self->drawables->pdata[0], self->drawables->pdata[1], &result,
                                              error)
                : diffusion_edit_generate (&job->edit, &result, error)))
        return FALSE;
      last->channels = result.channels;
      last->colors = g_ptr_array_steal_index (result.pictures, 0);
    }
  last->serial = job->serial;
  return TRUE;
}

static gboolean
compute (gpointer data, const GdkRectangle *visible, guint32 *pixels, DiffusionProgressFunc progress,
         gpointer progress_data, GCancellable *cancellable, GError **error)
{
  Job *job = data;
  DiffusionEditPreview *self = job->preview;
  Result *last = &self->result;
  GeglRectangle needed;

  job->visible = visible;
  job->pixels = pixels;
  job->progress = progress;
  job->progress_data = progress_data;
  job->edit = (DiffusionEdit) { .sampling = self->sampling,
                                .settings = job->settings,
                                .show = show_step,
                                .show_data = job,
                                .progress = note_progress,
                                .progress_data = job,
                                .cancellable = cancellable };
  /* Nothing visible is selected, so nothing will change there. */
  needed = is_regeneration (job) ? *diffusion_drawable_get_region (get_drawable (self))
                                 : (GeglRectangle) { 0, 0, self->width, self->height };
  if (!gegl_rectangle_intersect (&needed, &needed,
                                 GEGL_RECTANGLE (visible->x, visible->y, visible->width, visible->height)))
    return TRUE;
  if (last->serial != job->serial || !gegl_rectangle_contains (&last->area, &needed))
    {
      if (!diffusion_sampling_prepare (self->sampling, &job->settings->sampling, 1, error))
        return FALSE;
      choose_area (job);
      if (!compute_area (job, error))
        return FALSE;
    }
  draw (self, last->colors, last->channels, &last->area, visible, pixels);
  return TRUE;
}

DiffusionEditPreview *
diffusion_edit_preview_new (GimpProcedureConfig *config, DiffusionSampling *sampling, GPtrArray *drawables,
                            gboolean whole, gint width, gint height)
{
  DiffusionEditPreview *self = g_new0 (DiffusionEditPreview, 1);
  DiffusionPreviewSource source = { .read = read_before, .begin = begin, .compute = compute, .end = end,
                                    .progressive = TRUE };
  double zoom = 1.0;

  self->config = config;
  self->sampling = sampling;
  self->drawables = drawables;
  self->whole = whole;
  self->serial = 1;
  self->per_step = -1.0;
  g_mutex_init (&self->lock);
  if (drawables != NULL)
    {
      const GeglRectangle *extent = diffusion_drawable_get_extent (drawables->pdata[0]);

      width = extent->width;
      height = extent->height;
    }
  source.width = self->width = width;
  source.height = self->height = height;
  self->area = g_object_ref_sink (diffusion_preview_area_new (&source, self));
  if (drawables != NULL)
    {
      const GeglRectangle *region = diffusion_drawable_get_region (drawables->pdata[0]);
      const GdkRectangle part = { region->x, region->y, region->width, region->height };

      diffusion_preview_area_show_part (DIFFUSION_PREVIEW_AREA (self->area), &part);
    }
  else
    diffusion_preview_area_set_comparing (DIFFUSION_PREVIEW_AREA (self->area), FALSE);
  /* Small pictures are hard to judge at their own size. */
  while (2 * zoom * MAX (width, height) <= ROOM)
    zoom *= 2;
  diffusion_preview_area_set_zoom (DIFFUSION_PREVIEW_AREA (self->area), zoom);
  return self;
}

void
diffusion_edit_preview_free (DiffusionEditPreview *self)
{
  if (self == NULL)
    return;
  diffusion_preview_area_stop (DIFFUSION_PREVIEW_AREA (self->area));
  g_object_unref (self->area);
  g_free (self->result.colors);
  g_mutex_clear (&self->lock);
  g_free (self);
}

DiffusionPreviewArea *
diffusion_edit_preview_get_area (DiffusionEditPreview *self)
{
  return DIFFUSION_PREVIEW_AREA (self->area);
}

void
diffusion_edit_preview_invalidate (DiffusionEditPreview *self)
{
  self->serial++;
  g_mutex_lock (&self->lock);
  self->cost = (DiffusionEditCost) { 0 };
  g_mutex_unlock (&self->lock);
  diffusion_preview_area_invalidate (DIFFUSION_PREVIEW_AREA (self->area));
}

void
diffusion_edit_preview_stop (DiffusionEditPreview *self)
{
  diffusion_preview_area_stop (DIFFUSION_PREVIEW_AREA (self->area));
}

gboolean
diffusion_edit_preview_get_cost (DiffusionEditPreview *self, double *seconds, double *bytes)
{
  gboolean known;

  g_mutex_lock (&self->lock);
  known = self->cost.work > 0;
  *bytes = self->cost.bytes;
  *seconds = self->per_step >= 0 && self->share > 0 ? self->per_step * (double) self->steps / self->share : -1.0;
  g_mutex_unlock (&self->lock);
  return known;
}
