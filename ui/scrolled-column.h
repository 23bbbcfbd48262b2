/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings on small screens. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * diffusion_scrolled_column_new:
 * @column: settings below each other
 *
 * Returns: a view of them that is as high as they are where there is room, and scrolls where there is not, to what has
 *   the keyboard too
 */
GtkWidget *diffusion_scrolled_column_new (GtkWidget *column);

G_END_DECLS
