/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zoom buttons, and one that shows what was before while it is held down. */
#include "ui/preview-bar.h"

#include "core/base/i18n.h"

static void
zoom_in (GtkButton *button, DiffusionPreviewArea *preview)
{
  diffusion_preview_area_zoom_step (preview, 1);
}

static void
zoom_out (GtkButton *button, DiffusionPreviewArea *preview)
{
  diffusion_preview_area_zoom_step (preview, -1);
}

static void
zoom_original (GtkButton *button, DiffusionPreviewArea *preview)
{
  diffusion_preview_area_set_zoom (preview, 1.0);
}

static void
zoom_fit (GtkButton *button, DiffusionPreviewArea *preview)
{
  diffusion_preview_area_zoom_fit (preview);
}

static void
show_zoom (DiffusionPreviewArea *preview, GtkLabel *label)
{
  g_autofree char *text = g_strdup_printf ("%.0f %%", 100 * diffusion_preview_area_get_zoom (preview));

  gtk_label_set_text (label, text);
}

static void
before_pressed (GtkButton *button, DiffusionPreviewArea *preview)
{
  double divider = diffusion_preview_area_get_divider (preview);

  /* Keys that are held down repeat. */
  if (g_object_get_data (G_OBJECT (button), "divider"))
    return;
  g_object_set_data_full (G_OBJECT (button), "divider", g_memdup2 (&divider, sizeof divider), g_free);
  diffusion_preview_area_set_divider (preview, 1.0);
}

static void
before_released (GtkButton *button, DiffusionPreviewArea *preview)
{
  double *divider = g_object_get_data (G_OBJECT (button), "divider");

  if (divider)
    diffusion_preview_area_set_divider (preview, *divider);
  g_object_set_data (G_OBJECT (button), "divider", NULL);
}

/* GTK says of keys only that the button was clicked. */
static gboolean
before_key (GtkButton *button, GdkEventKey *event, DiffusionPreviewArea *preview)
{
  if (event->keyval != GDK_KEY_space && event->keyval != GDK_KEY_KP_Space)
    return FALSE;
  if (event->type == GDK_KEY_PRESS)
    before_pressed (button, preview);
  else
    before_released (button, preview);
  return TRUE;
}

static void
add_button (GtkWidget *bar, const char *icon, const char *tip, GCallback clicked, DiffusionPreviewArea *preview)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_button_set_relief (GTK_BUTTON (button), GTK_RELIEF_NONE);
  gtk_widget_set_tooltip_text (button, tip);
  atk_object_set_name (gtk_widget_get_accessible (button), tip);
  g_signal_connect (button, "clicked", clicked, preview);
  gtk_box_pack_start (GTK_BOX (bar), button, FALSE, FALSE, 0);
}

GtkWidget *
diffusion_preview_bar_new (DiffusionPreviewArea *preview)
{
  GtkWidget *bar = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 2);
  GtkWidget *label = gtk_label_new (NULL);

  add_button (bar, "zoom-out", _ ("Zoom out"), G_CALLBACK (zoom_out), preview);
  gtk_label_set_width_chars (GTK_LABEL (label), 6);
  gtk_box_pack_start (GTK_BOX (bar), label, FALSE, FALSE, 0);
  add_button (bar, "zoom-in", _ ("Zoom in"), G_CALLBACK (zoom_in), preview);
  add_button (bar, "zoom-original", _ ("Show at original size"), G_CALLBACK (zoom_original), preview);
  add_button (bar, "zoom-fit-best", _ ("Show everything"), G_CALLBACK (zoom_fit), preview);

  if (diffusion_preview_area_get_comparing (preview))
    {
      GtkWidget *before = gtk_button_new_with_mnemonic (_ ("Hold to see _before"));

      g_signal_connect (before, "pressed", G_CALLBACK (before_pressed), preview);
      g_signal_connect (before, "released", G_CALLBACK (before_released), preview);
      g_signal_connect (before, "key-press-event", G_CALLBACK (before_key), preview);
      g_signal_connect (before, "key-release-event", G_CALLBACK (before_key), preview);
      gtk_box_pack_end (GTK_BOX (bar), before, FALSE, FALSE, 0);
    }

  g_signal_connect_object (preview, "zoomed", G_CALLBACK (show_zoom), label, 0);
  show_zoom (preview, GTK_LABEL (label));
  return bar;
}
