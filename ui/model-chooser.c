/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of the installed models, and what is known of the chosen one. */
#include "ui/model-chooser.h"

#include <cairo-gobject.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/base/i18n.h"
#include "ui/model-card.h"

#define LINE_CHARS 36
#define THUMBNAIL  40

enum
{
  COLUMN_NAME, /* what the property holds */
  COLUMN_MARKUP,
  COLUMN_THUMBNAIL,
  N_COLUMNS
};

struct _DiffusionModelChooser
{
  GtkBox parent_instance;

  GObject *config;
  char *property;
  DiffusionModelKind kind;
  gint also; /* another kind, or -1 */
  GtkListStore *store;
  GtkWidget *combo;
  GtkWidget *about;
  GtkWidget *add;
  GtkWidget *spinner;
};

/* A model that is being copied. */
typedef struct
{
  char *path;
  DiffusionModelKind kind;
  gint also;
} Addition;

G_DEFINE_TYPE (DiffusionModelChooser, diffusion_model_chooser, GTK_TYPE_BOX)

static gboolean
is_kind (const DiffusionModelChooser *self, const DiffusionModel *model)
{
  DiffusionModelKind kind = diffusion_model_get_kind (model);

  return kind == self->kind || (gint) kind == self->also;
}

/* The first of the card's members that is there. */
static const char *
card_member (JsonObject *card, const char *first, const char *second)
{
  const char *text = diffusion_card_get_text (card, first);

  return text ? text : diffusion_card_get_text (card, second);
}

/* "GPL-3.0-or-later; trained on …" is that much shorter at a glance. */
static char *
shorten (const char *licence)
{
  return g_strndup (licence, strcspn (licence, ";\n"));
}

/* Why there is no such model, in words that help. */
static char *
explain (DiffusionModelChooser *self, const char *name, const GError *error)
{
  if (!g_error_matches (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND))
    return g_strdup (error->message);
  if (gtk_tree_model_iter_n_children (GTK_TREE_MODEL (self->store), NULL) > 1)
    return g_strdup_printf (_ ("“%s” is not installed. Choose another model, or add one."), name);
  return g_strdup (_ ("No model that can do this is installed yet. Add Model… copies one from a file or a folder."));
}

/* Why a model cannot be used here, or what it is; @more: (out) (nullable): all of it. */
static char *
describe (DiffusionModelChooser *self, const char *name, char **more)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, NULL, NULL, &error);
  GString *text;
  JsonObject *card;
  const char *purpose, *licence;
  g_autofree char *size = NULL, *brief = NULL;
  GStatBuf status;

  *more = NULL;
  if (!model)
    return explain (self, name, error);
  if (!is_kind (self, model))
    return g_strdup (_ ("This model is made for something else."));

  card = diffusion_model_get_card (model);
  purpose = card_member (card, "description", "purpose");
  licence = card_member (card, "licence", "license");
  text = g_string_new (purpose);
  if (purpose)
    g_string_append_c (text, '\n');
  if (g_stat (diffusion_tensor_file_get_path (diffusion_model_get_file (model)), &status) == 0)
    size = g_format_size ((guint64) status.st_size);
  brief = shorten (licence ? licence : _ ("not stated"));
  g_string_append_printf (text, _ ("Size: %s"), size ? size : "?");
  g_string_append_c (text, '\n');
  g_string_append_printf (text, _ ("Licence: %s"), brief);
  if (licence && strcmp (brief, licence) != 0)
    *more = g_strdup_printf (_ ("Licence: %s"), licence);
  return g_string_free (text, FALSE);
}

/* [THUMBNAIL, THUMBNAIL] at most, in units of the widget. */
static cairo_surface_t *
load_thumbnail (DiffusionModelChooser *self, const DiffusionModel *model)
{
  gint factor = gtk_widget_get_scale_factor (GTK_WIDGET (self)), side = THUMBNAIL * factor;
  g_autoptr (GdkPixbuf) pixbuf = NULL;

  if (model)
    {
      g_autofree char *file = g_build_filename (diffusion_model_get_path (model), DIFFUSION_THUMBNAIL_FILE, NULL);

      pixbuf = gdk_pixbuf_new_from_file_at_scale (file, side, side, TRUE, NULL);
    }
  if (!pixbuf)
    pixbuf = gtk_icon_theme_load_icon_for_scale (gtk_icon_theme_get_default (),
                                                 model ? "image-x-generic" : "dialog-warning", THUMBNAIL, factor,
                                                 GTK_ICON_LOOKUP_FORCE_SIZE, NULL);
  return pixbuf ? gdk_cairo_surface_create_from_pixbuf (pixbuf, factor, NULL) : NULL;
}

static void
append (DiffusionModelChooser *self, const char *name, const DiffusionModel *model)
{
  g_autofree char *label = g_path_is_absolute (name) ? g_path_get_basename (name) : g_strdup (name);
  cairo_surface_t *thumbnail = load_thumbnail (self, model);
  g_autofree char *markup = NULL;

  markup = model ? g_markup_escape_text (label, -1)
                 : g_markup_printf_escaped ("%s\n<small>%s</small>", label, _ ("not installed, or damaged"));
  gtk_list_store_insert_with_values (self->store, NULL, -1, COLUMN_NAME, name, COLUMN_MARKUP, markup, COLUMN_THUMBNAIL,
                                     thumbnail, -1);
  g_clear_pointer (&thumbnail, cairo_surface_destroy);
}

/* All installed models that fit. */
static void
fill (DiffusionModelChooser *self)
{
  g_auto (GStrv) names = diffusion_library_list ();

  gtk_list_store_clear (self->store);
  for (guint i = 0; names[i]; i++)
    {
      g_autoptr (DiffusionModel) model = diffusion_model_open (names[i], NULL, NULL, NULL);

      if (model && is_kind (self, model))
        append (self, names[i], model);
    }
}

/* Shows the property's model, also one that is not installed. */
static void
show_model (DiffusionModelChooser *self)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL, *more = NULL;

  g_object_get (self->config, self->property, &name, NULL);
  if (name && *name && !gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->combo), name))
    {
      g_autoptr (DiffusionModel) model = diffusion_model_open (name, NULL, NULL, NULL);

      append (self, name, model);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->combo), name);
    }
  text = describe (self, name ? name : "", &more);
  gtk_label_set_text (GTK_LABEL (self->about), text);
  gtk_widget_set_tooltip_text (self->about, more);
  atk_object_set_description (gtk_widget_get_accessible (self->combo), text);
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
say (DiffusionModelChooser *self, const char *what, const char *why)
{
  GtkWidget *dialog = gtk_message_dialog_new (GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (self))), GTK_DIALOG_MODAL,
                                              GTK_MESSAGE_ERROR, GTK_BUTTONS_CLOSE, "%s", what);

  gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (dialog), "%s", why);
  g_signal_connect (dialog, "response", G_CALLBACK (gtk_widget_destroy), NULL);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
addition_free (Addition *addition)
{
  g_free (addition->path);
  g_free (addition);
}

static void
add_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  Addition *addition = data;
  GError *error = NULL;
  char *name = diffusion_library_add (addition->path, addition->kind, &error);

  if (!name && addition->also >= 0 && g_error_matches (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID))
    {
      g_clear_error (&error);
      name = diffusion_library_add (addition->path, (DiffusionModelKind) addition->also, &error);
    }

  if (name)
    g_task_return_pointer (task, name, g_free);
  else
    g_task_return_error (task, error);
}

static void
add_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  DiffusionModelChooser *self = DIFFUSION_MODEL_CHOOSER (object);
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_task_propagate_pointer (G_TASK (result), &error);

  /* The dialog may have been closed meanwhile. */
  if (gtk_widget_in_destruction (GTK_WIDGET (self)) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  gtk_widget_set_sensitive (self->add, TRUE);
  gtk_spinner_stop (GTK_SPINNER (self->spinner));
  if (!name)
    {
      say (self, _ ("The model was not added."), error->message);
      return;
    }
  g_signal_handlers_block_matched (self->combo, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, self);
  fill (self);
  g_signal_handlers_unblock_matched (self->combo, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, self);
  g_object_set (self->config, self->property, name, NULL);
  show_model (self);
}

static void
add_model (DiffusionModelChooser *self, const char *path)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, add_ended, NULL);
  Addition *addition = g_new0 (Addition, 1);

  addition->path = g_strdup (path);
  addition->kind = self->kind;
  addition->also = self->also;
  g_task_set_task_data (task, addition, (GDestroyNotify) addition_free);
  gtk_widget_set_sensitive (self->add, FALSE);
  gtk_spinner_start (GTK_SPINNER (self->spinner));
  g_task_run_in_thread (task, add_thread);
}

/* A file, or with the other button the folder that is selected or shown. */
static void
browsed (GtkDialog *dialog, gint response, DiffusionModelChooser *self)
{
  g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

  if (response == GTK_RESPONSE_APPLY && (!path || !g_file_test (path, G_FILE_TEST_IS_DIR)))
    {
      g_free (path);
      path = gtk_file_chooser_get_current_folder (GTK_FILE_CHOOSER (dialog));
    }
  gtk_widget_destroy (GTK_WIDGET (dialog));
  if (path && (response == GTK_RESPONSE_APPLY || response == GTK_RESPONSE_ACCEPT))
    add_model (self, path);
}

static void
browse (GtkButton *button, DiffusionModelChooser *self)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (self));
  GtkWidget *dialog = gtk_file_chooser_dialog_new (_ ("Add a Model"), GTK_WINDOW (window), GTK_FILE_CHOOSER_ACTION_OPEN,
                                                   _ ("_Cancel"), GTK_RESPONSE_CANCEL, _ ("Add This _Folder"),
                                                   GTK_RESPONSE_APPLY, _ ("_Add"), GTK_RESPONSE_ACCEPT, NULL);
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _ ("Models"));
  gtk_file_filter_add_pattern (filter, "*.safetensors");
  gtk_file_filter_add_pattern (filter, "*.pt");
  gtk_file_filter_add_pattern (filter, "*.ckpt");
  gtk_file_filter_add_pattern (filter, "*.bin");
  gtk_file_filter_add_pattern (filter, "config.json");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  gtk_window_set_modal (GTK_WINDOW (dialog), TRUE);
  gtk_window_set_destroy_with_parent (GTK_WINDOW (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (browsed), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
open_folder (GtkButton *button, DiffusionModelChooser *self)
{
  g_autofree char *folder = diffusion_library_get_user_folder ();
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;

  /* So that there is something to show before the first model is added. */
  g_mkdir_with_parents (folder, 0777);
  uri = g_filename_to_uri (folder, NULL, &error);
  if (!uri
      || !gtk_show_uri_on_window (GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (self))), uri,
                                  gtk_get_current_event_time (), &error))
    say (self, folder, error->message);
}

static GtkWidget *
add_button (GtkWidget *row, const char *label, const char *tip, GCallback clicked, DiffusionModelChooser *self)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_widget_set_tooltip_text (button, tip);
  g_signal_connect (button, "clicked", clicked, self);
  gtk_box_pack_start (GTK_BOX (row), button, FALSE, FALSE, 0);
  return button;
}

static void
diffusion_model_chooser_finalize (GObject *object)
{
  g_free (DIFFUSION_MODEL_CHOOSER (object)->property);
  g_object_unref (DIFFUSION_MODEL_CHOOSER (object)->store);
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
  GtkCellRenderer *picture = gtk_cell_renderer_pixbuf_new (), *text = gtk_cell_renderer_text_new ();

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);

  self->store = gtk_list_store_new (N_COLUMNS, G_TYPE_STRING, G_TYPE_STRING, CAIRO_GOBJECT_TYPE_SURFACE);
  self->combo = gtk_combo_box_new_with_model (GTK_TREE_MODEL (self->store));
  gtk_combo_box_set_id_column (GTK_COMBO_BOX (self->combo), COLUMN_NAME);
  gtk_cell_layout_pack_start (GTK_CELL_LAYOUT (self->combo), picture, FALSE);
  gtk_cell_layout_add_attribute (GTK_CELL_LAYOUT (self->combo), picture, "surface", COLUMN_THUMBNAIL);
  gtk_cell_layout_pack_start (GTK_CELL_LAYOUT (self->combo), text, TRUE);
  gtk_cell_layout_add_attribute (GTK_CELL_LAYOUT (self->combo), text, "markup", COLUMN_MARKUP);
  g_object_set (text, "ellipsize", PANGO_ELLIPSIZE_END, "xpad", 6, NULL);
  atk_object_set_name (gtk_widget_get_accessible (self->combo), _ ("Model"));
  gtk_widget_set_tooltip_text (self->combo, _ ("The diffusion model that does the work"));
  gtk_box_pack_start (GTK_BOX (self), self->combo, FALSE, FALSE, 0);

  self->about = gtk_label_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (self->about), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (self->about), LINE_CHARS);
  gtk_label_set_width_chars (GTK_LABEL (self->about), LINE_CHARS);
  gtk_label_set_xalign (GTK_LABEL (self->about), 0.0);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->about), GTK_STYLE_CLASS_DIM_LABEL);
  gtk_box_pack_start (GTK_BOX (self), self->about, FALSE, FALSE, 0);

  self->add = add_button (row, _ ("Add _Model…"), _ ("Copies a model, a file or a folder, to your models"),
                          G_CALLBACK (browse), self);
  add_button (row, _ ("_Open Models Folder"), _ ("Shows the folder with the models that you added"),
              G_CALLBACK (open_folder), self);
  self->spinner = gtk_spinner_new ();
  gtk_box_pack_start (GTK_BOX (row), self->spinner, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), row, FALSE, FALSE, 0);
}

GtkWidget *
diffusion_model_chooser_new (GObject *config, const char *property, DiffusionModelKind kind)
{
  DiffusionModelChooser *self = g_object_new (DIFFUSION_TYPE_MODEL_CHOOSER, NULL);
  g_autofree char *notify = g_strconcat ("notify::", property, NULL);

  self->config = config;
  self->property = g_strdup (property);
  self->kind = kind;
  self->also = -1;
  fill (self);
  show_model (self);
  g_signal_connect (self->combo, "changed", G_CALLBACK (chosen), self);
  g_signal_connect_object (config, notify, G_CALLBACK (show_model), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}

void
diffusion_model_chooser_allow (DiffusionModelChooser *self, DiffusionModelKind kind)
{
  self->also = kind;
  g_signal_handlers_block_matched (self->combo, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, self);
  fill (self);
  g_signal_handlers_unblock_matched (self->combo, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, self);
  show_model (self);
}
