/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogs of generate, regenerate and interpolate: the preview on the left, the settings on the right. */
#include "plugin/edit-dialog.h"

#include <libgimp/gimpui.h>
#include <string.h>

#include "core/base/i18n.h"
#include "plugin/dialog.h"
#include "plugin/edit-controls.h"
#include "plugin/edit-preview.h"
#include "plugin/edit-run.h"
#include "ui/duration.h"
#include "ui/model-chooser.h"
#include "ui/preview-bar.h"

#define SPACING     DIFFUSION_DIALOG_SPACING
#define REFRESH_MS  300
#define NO_SIZE     64 /* of the preview of a model that is not there */

typedef enum
{
  GENERATE,
  REGENERATE,
  INTERPOLATE
} Kind;

typedef struct
{
  Kind kind;
  GimpProcedure *procedure;
  GimpProcedureConfig *config;
  DiffusionSampling *sampling;
  GimpImage *image;        /* (nullable) */
  GimpDrawable **items;    /* (nullable): the selected layers */
  GPtrArray *given;        /* (nullable): their copies, made by the caller */
  gboolean whole;          /* all of each of them may change */
  GPtrArray *drawables;    /* (nullable): what the preview shows */
  DiffusionModelFacts facts;
  DiffusionEditPreview *preview;
  char *shown; /* what the preview was made for */
  gboolean making; /* another preview */
  gboolean failed;
  guint timer;

  GtkSizeGroup *labels;
  GtkWidget *dialog, *preview_box, *message;
  GtkWidget *t, *class_chooser, *class_row, *size, *size_row, *count_row, *seamless, *harmonize, *new_layer, *guidance;
} Dialog;

static gboolean
has_selection (const Dialog *self)
{
  return self->image != NULL && !gimp_selection_is_empty (self->image);
}

static gboolean
into_selection (const Dialog *self)
{
  g_autofree char *target = NULL;

  if (self->kind != GENERATE)
    return FALSE;
  g_object_get (self->config, "target", &target, NULL);
  return g_strcmp0 (target, DIFFUSION_TARGET_SELECTION) == 0;
}

/* Tiles are made as a whole. */
static gboolean
can_be_seamless (const Dialog *self)
{
  return self->kind == REGENERATE ? self->whole : self->kind == GENERATE && !into_selection (self);
}

static void
say (Dialog *self, const char *text, gboolean failed)
{
  gtk_label_set_text (GTK_LABEL (self->message), text);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self->dialog), GTK_RESPONSE_OK, !failed);
  self->failed = failed;
}

static gboolean
show_cost (gpointer data)
{
  Dialog *self = data;
  double seconds, bytes;
  g_autofree char *memory = NULL, *duration = NULL, *text = NULL;

  if (self->failed || self->preview == NULL || !diffusion_edit_preview_get_cost (self->preview, &seconds, &bytes))
    return G_SOURCE_CONTINUE;
  memory = g_format_size ((guint64) bytes);
  if (seconds >= 0)
    {
      duration = diffusion_format_duration (seconds);
      text = g_strdup_printf (_ ("Takes about %s and %s of memory."), duration, memory);
    }
  else
    text = g_strdup_printf (_ ("Takes about %s of memory. The time is being measured…"), memory);
  say (self, text, FALSE);
  return G_SOURCE_CONTINUE;
}

static void
preview_failed (DiffusionPreviewArea *area, const char *message, Dialog *self)
{
  say (self, message, TRUE);
}

static void
clear_preview (Dialog *self)
{
  g_autoptr (GList) children = NULL;

  if (self->preview == NULL)
    return;
  diffusion_edit_preview_stop (self->preview);
  children = gtk_container_get_children (GTK_CONTAINER (self->preview_box));
  for (GList *child = children; child != NULL; child = child->next)
    gtk_widget_destroy (child->data);
  g_clear_pointer (&self->preview, diffusion_edit_preview_free);
}

/* The other layer of an interpolation, or NULL. */
static GimpDrawable *
get_other (const Dialog *self)
{
  g_autoptr (GimpDrawable) with = NULL;

  if (self->items[0] != NULL && self->items[1] != NULL)
    return self->items[1];
  g_object_get (self->config, "with", &with, NULL);
  return with;
}

/* What the preview has to show: the drawables, or a size. FALSE with what is wrong said. */
static gboolean
choose_source (Dialog *self, GPtrArray **drawables, gint *width, gint *height, GError **error)
{
  DiffusionSettings *settings;
  gboolean ok;

  *drawables = NULL;
  if (self->kind == REGENERATE)
    {
      *drawables = g_ptr_array_ref (self->given);
      return TRUE;
    }
  if (self->kind == INTERPOLATE)
    {
      GimpDrawable *pair[] = { self->items[0], get_other (self), NULL };

      if (pair[1] == NULL || pair[0] == pair[1])
        {
          g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("Choose another layer."));
          return FALSE;
        }
      *drawables = diffusion_drawables_copy (self->image, pair, error);
      if (*drawables == NULL || diffusion_drawables_check_pair (*drawables, error))
        return *drawables != NULL;
      g_clear_pointer (drawables, g_ptr_array_unref);
      return FALSE;
    }
  if (into_selection (self))
    {
      *drawables = diffusion_drawables_copy (self->image, self->items, error);
      return *drawables != NULL;
    }
  settings = diffusion_settings_new (self->config);
  ok = diffusion_settings_get_size (settings, (gsize) (self->facts.native > 0 ? self->facts.native : NO_SIZE), width,
                                    height, error);
  diffusion_settings_free (settings);
  return ok;
}

/* What a preview is made for, in words that differ when it has to be made anew. */
static char *
describe_source (Dialog *self)
{
  g_autofree char *target = NULL, *size = NULL;
  GimpDrawable *other = self->kind == INTERPOLATE ? get_other (self) : NULL;

  if (self->kind == GENERATE)
    g_object_get (self->config, "target", &target, "size", &size, NULL);
  return g_strdup_printf ("%d %s %s %d %d", self->kind, target != NULL ? target : "", size != NULL ? size : "",
                          self->facts.native, other != NULL ? gimp_item_get_id (GIMP_ITEM (other)) : 0);
}

static void
show_preview (Dialog *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) drawables = NULL;
  gint width = 0, height = 0;
  GtkWidget *frame, *area;

  g_clear_pointer (&self->drawables, g_ptr_array_unref);
  if (!choose_source (self, &drawables, &width, &height, &error))
    {
      say (self, error->message, TRUE);
      return;
    }
  self->drawables = g_steal_pointer (&drawables);
  self->preview = diffusion_edit_preview_new (self->config, self->sampling, self->drawables, self->kind == GENERATE, width,
                                              height);
  area = GTK_WIDGET (diffusion_edit_preview_get_area (self->preview));
  g_signal_connect (area, "failed", G_CALLBACK (preview_failed), self);
  frame = gtk_frame_new (NULL);
  gtk_container_add (GTK_CONTAINER (frame), area);
  gtk_box_pack_start (GTK_BOX (self->preview_box), frame, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (self->preview_box), diffusion_preview_bar_new (DIFFUSION_PREVIEW_AREA (area)), FALSE, FALSE,
                      0);
  gtk_widget_show_all (self->preview_box);
}

static void
make_preview (Dialog *self)
{
  /* What ran is waited for while the dialog can be used: what changes meanwhile is seen to after that. */
  if (self->making)
    return;
  self->making = TRUE;
  for (;;)
    {
      g_autofree char *wanted = describe_source (self);

      if (g_strcmp0 (wanted, self->shown) == 0)
        break;
      g_free (self->shown);
      self->shown = g_steal_pointer (&wanted);
      clear_preview (self);
      show_preview (self);
    }
  self->making = FALSE;
}

static void
show_controls (Dialog *self)
{
  gboolean selection = into_selection (self);

  if (self->kind != GENERATE)
    return;
  gtk_widget_set_visible (self->size_row, !selection);
  gtk_widget_set_visible (self->count_row, !selection);
  gtk_widget_set_visible (self->seamless, !selection);
  gtk_widget_set_visible (self->harmonize, selection);
  if (self->new_layer != NULL)
    gtk_widget_set_visible (self->new_layer, selection);
}

static void
model_changed (Dialog *self)
{
  g_autofree char *name = NULL, *classifier = NULL;

  g_object_get (self->config, "model", &name, "classifier", &classifier, NULL);
  diffusion_model_facts_read (&self->facts, name != NULL ? name : "", classifier);
  gtk_widget_set_sensitive (self->guidance, classifier != NULL && *classifier != '\0');
  diffusion_class_set_model (self->class_chooser, self->class_row, &self->facts);
  if (self->t != NULL)
    diffusion_t_scale_set_model (self->t, &self->facts);
  if (self->size != NULL)
    diffusion_size_set_model (self->size, &self->facts);
}

/* A selection is filled once, and is no tile. Sets nothing that is so already: that would be a change, and end never. */
static void
limit_to_selection (Dialog *self)
{
  gboolean seamless = FALSE;
  gint count = 1;

  if (into_selection (self))
    g_object_get (self->config, "count", &count, NULL);
  if (self->kind != INTERPOLATE && !can_be_seamless (self))
    g_object_get (self->config, "seamless", &seamless, NULL);
  if (count != 1)
    g_object_set (self->config, "count", 1, NULL);
  if (seamless)
    g_object_set (self->config, "seamless", FALSE, NULL);
}

static void
settings_changed (GObject *config, GParamSpec *pspec, Dialog *self)
{
  if (strcmp (pspec->name, "model") == 0 || strcmp (pspec->name, "classifier") == 0)
    model_changed (self);
  if (strcmp (pspec->name, "target") == 0)
    show_controls (self);
  limit_to_selection (self);
  say (self, _ ("The preview is being computed…"), FALSE);
  make_preview (self);
  if (self->preview != NULL)
    diffusion_edit_preview_invalidate (self->preview);
}

static GtkWidget *
add_row (GtkSizeGroup *labels, GtkWidget *box, const char *label, GtkWidget *widget)
{
  GtkWidget *row = diffusion_row_new (labels, label, widget);

  gtk_box_pack_start (GTK_BOX (box), row, FALSE, FALSE, 0);
  return row;
}

static GtkWidget *
new_target (Dialog *self)
{
  GtkWidget *combo = gtk_combo_box_text_new ();
  g_autofree char *target = NULL;

  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), DIFFUSION_TARGET_IMAGE, _ ("A new image"));
  if (self->image != NULL && gimp_image_get_base_type (self->image) != GIMP_INDEXED)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), DIFFUSION_TARGET_LAYER, _ ("New layers of this image"));
  if (has_selection (self) && self->items != NULL && self->items[0] != NULL)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), DIFFUSION_TARGET_SELECTION,
                               _ ("The selection, to fit what is around it"));
  g_object_get (self->config, "target", &target, NULL);
  /* Last time there may have been another image. */
  if (target == NULL || !gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), target))
    g_object_set (self->config, "target", DIFFUSION_TARGET_IMAGE, NULL);
  g_object_bind_property (self->config, "target", combo, "active-id", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  return combo;
}

/* Layers that could be the other one. */
static gboolean
could_be_other (GimpImage *image, GimpItem *item, gpointer data)
{
  const Dialog *self = data;
  GimpDrawable *one = self->items[0], *other = GIMP_DRAWABLE (item);

  return image == self->image && other != one && !gimp_item_is_group (item)
         && gimp_drawable_get_width (one) == gimp_drawable_get_width (other)
         && gimp_drawable_get_height (one) == gimp_drawable_get_height (other);
}

static void
other_chosen (GtkWidget *combo, Dialog *self)
{
  gint id;

  if (gimp_int_combo_box_get_active (GIMP_INT_COMBO_BOX (combo), &id))
    g_object_set (self->config, "with", gimp_drawable_get_by_id (id), NULL);
}

static void
add_what (Dialog *self, GtkWidget *box)
{
  GObject *config = G_OBJECT (self->config);
  const char *const noises[] = { "shared", _ ("The same for both"), "slerp", _ ("Each its own"), "inversion",
                                 _ ("What the model finds in each"), NULL };

  if (self->kind == GENERATE)
    add_row (self->labels, box, _ ("_Into"), new_target (self));
  if (self->kind == INTERPOLATE && self->items[1] == NULL)
    {
      GtkWidget *combo = gimp_layer_combo_box_new (could_be_other, self, NULL);

      gimp_int_combo_box_connect (GIMP_INT_COMBO_BOX (combo), 0, G_CALLBACK (other_chosen), self, NULL);
      add_row (self->labels, box, _ ("_With"), combo);
    }
  self->class_chooser = diffusion_class_new (config);
  self->class_row = add_row (self->labels, box, _ ("_Class"), self->class_chooser);
  gtk_widget_set_no_show_all (self->class_row, TRUE);
  gtk_widget_show_all (self->class_chooser);
  if (self->kind != GENERATE)
    {
      self->t = diffusion_t_scale_new (config);
      gtk_box_pack_start (GTK_BOX (box), self->t, FALSE, FALSE, 0);
    }
  if (self->kind == GENERATE)
    {
      self->size = diffusion_size_new (config);
      self->size_row = add_row (self->labels, box, _ ("Si_ze"), self->size);
      self->count_row = add_row (self->labels, box, _ ("C_ount"), diffusion_number_new (config, "count", 1, 1000));
    }
  if (self->kind == GENERATE || (self->kind == REGENERATE && can_be_seamless (self)))
    {
      self->seamless = gimp_prop_check_button_new (config, "seamless", _ ("Seam_less: opposite edges fit"));
      gtk_box_pack_start (GTK_BOX (box), self->seamless, FALSE, FALSE, 0);
    }
  if (self->kind == INTERPOLATE)
    {
      add_row (self->labels, box, _ ("New _layers"), diffusion_between_new (config));
      add_row (self->labels, box, _ ("_Noise"), diffusion_choice_new (config, "noise", noises));
    }
  add_row (self->labels, box, _ ("Se_ed"), diffusion_seed_new (config));
  if (self->kind == GENERATE || (self->kind == REGENERATE && has_selection (self)))
    {
      self->harmonize = diffusion_harmonize_new (config);
      gtk_box_pack_start (GTK_BOX (box), self->harmonize, FALSE, FALSE, 0);
    }
  if (self->kind != INTERPOLATE && diffusion_items_are_layers (self->items))
    {
      self->new_layer = gimp_prop_check_button_new (config, "new-layer", NULL);
      gtk_box_pack_start (GTK_BOX (box), self->new_layer, FALSE, FALSE, 0);
    }
}

static GtkWidget *
new_more (Dialog *self)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_ ("_More settings"));
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING / 2);
  GObject *config = G_OBJECT (self->config);
  /* Their names are longer, and hidden at first. */
  g_autoptr (GtkSizeGroup) labels = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);

  self->guidance = gimp_prop_spin_button_new (config, "guidance-scale", 0.1, 1.0, 2);
  add_row (labels, box, _ ("S_ampler"), diffusion_sampler_choice_new (config));
  add_row (labels, box, _ ("S_teps (0: as usual)"), diffusion_number_new (config, "steps", 0, 10000));
  add_row (labels, box, _ ("Class_ifier"), diffusion_classifier_new (config));
  add_row (labels, box, _ ("_Guidance"), self->guidance);
  gtk_widget_set_margin_top (box, SPACING / 2);
  gtk_widget_set_margin_start (box, SPACING);
  gtk_container_add (GTK_CONTAINER (expander), box);
  return expander;
}

static GtkWidget *
new_settings (Dialog *self)
{
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING);
  GtkWidget *what = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING / 2), *chooser;
  static const char *const titles[] = { N_ ("Picture"), N_ ("Change"), N_ ("Between") };

  chooser = diffusion_model_chooser_new (G_OBJECT (self->config), "model", DIFFUSION_MODEL_UNET);
  /* Only from noise alone do they make nothing. */
  if (self->kind != GENERATE)
    diffusion_model_chooser_allow (DIFFUSION_MODEL_CHOOSER (chooser), DIFFUSION_MODEL_PHOTO);
  if (self->kind == REGENERATE)
    diffusion_dialog_add_mask_note (column, GIMP_ITEM (self->items[0]));
  diffusion_dialog_add_section (column, _ ("Model"), chooser);
  add_what (self, what);
  diffusion_dialog_add_section (column, _ (titles[self->kind]), what);
  gtk_box_pack_start (GTK_BOX (column), new_more (self), FALSE, FALSE, 0);
  if (self->items != NULL && self->items[0] != NULL)
    diffusion_dialog_add_recall (column, GIMP_ITEM (self->items[0]), self->config);
  return diffusion_dialog_new_pane (column, &self->message);
}

static gboolean
run (Dialog *self, const char *title, const char *ok_label)
{
  gulong handler;
  gboolean ok;

  gimp_ui_init ("gimp-diffusion");
  self->labels = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);
  self->preview_box = gtk_box_new (GTK_ORIENTATION_VERTICAL, SPACING / 2);
  self->dialog = diffusion_dialog_new (self->procedure, self->config, title, ok_label, self->preview_box,
                                       new_settings (self));

  model_changed (self);
  show_controls (self);
  limit_to_selection (self);
  make_preview (self);
  handler = g_signal_connect (self->config, "notify", G_CALLBACK (settings_changed), self);
  self->timer = g_timeout_add (REFRESH_MS, show_cost, self);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (self->dialog));
  g_source_remove (self->timer);
  g_signal_handler_disconnect (self->config, handler);
  gtk_widget_hide (self->dialog);
  clear_preview (self);
  gtk_widget_destroy (self->dialog);
  g_object_unref (self->labels);
  g_clear_pointer (&self->drawables, g_ptr_array_unref);
  diffusion_model_facts_clear (&self->facts);
  g_free (self->shown);
  return ok;
}

gboolean
diffusion_regenerate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, DiffusionSampling *sampling,
                                 GimpImage *image, GPtrArray *drawables)
{
  GimpDrawable *items[] = { diffusion_drawable_get_drawable (drawables->pdata[0]), NULL };
  Dialog self = { .kind = REGENERATE,
                  .procedure = procedure,
                  .config = config,
                  .sampling = sampling,
                  .image = image,
                  .items = items,
                  .given = drawables,
                  .whole = TRUE };

  for (guint i = 0; self.whole && i < drawables->len; i++)
    self.whole = diffusion_drawable_is_whole (drawables->pdata[i]);

  return run (&self, _ ("Regenerate"), _ ("_Regenerate"));
}

gboolean
diffusion_generate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, DiffusionSampling *sampling,
                               GimpImage *image, GimpDrawable **items)
{
  Dialog self = { .kind = GENERATE,
                  .procedure = procedure,
                  .config = config,
                  .sampling = sampling,
                  .image = image,
                  .items = items };

  return run (&self, _ ("Generate"), _ ("_Generate"));
}

gboolean
diffusion_interpolate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config, DiffusionSampling *sampling,
                                  GimpImage *image, GimpDrawable **items)
{
  Dialog self = { .kind = INTERPOLATE,
                  .procedure = procedure,
                  .config = config,
                  .sampling = sampling,
                  .image = image,
                  .items = items };

  return run (&self, _ ("Interpolate"), _ ("_Interpolate"));
}
