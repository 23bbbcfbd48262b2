/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all dialogs are made of: the preview on the left, the settings on the right, what they cost below. */
#pragma once

#include <libgimp/gimpui.h>

G_BEGIN_DECLS

#define DIFFUSION_DIALOG_SPACING 12

/** diffusion_dialog_add_section: adds @content to a column of settings, below @title. */
void diffusion_dialog_add_section (GtkWidget *column, const char *title, GtkWidget *content);

/** diffusion_dialog_add_mask_note: where @item, the first that is worked on, is the mask of a layer, says so in @column. */
void diffusion_dialog_add_mask_note (GtkWidget *column, GimpItem *item);

/**
 * diffusion_dialog_add_recall:
 * @column: a column of settings
 * @item: (nullable): the layer that is worked on
 * @config: the arguments, which outlive the column
 *
 * Adds a button that takes the settings which @item was made with, if it was made by this procedure.
 */
void diffusion_dialog_add_recall (GtkWidget *column, GimpItem *item, GimpProcedureConfig *config);

/**
 * diffusion_dialog_new_pane:
 * @column: all settings
 * @message: (out) (transfer none): a label below them, which can be read on small screens too
 *
 * Returns: the right side of a dialog
 */
GtkWidget *diffusion_dialog_new_pane (GtkWidget *column, GtkWidget **message);

/**
 * diffusion_dialog_new:
 * @procedure: the procedure
 * @config: its arguments, which the dialog changes
 * @title: what it does
 * @ok_label: the same with a mnemonic, for the button
 * @preview: gets all the room that @pane does not need
 * @pane: of diffusion_dialog_new_pane()
 *
 * Return in any entry does what the button does.
 *
 * Returns: a #GimpProcedureDialog, not shown yet
 */
GtkWidget *diffusion_dialog_new (GimpProcedure *procedure, GimpProcedureConfig *config, const char *title,
                                 const char *ok_label, GtkWidget *preview, GtkWidget *pane);

G_END_DECLS
