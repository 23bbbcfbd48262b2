/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of the installed models. */
#include "ui/model-chooser.h"

#include "core/base/i18n.h"
#include "core/diffusion.h"

/* Shows the property's model, also one that is not installed (any more). */
static void
show_model (GObject *config, GParamSpec *pspec, GtkComboBox *combo)
{
  g_autofree char *model = NULL;

  g_object_get (config, g_object_get_data (G_OBJECT (combo), "property"), &model, NULL);
  if (gtk_combo_box_set_active_id (combo, model) || !model || !*model)
    return;
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), model, model);
  gtk_combo_box_set_active_id (combo, model);
}

static void
chosen (GtkComboBox *combo, GObject *config)
{
  const char *model = gtk_combo_box_get_active_id (combo);
  const char *property = g_object_get_data (G_OBJECT (combo), "property");
  g_autofree char *current = NULL;

  g_object_get (config, property, &current, NULL);
  if (model && g_strcmp0 (model, current) != 0)
    g_object_set (config, property, model, NULL);
}

GtkWidget *
diffusion_model_chooser_new (GObject *config, const char *property)
{
  GtkWidget *combo = gtk_combo_box_text_new ();
  g_auto (GStrv) names = diffusion_library_list ();
  g_autofree char *notify = g_strconcat ("notify::", property, NULL);

  atk_object_set_name (gtk_widget_get_accessible (combo), _ ("Model"));
  gtk_widget_set_tooltip_text (combo, _ ("The diffusion model that does the work"));
  g_object_set_data_full (G_OBJECT (combo), "property", g_strdup (property), g_free);
  for (guint i = 0; names[i]; i++)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), names[i], names[i]);
  show_model (config, NULL, GTK_COMBO_BOX (combo));
  g_signal_connect_object (config, notify, G_CALLBACK (show_model), combo, 0);
  g_signal_connect_object (combo, "changed", G_CALLBACK (chosen), config, 0);
  return combo;
}
