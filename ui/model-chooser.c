/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of the installed models, and what is known of the chosen one. */
#include "ui/model-chooser.h"

#include "core/base/i18n.h"

#define LINE_CHARS 36

struct _DiffusionModelChooser
{
  GtkBox parent_instance;

  GObject *config;
  char *property;
  DiffusionModelKind kind;
  GtkWidget *combo;
  GtkWidget *about;
};

G_DEFINE_TYPE (DiffusionModelChooser, diffusion_model_chooser, GTK_TYPE_BOX)

/* The first of the card's members that is there. */
static const char *
card_member (JsonObject *card, const char *first, const char *second)
{
  const char *names[] = { first, second };

  for (guint i = 0; card && i < G_N_ELEMENTS (names); i++)
    if (json_object_has_member (card, names[i])
        && json_node_get_value_type (json_object_get_member (card, names[i])) == G_TYPE_STRING)
      return json_object_get_string_member (card, names[i]);
  return NULL;
}

/* Why a model cannot be used here, or what it is. */
static char *
describe (DiffusionModelChooser *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, NULL, NULL, &error);
  GString *text;
  JsonObject *card;
  const char *purpose, *licence;

  if (!model)
    return g_strdup (error->message);
  if (diffusion_model_get_kind (model) != self->kind)
    return g_strdup (_ ("This model is made for something else."));

  card = diffusion_model_get_card (model);
  purpose = card_member (card, "description", "purpose");
  licence = card_member (card, "licence", "license");
  text = g_string_new (purpose);
  if (purpose)
    g_string_append_c (text, '\n');
  g_string_append_printf (text, _ ("%.1f million parameters"), diffusion_model_count_parameters (model) / 1e6);
  if (licence)
    g_string_append_printf (text, _ (", licence: %s"), licence);
  return g_string_free (text, FALSE);
}

static gboolean
fits (DiffusionModelChooser *self, const char *name)
{
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, NULL, NULL, NULL);

  return model && diffusion_model_get_kind (model) == self->kind;
}

/* Shows the property's model, also one that is not installed. */
static void
show_model (DiffusionModelChooser *self)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;

  g_object_get (self->config, self->property, &name, NULL);
  if (name && *name && !gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->combo), name))
    {
      g_autofree char *label = g_path_is_absolute (name) ? g_path_get_basename (name) : g_strdup (name);

      gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->combo), name, label);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->combo), name);
    }
  text = describe (self, name ? name : "");
  gtk_label_set_text (GTK_LABEL (self->about), text);
}

static void
chosen (GtkComboBox *combo, DiffusionModelChooser *self)
{
  const char *name = gtk_combo_box_get_active_id (combo);
  g_autofree char *current = NULL;

  g_object_get (self->config, self->property, &current, NULL);
  if (name && g_strcmp0 (name, current) != 0)
    g_object_set (self->config, self->property, name, NULL);
}

static void
browse (GtkButton *button, DiffusionModelChooser *self)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (self));
  GtkWidget *dialog = gtk_file_chooser_dialog_new (_ ("Choose a Model Folder"), GTK_WINDOW (window),
                                                   GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Cancel"),
                                                   GTK_RESPONSE_CANCEL, _ ("_Choose"), GTK_RESPONSE_ACCEPT, NULL);

  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    {
      g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

      if (path)
        g_object_set (self->config, self->property, path, NULL);
    }
  gtk_widget_destroy (dialog);
}

static void
diffusion_model_chooser_finalize (GObject *object)
{
  g_free (DIFFUSION_MODEL_CHOOSER (object)->property);
  G_OBJECT_CLASS (diffusion_model_chooser_parent_class)->finalize (object);
}

static void
diffusion_model_chooser_class_init (DiffusionModelChooserClass *class)
{
  G_OBJECT_CLASS (class)->finalize = diffusion_model_chooser_finalize;
}

static void
diffusion_model_chooser_init (DiffusionModelChooser *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *button = gtk_button_new_from_icon_name ("document-open", GTK_ICON_SIZE_BUTTON);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);

  self->combo = gtk_combo_box_text_new ();
  atk_object_set_name (gtk_widget_get_accessible (self->combo), _ ("Model"));
  gtk_widget_set_tooltip_text (self->combo, _ ("The diffusion model that does the work"));
  gtk_box_pack_start (GTK_BOX (row), self->combo, TRUE, TRUE, 0);

  gtk_widget_set_tooltip_text (button, _ ("Use a model from another folder"));
  atk_object_set_name (gtk_widget_get_accessible (button), _ ("Use a model from another folder"));
  g_signal_connect (button, "clicked", G_CALLBACK (browse), self);
  gtk_box_pack_start (GTK_BOX (row), button, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), row, FALSE, FALSE, 0);

  self->about = gtk_label_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (self->about), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (self->about), LINE_CHARS);
  gtk_label_set_width_chars (GTK_LABEL (self->about), LINE_CHARS);
  gtk_label_set_xalign (GTK_LABEL (self->about), 0.0);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->about), GTK_STYLE_CLASS_DIM_LABEL);
  gtk_box_pack_start (GTK_BOX (self), self->about, FALSE, FALSE, 0);
}

GtkWidget *
diffusion_model_chooser_new (GObject *config, const char *property, DiffusionModelKind kind)
{
  DiffusionModelChooser *self = g_object_new (DIFFUSION_TYPE_MODEL_CHOOSER, NULL);
  g_auto (GStrv) names = diffusion_library_list ();
  g_autofree char *notify = g_strconcat ("notify::", property, NULL);

  self->config = config;
  self->property = g_strdup (property);
  self->kind = kind;
  for (guint i = 0; names[i]; i++)
    if (fits (self, names[i]))
      gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->combo), names[i], names[i]);
  show_model (self);
  g_signal_connect (self->combo, "changed", G_CALLBACK (chosen), self);
  g_signal_connect_object (config, notify, G_CALLBACK (show_model), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
