/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bar, the time left, the picture so far; Stop keeps it, Cancel does not. */
#include "ui/run-dialog.h"

#include <libgimp/gimpui.h>

#include "core/base/i18n.h"
#include "ui/duration.h"

#define SPACING       12
#define RESPONSE_STOP 1
#define SETTLED_S     1.0 /* before that an estimate of the time would only jump */
#define SMALL         256 /* pictures that are smaller are shown larger */

typedef struct
{
  const DiffusionRun *run;
  GCancellable *cancellable;
  gboolean stop;
  gint64 begun;
  GtkWidget *dialog;
  GtkWidget *bar;
  GtkWidget *label;
  GtkWidget *image;
} Window;

/* Whole multiples, so that the pixels of small pictures stay square. */
static cairo_surface_t *
enlarge (cairo_surface_t *from, gint times)
{
  cairo_surface_t *to
      = cairo_image_surface_create (CAIRO_FORMAT_RGB24, times * cairo_image_surface_get_width (from),
                                    times * cairo_image_surface_get_height (from));
  cairo_t *cr = cairo_create (to);

  cairo_scale (cr, times, times);
  cairo_set_source_surface (cr, from, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_destroy (cr);
  cairo_surface_destroy (from);
  return to;
}

static void
show_picture (Window *self)
{
  cairo_surface_t *surface = diffusion_run_view_get_picture (self->run->view);
  gint factor = gtk_widget_get_scale_factor (self->dialog);
  gint side;

  if (surface == NULL)
    return;
  side = MAX (cairo_image_surface_get_width (surface), cairo_image_surface_get_height (surface));
  if (2 * side <= SMALL * factor)
    surface = enlarge (surface, SMALL * factor / side);
  cairo_surface_set_device_scale (surface, factor, factor);
  gtk_image_set_from_surface (GTK_IMAGE (self->image), surface);
  gtk_widget_show (self->image);
  cairo_surface_destroy (surface);
}

/* "Picture 2 of 3 · Step 12 of 50 · about 10 seconds left" */
static char *
describe (const DiffusionRunState *state, double fraction, double seconds)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  if (state->items > 1)
    g_ptr_array_add (parts, g_strdup_printf (_ ("Picture %u of %u"), state->item + 1, state->items));
  if (state->steps > 1)
    g_ptr_array_add (parts, g_strdup_printf (_ ("Step %u of %u"), (guint) MIN (state->step + 1, state->steps),
                                             (guint) state->steps));
  else
    g_ptr_array_add (parts, g_strdup_printf (_ ("%.0f %% done"), 100 * fraction));
  if (seconds > SETTLED_S && fraction > 0)
    {
      g_autofree char *duration = diffusion_format_duration (seconds * (1 - fraction) / fraction);

      g_ptr_array_add (parts, g_strdup_printf (_ ("about %s left"), duration));
    }
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (" · ", (char **) parts->pdata);
}

static void
show_progress (double fraction, gpointer data)
{
  Window *self = data;
  DiffusionRunState state;
  g_autofree char *text = NULL;

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), fraction);
  show_picture (self);
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  diffusion_run_view_get (self->run->view, &state);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), RESPONSE_STOP,
                                     self->run->by_steps ? state.kept : fraction > 0);
  text = describe (&state, fraction, (double) (g_get_monotonic_time () - self->begun) / G_USEC_PER_SEC);
  gtk_label_set_text (GTK_LABEL (self->label), text);
}

static void
responded (GtkDialog *dialog, gint response, Window *self)
{
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  self->stop = response == RESPONSE_STOP;
  gtk_label_set_text (GTK_LABEL (self->label), self->stop ? _ ("Stopping, and keeping what there is…")
                                                          : _ ("Cancelling…"));
  gtk_dialog_set_response_sensitive (dialog, RESPONSE_STOP, FALSE);
  gtk_dialog_set_response_sensitive (dialog, GTK_RESPONSE_CANCEL, FALSE);
  g_cancellable_cancel (self->cancellable);
}

/* Closing the window is cancelling; it goes when the thread has ended. */
static gboolean
closed (GtkWidget *dialog, GdkEvent *event, Window *self)
{
  responded (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL, self);
  return TRUE;
}

static void
build (Window *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING);
  GtkWidget *stop;

  self->dialog = gtk_dialog_new ();
  gtk_window_set_title (GTK_WINDOW (self->dialog), self->run->title);
  gtk_window_set_role (GTK_WINDOW (self->dialog), "gimp-diffusion-run");
  stop = gtk_dialog_add_button (GTK_DIALOG (self->dialog), _ ("_Stop (Keep This)"), RESPONSE_STOP);
  gtk_widget_set_tooltip_text (stop, _ ("Stops now and keeps what has been done so far"));
  gtk_widget_set_tooltip_text (
      gtk_dialog_add_button (GTK_DIALOG (self->dialog), _ ("_Cancel"), GTK_RESPONSE_CANCEL),
      _ ("Stops now and changes nothing"));

  self->image = gtk_image_new ();
  gtk_widget_set_no_show_all (self->image, TRUE);
  gtk_box_pack_start (GTK_BOX (box), self->image, TRUE, TRUE, 0);
  self->label = gtk_label_new (_ ("Preparing…"));
  gtk_label_set_xalign (GTK_LABEL (self->label), 0.0);
  gtk_label_set_width_chars (GTK_LABEL (self->label), 40);
  gtk_box_pack_start (GTK_BOX (box), self->label, FALSE, FALSE, 0);
  self->bar = gtk_progress_bar_new ();
  atk_object_set_name (gtk_widget_get_accessible (self->bar), self->run->title);
  gtk_box_pack_start (GTK_BOX (box), self->bar, FALSE, FALSE, 0);
  gtk_container_set_border_width (GTK_CONTAINER (box), SPACING);
  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (self->dialog))), box, TRUE, TRUE, 0);
  gtk_widget_show_all (box);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), RESPONSE_STOP, FALSE);

  g_signal_connect (self->dialog, "response", G_CALLBACK (responded), self);
  g_signal_connect (self->dialog, "delete-event", G_CALLBACK (closed), self);
  gimp_window_set_transient (GTK_WINDOW (self->dialog));
  gtk_window_present (GTK_WINDOW (self->dialog));
}

gboolean
diffusion_run_dialog (const DiffusionRun *run, gboolean *stopped, GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Window self = { .run = run, .cancellable = cancellable, .begun = g_get_monotonic_time () };
  GError *failure = NULL;
  gboolean ok;

  build (&self);
  ok = diffusion_worker_run (run->func, run->data, cancellable, show_progress, &self, &failure);
  gtk_widget_destroy (self.dialog);

  *stopped = !ok && self.stop && g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  if (*stopped)
    g_clear_error (&failure);
  if (failure != NULL)
    g_propagate_error (error, failure);
  return ok || *stopped;
}
