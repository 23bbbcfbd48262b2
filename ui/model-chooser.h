/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which model: one that is installed, or a folder or file. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * diffusion_model_chooser_new:
 * @config: an object with a property of type string
 * @property: its name; the name of an installed model, a folder or a file
 */
GtkWidget *diffusion_model_chooser_new (GObject *config, const char *property);

G_END_DECLS
