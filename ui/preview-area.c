/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The view before and after: what is visible is computed in the background, and anew when it moves. */
#include "ui/preview-area.h"

#include <math.h>

#include "core/base/i18n.h"
#include "ui/preview-draw.h"
#include "ui/watchdog.h"

#define WAIT_MS     120 /* after the last change, before computing starts */
#define PROGRESS_MS 60
#define SHOW_MS     200 /* between pictures of a progressive computation */
#define STRIP       65536 /* pixels that are read at a time */
#define GRAB_PIXELS 10
#define LEAST       160 /* width and height on small screens */
#define WIDTH       600 /* where there is room */
#define HEIGHT      570
#define MIN_ZOOM    (1.0 / 16)
#define MAX_ZOOM    16.0

/* One computation, alive until its thread has ended. */
typedef struct
{
  const DiffusionPreviewSource *source;
  gpointer data;
  gpointer job;
  guint32 *pixels; /* [area height, area width] */
  DiffusionPreviewPart part;
  DiffusionPreviewPart so_far; /* under the lock */
  GMutex lock;
  gint64 shown;
  gint done; /* of 1000; atomic */
  gint64 start;
} Run;

/* Reading what is there, beside the main loop. */
typedef struct
{
  const DiffusionPreviewSource *source;
  gpointer data;
  DiffusionPreviewPart part;
} Fetch;

struct _DiffusionPreviewArea
{
  GtkDrawingArea parent_instance;

  DiffusionPreviewSource source;
  gpointer data;

  double zoom;
  double center_x; /* in pixels of the picture */
  double center_y;
  double divider;
  gboolean comparing; /* or only after is shown */

  DiffusionPreviewPart before;
  DiffusionPreviewPart after;
  gboolean stale; /* after is not what the settings would give */

  Fetch *fetch;
  GCancellable *cancellable; /* while something is computed */
  Run *run;
  guint wait;
  guint ticker;
  gboolean stopped;

  GtkGesture *drag;
  gboolean drag_divider;
  double drag_from_x;
  double drag_from_y;
};

enum
{
  COMPUTED,
  FAILED,
  ZOOMED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_TYPE (DiffusionPreviewArea, diffusion_preview_area, GTK_TYPE_DRAWING_AREA)

static void schedule (DiffusionPreviewArea *self);

/* Widget units per pixel of the picture. At zoom 1 a pixel of the picture is a pixel of the screen. */
static double
get_scale (DiffusionPreviewArea *self)
{
  return self->zoom / gtk_widget_get_scale_factor (GTK_WIDGET (self));
}

/* Where the picture's left top corner is in the widget. */
static void
get_origin (DiffusionPreviewArea *self, double *x, double *y)
{
  gint factor = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double scale = get_scale (self);

  *x = gtk_widget_get_allocated_width (GTK_WIDGET (self)) / 2.0 - self->center_x * scale;
  *y = gtk_widget_get_allocated_height (GTK_WIDGET (self)) / 2.0 - self->center_y * scale;
  /* On whole screen pixels, or 1:1 would be blurred. */
  *x = round (*x * factor) / factor;
  *y = round (*y * factor) / factor;
}

static gboolean
get_visible (DiffusionPreviewArea *self, GdkRectangle *area)
{
  const GdkRectangle all = { 0, 0, self->source.width, self->source.height };
  double scale = get_scale (self), x, y;
  GdkRectangle seen;

  get_origin (self, &x, &y);
  seen.x = (gint) floor (-x / scale);
  seen.y = (gint) floor (-y / scale);
  seen.width = (gint) ceil ((gtk_widget_get_allocated_width (GTK_WIDGET (self)) - x) / scale) - seen.x;
  seen.height = (gint) ceil ((gtk_widget_get_allocated_height (GTK_WIDGET (self)) - y) / scale) - seen.y;
  return gdk_rectangle_intersect (&seen, &all, area);
}

/* Pixels of the picture that are one pixel of the screen or less together. */
static gint
get_reduction (DiffusionPreviewArea *self)
{
  gint reduction = 1;

  while (2 * reduction * self->zoom <= 1.0 + 1e-6)
    reduction *= 2;
  return reduction;
}

/* Keeps the view on the picture. */
static void
limit_center (DiffusionPreviewArea *self)
{
  double scale = get_scale (self);
  double half_x = gtk_widget_get_allocated_width (GTK_WIDGET (self)) / 2.0 / scale;
  double half_y = gtk_widget_get_allocated_height (GTK_WIDGET (self)) / 2.0 / scale;

  if (2 * half_x >= self->source.width)
    self->center_x = self->source.width / 2.0;
  else
    self->center_x = CLAMP (self->center_x, half_x, self->source.width - half_x);
  if (2 * half_y >= self->source.height)
    self->center_y = self->source.height / 2.0;
  else
    self->center_y = CLAMP (self->center_y, half_y, self->source.height - half_y);
}

static void
fetch_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  Fetch *fetch = data;
  DiffusionPreviewPart *part = &fetch->part;
  gint k = part->reduction, width = part->area.width;
  gint rows = MAX (STRIP / width / k, 1) * k;
  g_autofree guint32 *pixels = g_new (guint32, (gsize) width * rows);

  for (gint row = 0; row < part->area.height; row += rows)
    {
      const GdkRectangle strip
          = { part->area.x, part->area.y + row, width, MIN (rows, part->area.height - row) };

      fetch->source->read (fetch->data, &strip, pixels);
      diffusion_preview_part_fill (part, row, strip.height, pixels);
    }
  g_task_return_boolean (task, TRUE);
}

static void fetch (DiffusionPreviewArea *self);

static void
fetch_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (object);

  diffusion_preview_part_take (&self->before, &self->fetch->part);
  g_clear_pointer (&self->fetch, g_free);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  fetch (self);
}

/* Reads what is visible, and half as much around it for when it is dragged. */
static void
fetch (DiffusionPreviewArea *self)
{
  const GdkRectangle all = { 0, 0, self->source.width, self->source.height };
  gint reduction = get_reduction (self);
  GdkRectangle area;
  g_autoptr (GTask) task = NULL;

  if (self->stopped || self->fetch || !gtk_widget_get_realized (GTK_WIDGET (self)) || !get_visible (self, &area)
      || diffusion_preview_part_covers (&self->before, &area, reduction))
    return;
  area.x -= area.width / 4;
  area.width += area.width / 2;
  area.y -= area.height / 4;
  area.height += area.height / 2;
  gdk_rectangle_intersect (&area, &all, &area);
  diffusion_preview_part_align (&area, reduction, all.width, all.height);

  self->fetch = g_new0 (Fetch, 1);
  self->fetch->source = &self->source;
  self->fetch->data = self->data;
  diffusion_preview_part_init (&self->fetch->part, &area, reduction);
  task = g_task_new (self, NULL, fetch_ended, NULL);
  g_task_set_task_data (task, self->fetch, NULL);
  g_task_run_in_thread (task, fetch_thread);
}

static void
view_changed (DiffusionPreviewArea *self)
{
  limit_center (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  fetch (self);
  schedule (self);
}

static void
run_progress (double fraction, gpointer data)
{
  Run *run = data;
  gint64 now = g_get_monotonic_time ();

  g_atomic_int_set (&run->done, (gint) (1000 * CLAMP (fraction, 0.0, 1.0)));
  if (run->source->progressive && now - run->shown > SHOW_MS * 1000)
    {
      DiffusionPreviewPart part;

      diffusion_preview_part_init (&part, &run->part.area, run->part.reduction);
      diffusion_preview_part_fill (&part, 0, part.area.height, run->pixels);
      g_mutex_lock (&run->lock);
      diffusion_preview_part_take (&run->so_far, &part);
      g_mutex_unlock (&run->lock);
      run->shown = now;
    }
}

static void
run_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  Run *run = data;
  const GdkRectangle *area = &run->part.area;
  GError *error = NULL;

  run->pixels = g_try_malloc_n ((gsize) area->width * area->height, sizeof (guint32));
  if (!run->pixels)
    {
      g_task_return_new_error (task, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, "%s",
                               _ ("Not enough memory for the preview."));
      return;
    }
  run->source->read (run->data, area, run->pixels);
  if (run->source->compute (run->job, area, run->pixels, run_progress, run, cancellable, &error))
    {
      diffusion_preview_part_fill (&run->part, 0, area->height, run->pixels);
      g_task_return_boolean (task, TRUE);
    }
  else
    g_task_return_error (task, error);
}

static void
run_free (Run *run)
{
  run->source->end (run->job);
  diffusion_preview_part_clear (&run->part);
  diffusion_preview_part_clear (&run->so_far);
  g_mutex_clear (&run->lock);
  g_free (run->pixels);
  g_free (run);
}

static gboolean
tick (gpointer data)
{
  DiffusionPreviewArea *self = data;

  g_mutex_lock (&self->run->lock);
  if (self->run->so_far.surface)
    diffusion_preview_part_take (&self->after, &self->run->so_far);
  g_mutex_unlock (&self->run->lock);
  gtk_widget_queue_draw (data);
  return G_SOURCE_CONTINUE;
}

static void
run_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (object);
  Run *run = self->run;
  g_autoptr (GError) error = NULL;

  g_clear_handle_id (&self->ticker, g_source_remove);
  self->run = NULL;
  diffusion_watchdog_end ();
  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      diffusion_preview_part_take (&self->after, &run->part);
      self->stale = FALSE;
      g_signal_emit (self, signals[COMPUTED], 0, (g_get_monotonic_time () - run->start) / 1e6,
                     self->after.area.width * self->after.area.height);
    }
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      diffusion_preview_part_clear (&self->after);
      self->stale = FALSE;
      g_signal_emit (self, signals[FAILED], 0, error->message);
    }
  run_free (run);
  g_clear_object (&self->cancellable);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
start (gpointer data)
{
  DiffusionPreviewArea *self = data;
  GdkRectangle visible;
  g_autoptr (GTask) task = NULL;
  gpointer job;

  /* What runs has been cancelled, and is waited for: it may be in the middle of a layer. */
  if (self->run)
    return G_SOURCE_CONTINUE;

  self->wait = 0;
  if (self->stopped || !get_visible (self, &visible)
      || (!self->stale && diffusion_preview_part_covers (&self->after, &visible, get_reduction (self))))
    return G_SOURCE_REMOVE;
  job = self->source.begin (self->data);
  if (!job)
    return G_SOURCE_REMOVE;

  self->run = g_new0 (Run, 1);
  self->run->source = &self->source;
  self->run->data = self->data;
  self->run->job = job;
  self->run->start = g_get_monotonic_time ();
  g_mutex_init (&self->run->lock);
  diffusion_preview_part_align (&visible, get_reduction (self), self->source.width, self->source.height);
  diffusion_preview_part_init (&self->run->part, &visible, get_reduction (self));
  diffusion_watchdog_begin ();

  self->cancellable = g_cancellable_new ();
  task = g_task_new (self, self->cancellable, run_ended, NULL);
  g_task_set_task_data (task, self->run, NULL);
  g_task_run_in_thread (task, run_thread);
  self->ticker = g_timeout_add (PROGRESS_MS, tick, self);
  return G_SOURCE_REMOVE;
}

/* Computes what is visible, soon. What runs goes on if it will show what is visible now. */
static void
schedule (DiffusionPreviewArea *self)
{
  gint reduction = get_reduction (self);
  GdkRectangle visible;

  if (self->stopped || !gtk_widget_get_realized (GTK_WIDGET (self)) || !get_visible (self, &visible))
    return;
  if (self->run && !g_cancellable_is_cancelled (self->cancellable)
      && diffusion_preview_part_covers (&self->run->part, &visible, reduction))
    return;
  if (!self->run && !self->stale && diffusion_preview_part_covers (&self->after, &visible, reduction))
    return;
  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->wait, g_source_remove);
  self->wait = g_timeout_add (WAIT_MS, start, self);
}

void
diffusion_preview_area_invalidate (DiffusionPreviewArea *self)
{
  self->stale = TRUE;
  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
  schedule (self);
}

void
diffusion_preview_area_stop (DiffusionPreviewArea *self)
{
  self->stopped = TRUE;
  g_clear_handle_id (&self->wait, g_source_remove);
  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
  while (self->run || self->fetch)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
diffusion_preview_area_draw (GtkWidget *widget, cairo_t *cr)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (widget);
  gint width = gtk_widget_get_allocated_width (widget), height = gtk_widget_get_allocated_height (widget);
  double scale = get_scale (self), x, y, split = self->comparing ? self->divider * width : 0.0;

  gtk_render_background (gtk_widget_get_style_context (widget), cr, 0, 0, width, height);
  get_origin (self, &x, &y);
  if (self->before.surface)
    diffusion_preview_draw_part (cr, &self->before, x, y, scale);
  if (self->after.surface)
    {
      cairo_save (cr);
      cairo_rectangle (cr, split, 0, width - split, height);
      cairo_clip (cr);
      diffusion_preview_draw_part (cr, &self->after, x, y, scale);
      cairo_restore (cr);
    }
  if (self->comparing)
    diffusion_preview_draw_divider (cr, widget, split);
  if (self->run)
    diffusion_preview_draw_progress (cr, widget, g_atomic_int_get (&self->run->done) / 1000.0);
  if (gtk_widget_has_focus (widget))
    gtk_render_focus (gtk_widget_get_style_context (widget), cr, 1, 1, width - 2, height - 2);
  return FALSE;
}

static gboolean
on_divider (DiffusionPreviewArea *self, double x)
{
  return self->comparing
         && fabs (x - self->divider * gtk_widget_get_allocated_width (GTK_WIDGET (self))) < GRAB_PIXELS;
}

static void
show_cursor (DiffusionPreviewArea *self, const char *name)
{
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (self));
  g_autoptr (GdkCursor) cursor = gdk_cursor_new_from_name (gdk_window_get_display (window), name);

  gdk_window_set_cursor (window, cursor);
}

static void
drag_begin (GtkGestureDrag *gesture, double x, double y, DiffusionPreviewArea *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  self->drag_divider = on_divider (self, x);
  self->drag_from_x = self->drag_divider ? x : self->center_x;
  self->drag_from_y = self->center_y;
  show_cursor (self, self->drag_divider ? "col-resize" : "grabbing");
}

static void
drag_update (GtkGestureDrag *gesture, double dx, double dy, DiffusionPreviewArea *self)
{
  if (self->drag_divider)
    {
      diffusion_preview_area_set_divider (
          self, (self->drag_from_x + dx) / MAX (gtk_widget_get_allocated_width (GTK_WIDGET (self)), 1));
      return;
    }
  self->center_x = self->drag_from_x - dx / get_scale (self);
  self->center_y = self->drag_from_y - dy / get_scale (self);
  view_changed (self);
}

static void
drag_end (GtkGestureDrag *gesture, double dx, double dy, DiffusionPreviewArea *self)
{
  show_cursor (self, self->drag_divider ? "col-resize" : "grab");
}

static gboolean
diffusion_preview_area_motion (GtkWidget *widget, GdkEventMotion *event)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (widget);

  if (!gtk_gesture_is_active (self->drag))
    show_cursor (self, on_divider (self, event->x) ? "col-resize" : "grab");
  /* What drags learns of it there. */
  return GTK_WIDGET_CLASS (diffusion_preview_area_parent_class)->motion_notify_event (widget, event);
}

static gboolean
diffusion_preview_area_scroll (GtkWidget *widget, GdkEventScroll *event)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (widget);
  double scale = get_scale (self), x, y, at_x, at_y, after;
  gint direction = 0;

  if (event->direction == GDK_SCROLL_UP || (event->direction == GDK_SCROLL_SMOOTH && event->delta_y < 0))
    direction = 1;
  else if (event->direction == GDK_SCROLL_DOWN || (event->direction == GDK_SCROLL_SMOOTH && event->delta_y > 0))
    direction = -1;
  if (direction == 0)
    return FALSE;

  /* What is under the pointer stays there. */
  get_origin (self, &x, &y);
  at_x = (event->x - x) / scale;
  at_y = (event->y - y) / scale;
  diffusion_preview_area_zoom_step (self, direction);
  after = get_scale (self);
  self->center_x = at_x - (event->x - gtk_widget_get_allocated_width (widget) / 2.0) / after;
  self->center_y = at_y - (event->y - gtk_widget_get_allocated_height (widget) / 2.0) / after;
  view_changed (self);
  return TRUE;
}

static gboolean
diffusion_preview_area_key_press (GtkWidget *widget, GdkEventKey *event)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (widget);
  double step_x = gtk_widget_get_allocated_width (widget) / get_scale (self) / 10;
  double step_y = gtk_widget_get_allocated_height (widget) / get_scale (self) / 10;
  gboolean divider = (event->state & GDK_CONTROL_MASK) != 0;

  switch (event->keyval)
    {
    case GDK_KEY_Left:
      if (divider)
        diffusion_preview_area_set_divider (self, self->divider - 0.05);
      else
        self->center_x -= step_x;
      break;
    case GDK_KEY_Right:
      if (divider)
        diffusion_preview_area_set_divider (self, self->divider + 0.05);
      else
        self->center_x += step_x;
      break;
    case GDK_KEY_Up:
      self->center_y -= step_y;
      break;
    case GDK_KEY_Down:
      self->center_y += step_y;
      break;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      diffusion_preview_area_zoom_step (self, 1);
      break;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      diffusion_preview_area_zoom_step (self, -1);
      break;
    case GDK_KEY_1:
      diffusion_preview_area_set_zoom (self, 1.0);
      break;
    case GDK_KEY_0:
      diffusion_preview_area_zoom_fit (self);
      break;
    default:
      return GTK_WIDGET_CLASS (diffusion_preview_area_parent_class)->key_press_event (widget, event);
    }
  view_changed (self);
  return TRUE;
}

static void
diffusion_preview_area_get_preferred_width (GtkWidget *widget, gint *minimum, gint *natural)
{
  *minimum = LEAST;
  *natural = WIDTH;
}

static void
diffusion_preview_area_get_preferred_height (GtkWidget *widget, gint *minimum, gint *natural)
{
  *minimum = LEAST;
  *natural = HEIGHT;
}

static void
diffusion_preview_area_size_allocate (GtkWidget *widget, GtkAllocation *allocation)
{
  GTK_WIDGET_CLASS (diffusion_preview_area_parent_class)->size_allocate (widget, allocation);
  view_changed (DIFFUSION_PREVIEW_AREA (widget));
}

static void
diffusion_preview_area_realize (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (diffusion_preview_area_parent_class)->realize (widget);
  view_changed (DIFFUSION_PREVIEW_AREA (widget));
}

static void
diffusion_preview_area_destroy (GtkWidget *widget)
{
  DiffusionPreviewArea *self = DIFFUSION_PREVIEW_AREA (widget);

  diffusion_preview_area_stop (self);
  diffusion_preview_part_clear (&self->before);
  diffusion_preview_part_clear (&self->after);
  g_clear_object (&self->drag);
  GTK_WIDGET_CLASS (diffusion_preview_area_parent_class)->destroy (widget);
}

double
diffusion_preview_area_get_zoom (DiffusionPreviewArea *self)
{
  return self->zoom;
}

void
diffusion_preview_area_set_zoom (DiffusionPreviewArea *self, double zoom)
{
  zoom = CLAMP (zoom, MIN_ZOOM, MAX_ZOOM);
  if (zoom == self->zoom)
    return;
  self->zoom = zoom;
  view_changed (self);
  g_signal_emit (self, signals[ZOOMED], 0);
}

void
diffusion_preview_area_zoom_step (DiffusionPreviewArea *self, gint direction)
{
  double level = log2 (self->zoom);

  level = direction > 0 ? floor (level + 1.0 + 1e-6) : ceil (level - 1.0 - 1e-6);
  diffusion_preview_area_set_zoom (self, exp2 (level));
}

void
diffusion_preview_area_zoom_fit (DiffusionPreviewArea *self)
{
  gint factor = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  double x = (double) gtk_widget_get_allocated_width (GTK_WIDGET (self)) * factor / self->source.width;
  double y = (double) gtk_widget_get_allocated_height (GTK_WIDGET (self)) * factor / self->source.height;

  diffusion_preview_area_set_zoom (self, MIN (x, y));
}

void
diffusion_preview_area_show_part (DiffusionPreviewArea *self, const GdkRectangle *part)
{
  self->center_x = part->x + part->width / 2.0;
  self->center_y = part->y + part->height / 2.0;
  view_changed (self);
}

double
diffusion_preview_area_get_divider (DiffusionPreviewArea *self)
{
  return self->divider;
}

void
diffusion_preview_area_set_divider (DiffusionPreviewArea *self, double divider)
{
  self->divider = CLAMP (divider, 0.0, 1.0);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
diffusion_preview_area_set_comparing (DiffusionPreviewArea *self, gboolean comparing)
{
  self->comparing = comparing;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

gboolean
diffusion_preview_area_get_comparing (DiffusionPreviewArea *self)
{
  return self->comparing;
}

static void
diffusion_preview_area_class_init (DiffusionPreviewAreaClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  widget_class->draw = diffusion_preview_area_draw;
  widget_class->motion_notify_event = diffusion_preview_area_motion;
  widget_class->scroll_event = diffusion_preview_area_scroll;
  widget_class->key_press_event = diffusion_preview_area_key_press;
  widget_class->get_preferred_width = diffusion_preview_area_get_preferred_width;
  widget_class->get_preferred_height = diffusion_preview_area_get_preferred_height;
  widget_class->size_allocate = diffusion_preview_area_size_allocate;
  widget_class->realize = diffusion_preview_area_realize;
  widget_class->destroy = diffusion_preview_area_destroy;

  signals[COMPUTED] = g_signal_new ("computed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_INT);
  signals[FAILED] = g_signal_new ("failed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[ZOOMED]
      = g_signal_new ("zoomed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
diffusion_preview_area_init (DiffusionPreviewArea *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  AtkObject *accessible = gtk_widget_get_accessible (widget);

  self->zoom = 1.0;
  self->divider = 0.5;
  self->comparing = TRUE;
  self->stale = TRUE;

  gtk_widget_set_can_focus (widget, TRUE);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, TRUE);
  gtk_widget_add_events (widget, GDK_POINTER_MOTION_MASK | GDK_BUTTON_PRESS_MASK | GDK_BUTTON_RELEASE_MASK
                                     | GDK_SCROLL_MASK | GDK_KEY_PRESS_MASK);
  gtk_style_context_add_class (gtk_widget_get_style_context (widget), GTK_STYLE_CLASS_VIEW);
  atk_object_set_name (accessible, _ ("Preview"));
  atk_object_set_description (accessible, _ ("The layer before and after. Arrow keys move it, Ctrl and the left and right "
                                             "arrow keys move the divider, plus and minus zoom, 1 shows it 1:1, "
                                             "0 shows all of it."));

  self->drag = gtk_gesture_drag_new (widget);
  g_signal_connect (self->drag, "drag-begin", G_CALLBACK (drag_begin), self);
  g_signal_connect (self->drag, "drag-update", G_CALLBACK (drag_update), self);
  g_signal_connect (self->drag, "drag-end", G_CALLBACK (drag_end), self);
}

GtkWidget *
diffusion_preview_area_new (const DiffusionPreviewSource *source, gpointer data)
{
  DiffusionPreviewArea *self = g_object_new (DIFFUSION_TYPE_PREVIEW_AREA, NULL);

  self->source = *source;
  self->data = data;
  self->center_x = source->width / 2.0;
  self->center_y = source->height / 2.0;
  return GTK_WIDGET (self);
}
