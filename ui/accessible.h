/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What screen readers say of widgets that do not say it themselves. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/** diffusion_set_accessible_name: names @widget after a label with or without mnemonic, and describes it by @description
 * (nullable). */
void diffusion_set_accessible_name (GtkWidget *widget, const char *label, const char *description);

/** diffusion_name_after_property: names @widget after the property of @object that it shows. */
void diffusion_name_after_property (GtkWidget *widget, GObject *object, const char *property);

G_END_DECLS
