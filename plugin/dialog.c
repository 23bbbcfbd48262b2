/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all dialogs are made of. */
#include "plugin/dialog.h"

#include "core/base/i18n.h"
#include "plugin/remember.h"
#include "ui/gimp-buttons.h"
#include "ui/scrolled-column.h"

#define LINE_CHARS 34
#define ITEM       "diffusion-item"

void
diffusion_dialog_add_section (GtkWidget *column, const char *title, GtkWidget *content)
{
  GtkWidget *frame = gimp_frame_new (title);

  gtk_container_add (GTK_CONTAINER (frame), content);
  gtk_box_pack_start (GTK_BOX (column), frame, FALSE, FALSE, 0);
}

void
diffusion_dialog_add_mask_note (GtkWidget *column, GimpItem *item)
{
  GtkWidget *label;

  /* GIMP selects a mask whenever one is added, and the preview looks like nothing that is known then. */
  if (item == NULL || !GIMP_IS_LAYER_MASK (item))
    return;
  label = gtk_label_new (_ ("The layer's mask is selected: it is what changes, not the layer."));
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), LINE_CHARS);
  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_box_pack_start (GTK_BOX (column), label, FALSE, FALSE, 0);
}

static const char *
get_name (GimpProcedureConfig *config)
{
  return gimp_procedure_get_name (gimp_procedure_config_get_procedure (config));
}

static void
recall (GtkButton *button, GimpProcedureConfig *config)
{
  diffusion_recall (g_object_get_data (G_OBJECT (button), ITEM), get_name (config), config);
}

void
diffusion_dialog_add_recall (GtkWidget *column, GimpItem *item, GimpProcedureConfig *config)
{
  GtkWidget *button;

  if (item == NULL || !diffusion_recall (item, get_name (config), NULL))
    return;
  button = gtk_button_new_with_mnemonic (_ ("_Use the settings of this layer"));
  gtk_widget_set_tooltip_text (button, _ ("Takes the settings that this layer was made with"));
  g_object_set_data (G_OBJECT (button), ITEM, item);
  g_signal_connect (button, "clicked", G_CALLBACK (recall), config);
  gtk_box_pack_start (GTK_BOX (column), button, FALSE, FALSE, 0);
}

GtkWidget *
diffusion_dialog_new_pane (GtkWidget *column, GtkWidget **message)
{
  GtkWidget *pane = gtk_box_new (GTK_ORIENTATION_VERTICAL, DIFFUSION_DIALOG_SPACING);
  GtkWidget *label = gtk_label_new (_ ("The preview is being computed…"));

  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), LINE_CHARS);
  gtk_label_set_width_chars (GTK_LABEL (label), LINE_CHARS);
  gtk_label_set_xalign (GTK_LABEL (label), 0.0);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_box_pack_start (GTK_BOX (pane), diffusion_scrolled_column_new (column), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (pane), label, FALSE, FALSE, 0);
  gtk_widget_set_hexpand (pane, FALSE);
  *message = label;
  return pane;
}

/* Otherwise it only takes over what was typed. */
static void
let_return_do_it (GtkWidget *widget, gpointer data)
{
  if (GTK_IS_ENTRY (widget))
    gtk_entry_set_activates_default (GTK_ENTRY (widget), TRUE);
  else if (GTK_IS_CONTAINER (widget))
    gtk_container_forall (GTK_CONTAINER (widget), let_return_do_it, data);
}

GtkWidget *
diffusion_dialog_new (GimpProcedure *procedure, GimpProcedureConfig *config, const char *title, const char *ok_label,
                      GtkWidget *preview, GtkWidget *pane)
{
  GtkWidget *dialog = gimp_procedure_dialog_new (procedure, config, title);
  GtkWidget *panes = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, DIFFUSION_DIALOG_SPACING);

  gimp_procedure_dialog_set_ok_label (GIMP_PROCEDURE_DIALOG (dialog), ok_label);
  gtk_container_set_border_width (GTK_CONTAINER (panes), DIFFUSION_DIALOG_SPACING);
  gtk_box_pack_start (GTK_BOX (panes), preview, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (panes), pane, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (dialog))), panes, TRUE, TRUE, 0);
  gtk_widget_show_all (panes);
  let_return_do_it (panes, NULL);
  diffusion_translate_gimp_buttons (dialog);
  return dialog;
}
