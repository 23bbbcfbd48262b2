/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preview on the left, the settings on the right, what it will cost below. */
#include "plugin/denoise-dialog.h"

#include <libgimp/gimpui.h>

#include "core/base/i18n.h"
#include "plugin/denoise.h"
#include "plugin/dialog.h"
#include "ui/accessible.h"
#include "ui/duration.h"
#include "ui/model-chooser.h"
#include "ui/preview-bar.h"
#include "ui/sigma-entry.h"

#define SPACING DIFFUSION_DIALOG_SPACING

typedef struct
{
  DiffusionDenoiseSession *session;
  GimpProcedureConfig *config;
  GtkWidget *dialog;
  GtkWidget *preview;
  GtkWidget *sigma;
  GtkWidget *message;
} Dialog;

/* One computation of the preview. */
typedef struct
{
  DiffusionDenoiseSession *session;
  DiffusionDenoiseSettings settings;
} Job;

static void
preview_read (gpointer data, const GdkRectangle *area, guint32 *pixels)
{
  Dialog *self = data;

  diffusion_drawable_render (diffusion_denoise_session_get_drawables (self->session)->pdata[0],
                             GEGL_RECTANGLE (area->x, area->y, area->width, area->height), NULL, pixels);
}

static gpointer
preview_begin (gpointer data)
{
  Dialog *self = data;
  Job *job = g_new0 (Job, 1);

  job->session = self->session;
  diffusion_denoise_settings_get (&job->settings, self->config);
  return job;
}

static gboolean
preview_compute (gpointer data, const GdkRectangle *area, guint32 *pixels, DiffusionProgressFunc progress,
                 gpointer progress_data, GCancellable *cancellable, GError **error)
{
  Job *job = data;

  return diffusion_denoise_session_preview (job->session, &job->settings,
                                            GEGL_RECTANGLE (area->x, area->y, area->width, area->height), pixels,
                                            progress, progress_data, cancellable, error);
}

static void
preview_end (gpointer data)
{
  Job *job = data;

  diffusion_denoise_settings_clear (&job->settings);
  g_free (job);
}

static void
computed (DiffusionPreviewArea *preview, double seconds, gint pixels, Dialog *self)
{
  double least, most, estimate = diffusion_denoise_session_get_estimate (self->session, 0, &least, &most);
  g_autofree char *text = NULL;
  double total;
  gsize bytes;

  if (estimate >= 0)
    diffusion_sigma_entry_set_estimate (DIFFUSION_SIGMA_ENTRY (self->sigma), estimate, least, most);
  if (diffusion_denoise_session_get_cost (self->session, &total, &bytes))
    {
      g_autofree char *duration = diffusion_format_duration (total);
      g_autofree char *memory = g_format_size (bytes);

      /* TRANSLATORS: a duration such as "5 seconds", a size such as "640 MB" */
      text = g_strdup_printf (_ ("Takes about %s and up to %s of memory."), duration, memory);
    }
  else
    text = g_strdup (_ ("Nothing changes here; move the view to see the effect."));
  gtk_label_set_text (GTK_LABEL (self->message), text);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), GTK_RESPONSE_OK, TRUE);
}

static void
failed (DiffusionPreviewArea *preview, const char *message, Dialog *self)
{
  gtk_label_set_text (GTK_LABEL (self->message), message);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), GTK_RESPONSE_OK, FALSE);
}

static GtkWidget *
new_preview (Dialog *self)
{
  GPtrArray *drawables = diffusion_denoise_session_get_drawables (self->session);
  const GeglRectangle *extent = diffusion_drawable_get_extent (drawables->pdata[0]);
  const GeglRectangle *region = diffusion_drawable_get_region (drawables->pdata[0]);
  const GdkRectangle part = { region->x, region->y, region->width, region->height };
  const DiffusionPreviewSource source
      = { extent->width, extent->height, preview_read, preview_begin, preview_compute, preview_end, FALSE };
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING / 2);
  GtkWidget *frame = gtk_frame_new (NULL);

  self->preview = diffusion_preview_area_new (&source, self);
  diffusion_preview_area_show_part (DIFFUSION_PREVIEW_AREA (self->preview), &part);
  g_signal_connect (self->preview, "computed", G_CALLBACK (computed), self);
  g_signal_connect (self->preview, "failed", G_CALLBACK (failed), self);
  gtk_container_add (GTK_CONTAINER (frame), self->preview);
  gtk_box_pack_start (GTK_BOX (box), frame, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), diffusion_preview_bar_new (DIFFUSION_PREVIEW_AREA (self->preview)), FALSE, FALSE, 0);
  return box;
}

static GtkWidget *
add_scale (Dialog *self, GtkWidget *box, const char *property, double step, double page)
{
  GtkWidget *scale = gimp_prop_spin_scale_new (G_OBJECT (self->config), property, step, page, 0);

  diffusion_name_after_property (scale, G_OBJECT (self->config), property);
  gtk_box_pack_start (GTK_BOX (box), scale, FALSE, FALSE, 0);
  return scale;
}

static void
add_share (Dialog *self, GtkWidget *box, const char *property)
{
  gimp_prop_widget_set_factor (add_scale (self, box, property, 0.01, 0.1), 100.0, 1.0, 10.0, 0);
}

static GtkWidget *
new_settings (Dialog *self)
{
  GPtrArray *drawables = diffusion_denoise_session_get_drawables (self->session);
  GimpItem *item = GIMP_ITEM (diffusion_drawable_get_drawable (drawables->pdata[0]));
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING);
  GtkWidget *shares = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING / 2);
  GtkWidget *quality = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING / 2);

  diffusion_dialog_add_mask_note (column, item);
  diffusion_dialog_add_section (column, _ ("Model"),
                                diffusion_model_chooser_new (G_OBJECT (self->config), "model", DIFFUSION_MODEL_PHOTO));
  self->sigma = diffusion_sigma_entry_new (G_OBJECT (self->config), "sigma");
  diffusion_dialog_add_section (column, _ ("Noise"), self->sigma);
  add_share (self, shares, "strength");
  add_share (self, shares, "luma");
  add_share (self, shares, "chroma");
  diffusion_dialog_add_section (column, _ ("Take away"), shares);

  add_share (self, quality, "detail");
  add_scale (self, quality, "passes", 1, 1);
  diffusion_dialog_add_section (column, _ ("Quality"), quality);

  gtk_box_pack_start (GTK_BOX (column), gimp_prop_check_button_new (G_OBJECT (self->config), "new-layer", NULL), FALSE,
                      FALSE, 0);
  diffusion_dialog_add_recall (column, item, self->config);
  return diffusion_dialog_new_pane (column, &self->message);
}

static void
settings_changed (GObject *config, GParamSpec *pspec, DiffusionPreviewArea *preview)
{
  diffusion_preview_area_invalidate (preview);
}

gboolean
diffusion_denoise_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                              DiffusionDenoiseSession *session)
{
  Dialog self = { .session = session, .config = config };
  GtkWidget *preview;
  gulong handler;
  gboolean ok;

  gimp_ui_init ("gimp-diffusion");
  preview = new_preview (&self);
  self.dialog = diffusion_dialog_new (procedure, config, _ ("Denoise"), _ ("_Denoise"), preview, new_settings (&self));

  handler = g_signal_connect (config, "notify", G_CALLBACK (settings_changed), self.preview);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (self.dialog));
  g_signal_handler_disconnect (config, handler);
  gtk_widget_hide (self.dialog);
  diffusion_preview_area_stop (DIFFUSION_PREVIEW_AREA (self.preview));
  gtk_widget_destroy (self.dialog);
  return ok;
}
