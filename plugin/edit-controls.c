/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The controls of generate, regenerate and interpolate. */
#include "plugin/edit-controls.h"

#include <string.h>

#include "core/base/i18n.h"
#include "plugin/settings.h"
#include "ui/accessible.h"

#define SPACING     6
#define JUMP_LENGTH 10
#define MAX_BETWEEN 100
#define FACTS       "diffusion-facts"

GtkWidget *
diffusion_row_new (GtkSizeGroup *labels, const char *label, GtkWidget *widget)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACING), *name = gtk_label_new_with_mnemonic (label);

  g_autoptr (GList) parts = GTK_IS_BOX (widget) ? gtk_container_get_children (GTK_CONTAINER (widget)) : NULL;

  gtk_label_set_xalign (GTK_LABEL (name), 0.0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), parts != NULL ? parts->data : widget);
  diffusion_set_accessible_name (parts != NULL ? parts->data : widget, label, NULL);
  gtk_size_group_add_widget (labels, name);
  /* Rows that come and go are shown without what is in them. */
  gtk_widget_show (name);
  gtk_box_pack_start (GTK_BOX (row), name, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), widget, TRUE, TRUE, 0);
  return row;
}

static void
set_tooltip (GtkWidget *widget, GObject *config, const char *property)
{
  gtk_widget_set_tooltip_text (widget,
                               g_param_spec_get_blurb (g_object_class_find_property (G_OBJECT_GET_CLASS (config), property)));
}

GtkWidget *
diffusion_choice_new (GObject *config, const char *property, const char *const *choices)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  for (guint i = 0; choices[i] != NULL; i += 2)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), choices[i], choices[i + 1]);
  g_object_bind_property (config, property, combo, "active-id", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  set_tooltip (combo, config, property);
  return combo;
}

GtkWidget *
diffusion_sampler_choice_new (GObject *config)
{
  const char *const choices[] = { "dpm++", _ ("Fastest (DPM-Solver++)"), "ddim", _ ("Fast (DDIM)"), "ancestral",
                                  _ ("Thorough (ancestral)"), NULL };

  return diffusion_choice_new (config, "sampler", choices);
}

static void
new_seed (GtkButton *button, GObject *config)
{
  g_object_set (config, "seed", (gint) g_random_int_range (0, G_MAXINT), NULL);
}

GtkWidget *
diffusion_number_new (GObject *config, const char *property, double least, double most)
{
  GtkWidget *spin = gimp_prop_spin_button_new (config, property, 1.0, 10.0, 0);

  gtk_spin_button_set_range (GTK_SPIN_BUTTON (spin), least, most);
  set_tooltip (spin, config, property);
  return spin;
}

GtkWidget *
diffusion_seed_new (GObject *config)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACING);
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("A_nother"));

  gtk_box_pack_start (GTK_BOX (box), diffusion_number_new (config, "seed", 0, G_MAXINT), TRUE, TRUE, 0);
  gtk_widget_set_tooltip_text (button, _ ("Begins with other noise: another picture"));
  g_signal_connect (button, "clicked", G_CALLBACK (new_seed), config);
  gtk_box_pack_start (GTK_BOX (box), button, FALSE, FALSE, 0);
  return box;
}

static const DiffusionModelFacts *
get_facts (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), FACTS);
}

/* Nothing given, after a reset too, means what is usual for the model. */
static void
limit_t (GtkWidget *scale, GObject *config)
{
  const DiffusionModelFacts *facts = get_facts (scale);
  double t, strength;

  if (facts == NULL || facts->schedule == NULL)
    return;
  g_object_get (config, "t", &t, NULL);
  if (t == 0.0 && g_object_class_find_property (G_OBJECT_GET_CLASS (config), "strength") != NULL)
    {
      g_object_get (config, "strength", &strength, NULL);
      t = strength * (double) facts->schedule->steps;
    }
  if (t == 0.0)
    t = diffusion_model_facts_get_usual_t (facts);
  t = CLAMP (t, 1.0, (double) facts->last_t);
  g_object_set (config, "t", t, NULL);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (config), "strength") != NULL)
    g_object_set (config, "strength", 0.0, NULL);
}

static void
t_changed (GObject *config, GParamSpec *pspec, GtkWidget *box)
{
  const DiffusionModelFacts *facts = get_facts (box);
  GtkWidget *words = g_object_get_data (G_OBJECT (box), "words");
  double t;

  g_object_get (config, "t", &t, NULL);
  if (t == 0.0)
    {
      limit_t (box, config);
      return;
    }
  if (facts != NULL && facts->schedule != NULL)
    gtk_label_set_text (GTK_LABEL (words), diffusion_model_facts_describe_t (facts, t));
}

GtkWidget *
diffusion_t_scale_new (GObject *config)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING);
  GtkWidget *scale = gimp_prop_spin_scale_new (config, "t", 1.0, 10.0, 0);
  GtkWidget *words = gtk_label_new (NULL);

  diffusion_name_after_property (scale, config, "t");
  gtk_label_set_xalign (GTK_LABEL (words), 0.0);
  gtk_label_set_line_wrap (GTK_LABEL (words), TRUE);
  gtk_box_pack_start (GTK_BOX (box), scale, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), words, FALSE, FALSE, 0);
  g_object_set_data (G_OBJECT (box), "scale", scale);
  g_object_set_data (G_OBJECT (box), "words", words);
  g_object_set_data (G_OBJECT (box), "config", config);
  g_signal_connect_object (config, "notify::t", G_CALLBACK (t_changed), box, 0);
  return box;
}

void
diffusion_t_scale_set_model (GtkWidget *box, const DiffusionModelFacts *facts)
{
  GtkWidget *scale = g_object_get_data (G_OBJECT (box), "scale");
  GObject *config = g_object_get_data (G_OBJECT (box), "config");

  g_object_set_data (G_OBJECT (box), FACTS, (gpointer) facts);
  if (facts->schedule == NULL)
    return;
  limit_t (box, config);
  gtk_spin_button_set_range (GTK_SPIN_BUTTON (scale), 1.0, facts->last_t);
  gimp_spin_scale_set_scale_limits (GIMP_SPIN_SCALE (scale), 1.0, facts->last_t);
  t_changed (config, NULL, box);
}

GtkWidget *
diffusion_class_new (GObject *config)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  g_object_set_data (G_OBJECT (combo), "config", config);
  set_tooltip (combo, config, "class");
  return combo;
}

static void
class_chosen (GtkComboBox *combo, GObject *config)
{
  const char *id = gtk_combo_box_get_active_id (combo);

  if (id != NULL)
    g_object_set (config, "class", id, NULL);
}

static void
show_class (GtkComboBox *combo)
{
  g_autofree char *class_name = NULL;

  g_object_get (g_object_get_data (G_OBJECT (combo), "config"), "class", &class_name, NULL);
  if (class_name == NULL || !gtk_combo_box_set_active_id (combo, class_name))
    gtk_combo_box_set_active (combo, 0);
}

void
diffusion_class_set_model (GtkWidget *chooser, GtkWidget *row, const DiffusionModelFacts *facts)
{
  GObject *config = g_object_get_data (G_OBJECT (chooser), "config");
  guint named = facts->class_names != NULL ? g_strv_length (facts->class_names) : 0;

  g_signal_handlers_disconnect_by_func (chooser, class_chosen, config);
  gtk_combo_box_text_remove_all (GTK_COMBO_BOX_TEXT (chooser));
  for (guint i = 0; i < facts->classes; i++)
    {
      g_autofree char *number = g_strdup_printf ("%u", i);
      g_autofree char *label = NULL;

      if (i < named && *facts->class_names[i] != '\0')
        gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (chooser), facts->class_names[i], facts->class_labels[i]);
      else
        {
          label = g_strdup_printf (_ ("Class %u"), i);
          gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (chooser), number, label);
        }
    }
  gtk_widget_set_visible (row, facts->classes > 0);
  if (facts->classes == 0)
    {
      g_autofree char *classifier = NULL;

      g_object_get (config, "classifier", &classifier, NULL);
      if (classifier == NULL || *classifier == '\0')
        g_object_set (config, "class", "", NULL);
      return;
    }
  g_signal_connect (chooser, "changed", G_CALLBACK (class_chosen), config);
  show_class (GTK_COMBO_BOX (chooser));
}

static void
classifier_chosen (GtkComboBox *combo, GObject *config)
{
  const char *id = gtk_combo_box_get_active_id (combo);
  g_autofree char *current = NULL;

  g_object_get (config, "classifier", &current, NULL);
  if (id != NULL && g_strcmp0 (id, current != NULL ? current : "") != 0)
    g_object_set (config, "classifier", id, NULL);
}

/* Also one that is not installed. */
static void
show_classifier (GObject *config, GParamSpec *pspec, GtkComboBox *combo)
{
  g_autofree char *name = NULL, *label = NULL;

  g_object_get (config, "classifier", &name, NULL);
  if (gtk_combo_box_set_active_id (combo, name != NULL ? name : ""))
    return;
  label = g_path_get_basename (name);
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), name, label);
  gtk_combo_box_set_active_id (combo, name);
}

GtkWidget *
diffusion_classifier_new (GObject *config)
{
  GtkWidget *combo = gtk_combo_box_text_new ();
  g_auto (GStrv) names = diffusion_library_list ();

  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), "", _ ("None"));
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (DiffusionModel) model = diffusion_model_open (names[i], NULL, NULL, NULL);

      if (model != NULL && diffusion_model_get_kind (model) == DIFFUSION_MODEL_CLASSIFIER)
        gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), names[i], names[i]);
    }
  set_tooltip (combo, config, "classifier");
  show_classifier (config, NULL, GTK_COMBO_BOX (combo));
  g_signal_connect (combo, "changed", G_CALLBACK (classifier_chosen), config);
  g_signal_connect_object (config, "notify::classifier", G_CALLBACK (show_classifier), combo, 0);
  return combo;
}

typedef struct
{
  GObject *config;
  GtkWidget *width, *height;
  gint native;
} Size;

static void
size_edited (GtkSpinButton *spin, Size *size)
{
  g_autofree char *text
      = g_strdup_printf ("%dx%d", gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (size->width)),
                         gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (size->height)));

  g_object_set (size->config, "size", text, NULL);
}

static void
show_size (GObject *config, GParamSpec *pspec, GtkWidget *box)
{
  Size *size = g_object_get_data (G_OBJECT (box), "size");
  DiffusionSettings *settings = diffusion_settings_new (GIMP_PROCEDURE_CONFIG (config));
  gint width, height;

  if (diffusion_settings_get_size (settings, (gsize) MAX (size->native, 1), &width, &height, NULL))
    {
      g_signal_handlers_block_by_func (size->width, size_edited, size);
      g_signal_handlers_block_by_func (size->height, size_edited, size);
      gtk_spin_button_set_value (GTK_SPIN_BUTTON (size->width), width);
      gtk_spin_button_set_value (GTK_SPIN_BUTTON (size->height), height);
      g_signal_handlers_unblock_by_func (size->width, size_edited, size);
      g_signal_handlers_unblock_by_func (size->height, size_edited, size);
    }
  diffusion_settings_free (settings);
}

GtkWidget *
diffusion_size_new (GObject *config)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, SPACING);
  Size *size = g_new0 (Size, 1);

  size->config = config;
  size->width = gtk_spin_button_new_with_range (8, 8192, 8);
  size->height = gtk_spin_button_new_with_range (8, 8192, 8);
  atk_object_set_name (gtk_widget_get_accessible (size->height), _ ("Height"));
  gtk_widget_set_tooltip_text (size->width, _ ("Width in pixels"));
  gtk_widget_set_tooltip_text (size->height, _ ("Height in pixels"));
  gtk_box_pack_start (GTK_BOX (box), size->width, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), gtk_label_new ("×"), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), size->height, TRUE, TRUE, 0);
  g_object_set_data_full (G_OBJECT (box), "size", size, g_free);
  g_signal_connect (size->width, "value-changed", G_CALLBACK (size_edited), size);
  g_signal_connect (size->height, "value-changed", G_CALLBACK (size_edited), size);
  g_signal_connect_object (config, "notify::size", G_CALLBACK (show_size), box, 0);
  return box;
}

void
diffusion_size_set_model (GtkWidget *box, const DiffusionModelFacts *facts)
{
  Size *size = g_object_get_data (G_OBJECT (box), "size");

  size->native = facts->native;
  show_size (size->config, NULL, box);
}

static void
harmonize_toggled (GtkToggleButton *button, GObject *config)
{
  gint length;

  g_object_get (config, "jump-length", &length, NULL);
  if ((length > 0) != gtk_toggle_button_get_active (button))
    g_object_set (config, "jump-length", length > 0 ? 0 : JUMP_LENGTH, NULL);
}

static void
show_harmonize (GObject *config, GParamSpec *pspec, GtkToggleButton *button)
{
  gint length;

  g_object_get (config, "jump-length", &length, NULL);
  gtk_toggle_button_set_active (button, length > 0);
}

GtkWidget *
diffusion_harmonize_new (GObject *config)
{
  GtkWidget *button = gtk_check_button_new_with_mnemonic (_ ("_Harmonize with what is around it"));

  gtk_widget_set_tooltip_text (button, _ ("Goes back and forth so that new and old fit each other; takes several times "
                                          "as long"));
  show_harmonize (config, NULL, GTK_TOGGLE_BUTTON (button));
  g_signal_connect (button, "toggled", G_CALLBACK (harmonize_toggled), config);
  g_signal_connect_object (config, "notify::jump-length", G_CALLBACK (show_harmonize), button, 0);
  return button;
}

static void
between_edited (GtkSpinButton *spin, GObject *config)
{
  gint n = gtk_spin_button_get_value_as_int (spin);
  g_autoptr (GString) text = g_string_new (NULL);

  for (gint i = 1; i <= n; i++)
    {
      char number[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (number, sizeof number, "%.6g", (double) i / (n + 1));
      g_string_append_printf (text, i > 1 ? " %s" : "%s", number);
    }
  g_object_set (config, "lambda", text->str, NULL);
}

static void
show_between (GObject *config, GParamSpec *pspec, GtkSpinButton *spin)
{
  DiffusionSettings *settings = diffusion_settings_new (GIMP_PROCEDURE_CONFIG (config));
  g_autoptr (GArray) lambdas = diffusion_settings_get_lambdas (settings, NULL);

  diffusion_settings_free (settings);
  /* None given, after a reset too, means one in the middle. */
  g_signal_handlers_block_by_func (spin, between_edited, config);
  gtk_spin_button_set_value (spin, lambdas != NULL ? lambdas->len : 1);
  g_signal_handlers_unblock_by_func (spin, between_edited, config);
  if (lambdas == NULL)
    between_edited (spin, config);
}

GtkWidget *
diffusion_between_new (GObject *config)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (1, MAX_BETWEEN, 1);

  gtk_widget_set_tooltip_text (spin, _ ("How many new layers, equally far from each other"));
  g_signal_connect (spin, "value-changed", G_CALLBACK (between_edited), config);
  g_signal_connect_object (config, "notify::lambda", G_CALLBACK (show_between), spin, 0);
  show_between (config, NULL, GTK_SPIN_BUTTON (spin));
  return spin;
}
