/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buttons that dialogs get from GIMP. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * diffusion_translate_gimp_buttons:
 * @dialog: a GimpProcedureDialog
 *
 * GIMP's own translations lack some of its buttons, in Korean most: those that it left in English get ours.
 */
void diffusion_translate_gimp_buttons (GtkWidget *dialog);

G_END_DECLS
