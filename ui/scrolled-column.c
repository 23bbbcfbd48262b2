/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scrolled window that only shows itself as one where it has to. */
#include "ui/scrolled-column.h"

GtkWidget *
diffusion_scrolled_column_new (GtkWidget *column)
{
  GtkWidget *scrolled = gtk_scrolled_window_new (NULL, NULL);
  GtkScrolledWindow *window = GTK_SCROLLED_WINDOW (scrolled);

  gtk_scrolled_window_set_policy (window, GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_width (window, TRUE);
  gtk_scrolled_window_set_propagate_natural_height (window, TRUE);
  /* A scroll bar over the settings would hide their right ends. */
  gtk_scrolled_window_set_overlay_scrolling (window, FALSE);
  gtk_scrolled_window_set_shadow_type (window, GTK_SHADOW_NONE);
  /* What is in it can have the keyboard. */
  gtk_widget_set_can_focus (scrolled, FALSE);
  gtk_container_add (GTK_CONTAINER (scrolled), column);
  gtk_container_set_focus_vadjustment (GTK_CONTAINER (column), gtk_scrolled_window_get_vadjustment (window));
  return scrolled;
}
