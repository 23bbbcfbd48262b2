/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was computed, put into GIMP. */
#include "plugin/results.h"

#include "core/base/i18n.h"
#include "plugin/remember.h"
#include "plugin/samples.h"

/* A layer that a result was made from, and that stays beside it. */
typedef struct
{
  const char *name; /* as remembered */
  GimpDrawable *layer;
} Source;

/* What the arguments alone do not say: defaults that were chosen, the seed of this picture, the model's hash. */
static JsonObject *
describe (const DiffusionResults *self, guint index)
{
  const DiffusionEditResult *result = self->result;
  JsonObject *more = json_object_new ();
  gboolean several = result->pictures != NULL && self->settings->count > 0;

  json_object_set_string_member (more, "model_hash", result->model_hash);
  json_object_set_string_member (more, "sampler", result->sampler);
  json_object_set_int_member (more, "steps", (gint64) result->steps);
  json_object_set_int_member (more, "seed", self->settings->sampling.seed + (several ? index : 0));
  json_object_set_double_member (more, "t", result->t);
  /* Given as t now. */
  json_object_set_double_member (more, "strength", 0.0);
  if (several)
    json_object_set_int_member (more, "count", 1);
  /* Masks have no other place than their own. */
  if (result->pictures == NULL)
    json_object_set_boolean_member (more, "new-layer", self->settings->new_layer);
  if (result->stopped && index + 1 == result->done)
    json_object_set_boolean_member (more, "stopped", TRUE);
  return more;
}

/* sources: (nullable) (array length=n) */
static void
add (DiffusionResults *self, GimpDrawable *drawable, guint index, const char *lambda, const Source *sources, guint n)
{
  g_autoptr (JsonObject) more = describe (self, index);

  if (lambda != NULL)
    json_object_set_string_member (more, "lambda", lambda);
  for (guint i = 0; i < n; i++)
    json_object_set_int_member (more, sources[i].name, gimp_item_get_tattoo (GIMP_ITEM (sources[i].layer)));
  diffusion_remember (GIMP_ITEM (drawable), self->settings->procedure, self->config, self->result->model_path, more);
  g_ptr_array_add (self->layers, drawable);
}

/* Takes back what an unfinished commit has added. */
static void
remove_layers (DiffusionResults *self, GimpImage *image)
{
  for (guint i = 0; i < self->layers->len; i++)
    if (GIMP_IS_LAYER (self->layers->pdata[i]))
      gimp_image_remove_layer (image, self->layers->pdata[i]);
  g_ptr_array_set_size (self->layers, 0);
}

static char *
name_regenerated (const DiffusionResults *self, GimpDrawable *drawable)
{
  g_autofree char *old = gimp_item_get_name (GIMP_ITEM (drawable));

  return g_strdup_printf (_ ("%s, regenerated (%s, t %.6g, seed %d)"), old, self->result->model_name, self->result->t,
                          (gint) self->settings->sampling.seed);
}

gboolean
diffusion_results_commit_drawables (DiffusionResults *self, GPtrArray *drawables, GError **error)
{
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (diffusion_drawable_get_drawable (drawables->pdata[0])));
  gboolean done = TRUE;

  for (guint i = 0; i < self->result->done; i++)
    if (!diffusion_drawable_check_unchanged (drawables->pdata[i], error))
      return FALSE;
  gimp_image_undo_group_start (image);
  for (guint i = 0; done && i < self->result->done; i++)
    {
      GimpDrawable *drawable = diffusion_drawable_get_drawable (drawables->pdata[i]);
      const Source source = { DIFFUSION_REMEMBER_SOURCE, drawable };

      if (self->settings->new_layer)
        {
          g_autofree char *name = name_regenerated (self, drawable);

          done = diffusion_drawable_commit_as_layer (drawables->pdata[i], name, error);
        }
      else
        done = diffusion_drawable_commit (drawables->pdata[i], error);
      if (done)
        add (self, diffusion_drawable_get_drawable (drawables->pdata[i]), i, NULL, &source, self->settings->new_layer);
    }
  if (!done && self->settings->new_layer)
    remove_layers (self, image);
  gimp_image_undo_group_end (image);
  return done;
}

static char *
name_generated (const DiffusionResults *self, guint index)
{
  const char *class_name = self->settings->sampling.class_name;
  gint seed = (gint) self->settings->sampling.seed + (gint) index;

  if (class_name != NULL && *class_name != '\0')
    return g_strdup_printf (_ ("%s, seed %d (%s)"), class_name, seed, self->result->model_name);
  return g_strdup_printf (_ ("seed %d (%s)"), seed, self->result->model_name);
}

/* [pixels, from_channels] to [pixels, to_channels], each 1 or 3. */
static void
convert (const float *from, gsize from_channels, gsize pixels, gsize to_channels, float *to)
{
  for (gsize i = 0; i < pixels; i++, from += from_channels)
    for (gsize c = 0; c < to_channels; c++)
      to[i * to_channels + c] = from_channels == to_channels ? from[c]
                                : from_channels == 1         ? *from
                                                             : (from[0] + from[1] + from[2]) / 3.0f;
}

static gboolean
fill_layer (const DiffusionResults *self, GimpLayer *layer, guint index, GError **error)
{
  const DiffusionEditResult *result = self->result;
  const Babl *format = gimp_drawable_get_format (GIMP_DRAWABLE (layer));
  const DiffusionSamples samples = diffusion_samples_get (format);
  gsize count = (gsize) result->width * result->height;
  g_autofree float *colors = g_new (float, count * samples.channels);
  g_autofree guint8 *pixels = g_malloc0_n (count, samples.count * samples.size);
  g_autoptr (GeglBuffer) buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (layer));

  if (!buffer)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("GIMP did not make a new layer."));
      return FALSE;
    }
  convert (result->pictures->pdata[index], result->channels, count, samples.channels, colors);
  diffusion_samples_write (&samples, colors, count, pixels);
  gegl_buffer_set (buffer, NULL, 0, format, pixels, GEGL_AUTO_ROWSTRIDE);
  gegl_buffer_flush (buffer);
  return TRUE;
}

/* The first picture ends up on top. */
static gboolean
add_pictures (DiffusionResults *self, GimpImage *image, GimpLayer *parent, gint position, gint x, gint y,
              GError **error)
{
  const DiffusionEditResult *result = self->result;
  GimpImageType type
      = gimp_image_get_base_type (image) == GIMP_GRAY ? GIMP_GRAY_IMAGE : GIMP_RGB_IMAGE;

  for (guint i = 0; i < result->done; i++)
    {
      g_autofree char *name = name_generated (self, i);
      GimpLayer *layer = gimp_layer_new (image, name, result->width, result->height, type, 100.0,
                                         gimp_image_get_default_new_layer_mode (image));

      /* Filled before it is in the image, which never has an empty one. */
      if (layer && !fill_layer (self, layer, i, error))
        {
          gimp_item_delete (GIMP_ITEM (layer));
          return FALSE;
        }
      if (!layer || !gimp_image_insert_layer (image, layer, parent, position + (gint) i))
        {
          g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("GIMP did not make a new layer."));
          return FALSE;
        }
      gimp_layer_set_offsets (layer, x, y);
      add (self, GIMP_DRAWABLE (layer), i, NULL, NULL, 0);
    }
  return TRUE;
}

GimpImage *
diffusion_results_new_image (DiffusionResults *self, GError **error)
{
  const DiffusionEditResult *result = self->result;
  GimpImage *image = gimp_image_new (result->width, result->height, result->channels == 1 ? GIMP_GRAY : GIMP_RGB);

  gimp_image_undo_disable (image);
  if (!add_pictures (self, image, NULL, 0, 0, 0, error))
    {
      gimp_image_delete (image);
      return NULL;
    }
  gimp_image_undo_enable (image);
  return image;
}

gboolean
diffusion_results_add_layers (DiffusionResults *self, GimpImage *image, GError **error)
{
  g_autofree GimpLayer **selected = gimp_image_get_selected_layers (image);
  GimpItem *above = selected && selected[0] ? GIMP_ITEM (selected[0]) : NULL;
  GimpItem *parent = above ? gimp_item_get_parent (above) : NULL;
  gint position = above ? gimp_image_get_item_position (image, above) : 0;
  gint x1 = 0, y1 = 0, x2 = gimp_image_get_width (image), y2 = gimp_image_get_height (image);
  gboolean any, done;

  gimp_selection_bounds (image, &any, &x1, &y1, &x2, &y2);
  gimp_image_undo_group_start (image);
  done = add_pictures (self, image, (GimpLayer *) parent, position, x1 + (x2 - x1 - self->result->width) / 2,
                       y1 + (y2 - y1 - self->result->height) / 2, error);
  if (!done)
    remove_layers (self, image);
  gimp_image_undo_group_end (image);
  return done;
}

static gboolean
write_picture (const DiffusionResults *self, DiffusionDrawable *drawable, guint index, GError **error)
{
  const DiffusionEditResult *result = self->result;
  g_autoptr (DiffusionPicture) picture = diffusion_drawable_open (drawable);
  gsize width = (gsize) result->width;
  g_autofree float *row = g_new (float, width * picture->channels);

  for (gint y = 0; y < result->height; y++)
    {
      const float *from = (const float *) result->pictures->pdata[index] + (gsize) y * width * result->channels;

      convert (from, result->channels, width, picture->channels, row);
      if (!picture->write (picture, 0, y, result->width, 1, row, error))
        return FALSE;
    }
  return TRUE;
}

/* As short as reads back as the same number. */
static const char *
format_lambda (char *buffer, double lambda)
{
  g_ascii_formatd (buffer, G_ASCII_DTOSTR_BUF_SIZE, "%.15g", lambda);
  return g_ascii_strtod (buffer, NULL) == lambda ? buffer : g_ascii_dtostr (buffer, G_ASCII_DTOSTR_BUF_SIZE, lambda);
}

gboolean
diffusion_results_add_between (DiffusionResults *self, GimpImage *image, GimpDrawable *layer, GimpDrawable *other,
                               GArray *lambdas, GError **error)
{
  const Source sources[] = { { DIFFUSION_REMEMBER_SOURCE, layer }, { DIFFUSION_REMEMBER_WITH, other } };
  g_autofree char *one = gimp_item_get_name (GIMP_ITEM (layer));
  g_autofree char *two = gimp_item_get_name (GIMP_ITEM (other));
  gboolean done = TRUE;

  gimp_image_undo_group_start (image);
  /* Each goes right above the layer, so the last comes first. */
  for (guint i = self->result->done; done && i-- > 0;)
    {
      g_autoptr (DiffusionDrawable) copy = diffusion_drawable_new (layer, error);
      char lambda[G_ASCII_DTOSTR_BUF_SIZE];
      g_autofree char *name
          = g_strdup_printf (_ ("%s – %s, %.6g %% (%s, t %.6g, seed %d)"), one, two,
                             100.0 * g_array_index (lambdas, double, i), self->result->model_name, self->result->t,
                             (gint) self->settings->sampling.seed);

      done = copy && write_picture (self, copy, i, error) && diffusion_drawable_commit_as_layer (copy, name, error);
      if (done)
        add (self, diffusion_drawable_get_drawable (copy), i,
             format_lambda (lambda, g_array_index (lambdas, double, i)), sources, G_N_ELEMENTS (sources));
    }
  /* In the order of their λ. */
  for (guint i = 0; i < self->layers->len / 2; i++)
    {
      gpointer swap = self->layers->pdata[i];

      self->layers->pdata[i] = self->layers->pdata[self->layers->len - 1 - i];
      self->layers->pdata[self->layers->len - 1 - i] = swap;
    }
  if (!done)
    remove_layers (self, image);
  gimp_image_undo_group_end (image);
  return done;
}
