/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GIMP's sliders draw their label and tell nobody. */
#include "ui/accessible.h"

void
diffusion_set_accessible_name (GtkWidget *widget, const char *label, const char *description)
{
  AtkObject *accessible = gtk_widget_get_accessible (widget);
  g_auto (GStrv) parts = g_strsplit (label, "_", -1);
  g_autofree char *name = g_strjoinv (NULL, parts);

  atk_object_set_name (accessible, name);
  if (description)
    atk_object_set_description (accessible, description);
}

void
diffusion_name_after_property (GtkWidget *widget, GObject *object, const char *property)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), property);

  diffusion_set_accessible_name (widget, g_param_spec_get_nick (pspec), g_param_spec_get_blurb (pspec));
}
