/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user selected to work on, as copies. */
#include "plugin/drawables.h"

#include "core/base/i18n.h"

GPtrArray *
diffusion_drawables_copy (GimpImage *image, GimpDrawable **drawables, GError **error)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  g_autoptr (GPtrArray) copies = g_ptr_array_new_with_free_func ((GDestroyNotify) diffusion_drawable_free);

  for (guint i = 0; drawables != NULL && drawables[i] != NULL; i++)
    if (!g_ptr_array_find (items, drawables[i], NULL))
      g_ptr_array_add (items, drawables[i]);
  if (items->len == 0)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("No layer is selected."));
      return NULL;
    }
  for (guint i = 0; i < items->len; i++)
    if (!diffusion_drawable_check (items->pdata[i], image, error))
      return NULL;
  for (guint i = 0; i < items->len; i++)
    {
      DiffusionDrawable *copy = diffusion_drawable_new (items->pdata[i], error);

      if (copy == NULL)
        return NULL;
      g_ptr_array_add (copies, copy);
    }
  return g_steal_pointer (&copies);
}

gboolean
diffusion_items_are_layers (GimpDrawable **items)
{
  for (guint i = 0; items != NULL && items[i] != NULL; i++)
    if (!GIMP_IS_LAYER (items[i]))
      return FALSE;
  return TRUE;
}

gboolean
diffusion_drawables_check_layers (GPtrArray *drawables, GError **error)
{
  for (guint i = 0; i < drawables->len; i++)
    {
      GimpDrawable *drawable = diffusion_drawable_get_drawable (drawables->pdata[i]);

      if (!GIMP_IS_LAYER (drawable))
        {
          g_autofree char *name = gimp_item_get_name (GIMP_ITEM (drawable));

          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _ ("“%s” is not a layer, so the result cannot go into a new layer."), name);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
diffusion_drawables_check_pair (GPtrArray *drawables, GError **error)
{
  const GeglRectangle *a = diffusion_drawable_get_extent (drawables->pdata[0]);
  const GeglRectangle *b = diffusion_drawable_get_extent (drawables->pdata[1]);

  if (!diffusion_drawables_check_layers (drawables, error))
    return FALSE;
  if (a->width == b->width && a->height == b->height)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _ ("The layers have %d×%d and %d×%d pixels; both must be of one size"), a->width, a->height, b->width,
               b->height);
  return FALSE;
}
