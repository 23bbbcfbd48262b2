/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the buttons by what they say. */
#include "ui/gimp-buttons.h"

#include "core/base/i18n.h"

static void
translate (GtkWidget *widget, gpointer data)
{
  static const char *const labels[]
      = { N_ ("_Help"), N_ ("_Cancel"), N_ ("_Load Saved Settings"), N_ ("_Save Settings"), N_ ("_Reset") };
  const char *label = GTK_IS_BUTTON (widget) ? gtk_button_get_label (GTK_BUTTON (widget)) : NULL;

  for (guint i = 0; label != NULL && i < G_N_ELEMENTS (labels); i++)
    if (g_str_equal (label, labels[i]))
      {
        gtk_button_set_label (GTK_BUTTON (widget), _ (labels[i]));
        return;
      }
  if (GTK_IS_CONTAINER (widget))
    gtk_container_forall (GTK_CONTAINER (widget), translate, data);
}

void
diffusion_translate_gimp_buttons (GtkWidget *dialog)
{
  translate (dialog, NULL);
}
