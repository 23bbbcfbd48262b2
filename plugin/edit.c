/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generate, regenerate and interpolate compute. */
#include "plugin/edit.h"

#include <string.h>

#include "core/base/i18n.h"
#include "plugin/part-picture.h"

typedef struct
{
  const DiffusionEdit *edit;
  DiffusionProgressShare share; /* of the picture that is worked on */
  gint channels;
} Item;

void
diffusion_edit_result_clear (DiffusionEditResult *result)
{
  g_clear_pointer (&result->pictures, g_ptr_array_unref);
  g_clear_pointer (&result->model_path, g_free);
  g_clear_pointer (&result->model_name, g_free);
  g_clear_pointer (&result->model_hash, g_free);
}

static gboolean
is_finished (const DiffusionEdit *edit)
{
  return edit->finish != NULL && g_cancellable_is_cancelled (edit->finish);
}

/* Whether the user stopped before anything of this picture was there, and the earlier ones are the result. */
static gboolean
is_kept_without (const DiffusionEdit *edit, const DiffusionEditResult *result, GError **error, GError *problem)
{
  if (result->done > 0 && is_finished (edit) && g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (problem);
      return TRUE;
    }
  g_propagate_error (error, problem);
  return FALSE;
}

static void
set_item (const DiffusionEdit *edit, Item *item, guint index, guint count)
{
  item->share.before = (double) index / count;
  item->share.part = 1.0 / count;
  if (edit->view != NULL)
    diffusion_run_view_set_item (edit->view, index, count);
}

static gboolean
prepare (const DiffusionEdit *edit, gsize n, Item *item, DiffusionEditor *editor, GError **error)
{
  if (!diffusion_sampling_prepare (edit->sampling, &edit->settings->sampling, n, error))
    return FALSE;
  *editor = *diffusion_sampling_get_editor (edit->sampling);
  editor->cancellable = edit->cancellable;
  editor->finish = edit->finish;
  *item = (Item) { edit, { edit->progress, edit->progress_data, 0.0, 1.0 }, 0 };
  editor->progress = diffusion_progress_share;
  editor->progress_data = &item->share;
  return TRUE;
}

static gboolean
choose_t (const DiffusionEdit *edit, gboolean whole, const DiffusionEditor *editor, double *t, GError **error)
{
  const DiffusionSettings *settings = edit->settings;

  if (whole)
    *t = (double) editor->schedule->steps - 1.0;
  return whole || diffusion_sampling_check_t (edit->sampling, settings->t, settings->strength, NULL, t, error);
}

/* What layers remember; the hash is read here, where nobody waits for it. */
static gboolean
finish_result (const DiffusionEdit *edit, const DiffusionEditor *editor, double t, DiffusionEditResult *result,
               GError **error)
{
  DiffusionModel *model = diffusion_sampling_get_model (edit->sampling);

  result->stopped = is_finished (edit);
  result->sampler = diffusion_sampling_get_sampler (edit->sampling);
  result->steps = editor->steps;
  result->t = t + 1.0;
  result->model_path = g_strdup (diffusion_model_get_path (model));
  result->model_name = g_strdup (diffusion_model_get_name (model));
  /* What the user stopped is not held up by this. */
  result->model_hash = diffusion_model_get_hash (model, NULL, error);
  return result->model_hash != NULL;
}

static gboolean
is_watched (const DiffusionEdit *edit)
{
  return edit->view != NULL || edit->show != NULL;
}

static void
show_regenerated (const DiffusionPicturePreview *preview, gpointer data)
{
  const Item *item = data;
  const DiffusionEdit *edit = item->edit;

  if (edit->view != NULL)
    diffusion_run_view_set_step (edit->view, preview->step, preview->steps, preview->colors, item->channels,
                                 preview->width, preview->height);
  if (edit->show != NULL)
    edit->show (preview, edit->show_data);
}

static gboolean
regenerate (const DiffusionEdit *edit, const DiffusionEditor *editor, Item *item, double t,
            DiffusionDrawable *drawable, GError **error)
{
  const GeglRectangle *area = diffusion_drawable_get_region (drawable);
  const gint region[4] = { area->x, area->y, area->width, area->height };
  g_autoptr (DiffusionPicture) picture = diffusion_drawable_open (drawable);
  g_autofree float *mask = diffusion_drawable_copy_mask (drawable);
  const DiffusionPictureRegeneration regeneration = {
    .t = t,
    .region = region,
    .mask = mask,
    .jump_length = (guint) edit->settings->jump_length,
    .jump_count = (guint) edit->settings->jump_count,
    .preview = is_watched (edit) ? show_regenerated : NULL,
    .preview_data = item,
  };

  item->channels = picture->channels;
  return diffusion_regenerate_picture (editor, picture, &regeneration, error);
}

gboolean
diffusion_edit_regenerate (const DiffusionEdit *edit, gboolean whole, GPtrArray *drawables, DiffusionEditResult *result,
                           GError **error)
{
  DiffusionEditor editor;
  GError *problem = NULL;
  Item item;
  double t;

  if (!prepare (edit, 1, &item, &editor, error) || !choose_t (edit, whole, &editor, &t, error))
    return FALSE;
  editor.circular = edit->settings->seamless;
  for (; result->done < drawables->len && !is_finished (edit); result->done++)
    {
      set_item (edit, &item, result->done, drawables->len);
      if (regenerate (edit, &editor, &item, t, drawables->pdata[result->done], &problem))
        continue;
      if (!is_kept_without (edit, result, error, problem))
        return FALSE;
      break;
    }
  return finish_result (edit, &editor, t, result, error);
}

gboolean
diffusion_edit_regenerate_part (const DiffusionEdit *edit, gboolean whole, DiffusionDrawable *drawable,
                                const GeglRectangle *area, float *colors, GError **error)
{
  const GeglRectangle *all = diffusion_drawable_get_region (drawable);
  g_autoptr (DiffusionPicture) from = diffusion_drawable_open (drawable);
  g_autofree float *mask = diffusion_drawable_copy_mask (drawable);
  g_autofree float *part = mask != NULL ? g_new (float, (gsize) area->width * area->height) : NULL;
  const gint region[4] = { area->x, area->y, area->width, area->height };
  g_autoptr (DiffusionPicture) picture = diffusion_part_picture_new (from, area, colors);
  DiffusionPictureRegeneration regeneration = {
    .region = region,
    .mask = part,
    .jump_length = (guint) edit->settings->jump_length,
    .jump_count = (guint) edit->settings->jump_count,
    .preview = edit->show,
    .preview_data = edit->show_data,
  };
  DiffusionEditor editor;
  Item item;

  if (!prepare (edit, 1, &item, &editor, error) || !choose_t (edit, whole, &editor, &regeneration.t, error))
    return FALSE;
  /* Of a part only the edges that the whole has belong together. */
  editor.circular = edit->settings->seamless && gegl_rectangle_equal (area, diffusion_drawable_get_extent (drawable));
  for (gint y = 0; part != NULL && y < area->height; y++)
    memcpy (part + (gsize) y * area->width,
            mask + (gsize) (area->y - all->y + y) * all->width + (area->x - all->x), area->width * sizeof (float));
  return from->read (from, area->x, area->y, area->width, area->height, colors, error)
         && diffusion_regenerate_picture (&editor, picture, &regeneration, error);
}

static void
show_generated (const DiffusionPreview *preview, gpointer data)
{
  Item *item = data;
  gsize pixels = preview->height * preview->width;
  g_autofree float *colors = g_try_new (float, pixels * preview->channels);
  DiffusionPicturePreview shown
      = { preview->step, preview->steps, 0, 0, (gint) preview->width, (gint) preview->height, colors };

  if (colors == NULL)
    return;
  item->channels = (gint) preview->channels;
  diffusion_picture_from_model (preview->x0, preview->channels, pixels, preview->channels, colors);
  show_regenerated (&shown, item);
}

/* [height, width, channels] of the model becomes a picture of its own, limited to 0 to 1. */
static void
add_picture (DiffusionEditResult *result, const float *values)
{
  gsize pixels = (gsize) result->width * result->height, channels = result->channels;
  float *picture = g_new (float, pixels * channels);

  diffusion_picture_from_model (values, channels, pixels, channels, picture);
  for (gsize i = 0; i < pixels * channels; i++)
    picture[i] = CLAMP (picture[i], 0.0f, 1.0f);
  g_ptr_array_add (result->pictures, picture);
  result->done++;
}

gboolean
diffusion_edit_generate (const DiffusionEdit *edit, DiffusionEditResult *result, GError **error)
{
  const DiffusionSettings *settings = edit->settings;
  DiffusionEditor editor;
  GError *problem = NULL;
  Item item;
  float *values;
  gboolean done = TRUE;

  if (!prepare (edit, 1, &item, &editor, error)
      || !diffusion_picture_check_channels (editor.predictor->channels, error))
    return FALSE;
  if (editor.predictor->condition_channels > 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _ ("model: %s makes pictures larger, expected one that makes them from noise"),
                   settings->sampling.model);
      return FALSE;
    }
  if (!diffusion_settings_get_size (settings, editor.predictor->native, &result->width, &result->height, error))
    return FALSE;
  result->channels = (gint) editor.predictor->channels;
  values = diffusion_try_alloc ((gsize) result->width * result->height * result->channels * sizeof (float),
                                _ ("the picture"), error);
  if (values == NULL)
    return FALSE;
  result->pictures = g_ptr_array_new_with_free_func (g_free);
  editor.circular = settings->seamless;
  editor.preview = is_watched (edit) ? show_generated : NULL;
  editor.preview_data = &item;
  for (gint i = 0; done && i < settings->count && !is_finished (edit); i++)
    {
      gboolean made;

      set_item (edit, &item, (guint) i, (guint) settings->count);
      editor.seed = (guint64) settings->sampling.seed + (guint64) i;
      made = diffusion_generate (&editor, 1, (gsize) result->height, (gsize) result->width, values, &problem);
      if (made)
        add_picture (result, values);
      done = made || is_kept_without (edit, result, error, problem);
    }
  diffusion_free (values);
  return done && finish_result (edit, &editor, (double) editor.schedule->steps - 1.0, result, error);
}

static gboolean
read_for_model (DiffusionDrawable *drawable, gsize channels, float *values, GError **error)
{
  g_autoptr (DiffusionPicture) picture = diffusion_drawable_open (drawable);
  gsize pixels = (gsize) picture->width * picture->height;
  g_autofree float *samples = g_try_new (float, pixels * picture->channels);

  if (samples == NULL)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _ ("Not enough memory for the picture."));
      return FALSE;
    }
  if (!picture->read (picture, 0, 0, picture->width, picture->height, samples, error))
    return FALSE;
  diffusion_picture_to_model (samples, picture->channels, pixels, channels, values);
  return TRUE;
}

gboolean
diffusion_edit_interpolate (const DiffusionEdit *edit, DiffusionDrawable *a, DiffusionDrawable *b,
                            DiffusionEditResult *result, GError **error)
{
  const GeglRectangle *extent = diffusion_drawable_get_extent (a);
  g_autoptr (GArray) lambdas = diffusion_settings_get_lambdas (edit->settings, error);
  DiffusionInterpolation interpolation = { 0 };
  DiffusionEditor editor;
  Item item;
  gsize size;
  float *values;
  gboolean done;

  if (lambdas == NULL || !diffusion_settings_get_noise (edit->settings, &interpolation.type, error)
      || !prepare (edit, lambdas->len, &item, &editor, error)
      || !diffusion_picture_check_channels (editor.predictor->channels, error)
      || !choose_t (edit, FALSE, &editor, &interpolation.t, error))
    return FALSE;
  set_item (edit, &item, 0, 1);
  result->width = extent->width;
  result->height = extent->height;
  result->channels = (gint) editor.predictor->channels;
  size = (gsize) result->width * result->height * result->channels;
  values = diffusion_try_alloc ((lambdas->len + 2) * size * sizeof (float), _ ("the pictures"), error);
  if (values == NULL)
    return FALSE;
  interpolation.lambdas = (const double *) (gconstpointer) lambdas->data;
  interpolation.a = values + lambdas->len * size;
  interpolation.b = values + (lambdas->len + 1) * size;
  editor.preview = is_watched (edit) ? show_generated : NULL;
  editor.preview_data = &item;
  result->pictures = g_ptr_array_new_with_free_func (g_free);
  done = read_for_model (a, result->channels, values + lambdas->len * size, error)
         && read_for_model (b, result->channels, values + (lambdas->len + 1) * size, error)
         && diffusion_interpolate (&editor, &interpolation, lambdas->len, (gsize) result->height,
                                   (gsize) result->width, values, error);
  for (guint i = 0; done && i < lambdas->len; i++)
    add_picture (result, values + i * size);
  diffusion_free (values);
  return done && finish_result (edit, &editor, interpolation.t, result, error);
}

static DiffusionEditCost
cost_of_drawables (const DiffusionEdit *edit, const DiffusionEditor *editor, double t, GPtrArray *drawables,
                   const GeglRectangle *only)
{
  DiffusionEditCost cost = { 0 };
  gsize height = 0, width = 0;

  for (guint i = 0; i < (only != NULL ? 1 : drawables->len); i++)
    {
      const GeglRectangle *extent = diffusion_drawable_get_extent (drawables->pdata[i]);
      const GeglRectangle *region = only != NULL ? only : diffusion_drawable_get_region (drawables->pdata[i]);
      const gint area[4] = { region->x, region->y, region->width, region->height };
      const DiffusionPictureRegeneration regeneration = { .t = t,
                                                          .region = area,
                                                          .jump_length = (guint) edit->settings->jump_length,
                                                          .jump_count = (guint) edit->settings->jump_count };

      cost.work += diffusion_regenerate_picture_work (editor, extent->width, extent->height, &regeneration);
      height = MAX (height, (gsize) region->height);
      width = MAX (width, (gsize) region->width);
    }
  cost.bytes = (double) diffusion_sampling_get_memory (edit->sampling, 1, height, width);
  return cost;
}

static DiffusionEditCost
cost_of_pictures (const DiffusionEdit *edit, const DiffusionEditor *editor, double t, gint width, gint height,
                  guint at_once, guint count)
{
  double native = (double) editor->predictor->native;
  double pixels = native > 0 ? native * native : (double) width * height;

  return (DiffusionEditCost) {
    .work = pixels * count * (double) diffusion_editor_evaluations (editor, t, NULL, (gsize) height, (gsize) width),
    .bytes = (double) diffusion_sampling_get_memory (edit->sampling, at_once, (gsize) height, (gsize) width),
  };
}

DiffusionEditCost
diffusion_edit_cost (const DiffusionEdit *edit, gboolean whole, GPtrArray *drawables, const GeglRectangle *area)
{
  const DiffusionSettings *settings = edit->settings;
  DiffusionEditor editor = *diffusion_sampling_get_editor (edit->sampling);
  g_autoptr (GArray) lambdas = NULL;
  double t = (double) editor.schedule->steps - 1.0;
  const GeglRectangle *extent;
  gint width, height;

  editor.circular = settings->seamless
                    && (area == NULL || gegl_rectangle_equal (area, diffusion_drawable_get_extent (drawables->pdata[0])));
  if (drawables == NULL)
    return diffusion_settings_get_size (settings, editor.predictor->native, &width, &height, NULL)
               ? cost_of_pictures (edit, &editor, t, width, height, 1, (guint) settings->count)
               : (DiffusionEditCost) { 0 };
  if (!choose_t (edit, whole, &editor, &t, NULL))
    return (DiffusionEditCost) { 0 };
  if (settings->lambda == NULL)
    return cost_of_drawables (edit, &editor, t, drawables, area);
  lambdas = diffusion_settings_get_lambdas (settings, NULL);
  extent = diffusion_drawable_get_extent (drawables->pdata[0]);
  return lambdas != NULL
             ? cost_of_pictures (edit, &editor, t, extent->width, extent->height, lambdas->len, lambdas->len)
             : (DiffusionEditCost) { 0 };
}
