/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies a drawable's pixels out of GIMP and back. */
#include "plugin/drawable-private.h"

#include <string.h>

#include "core/base/i18n.h"
#include "core/diffusion.h"

#define MAX_SAMPLES 4

static gboolean
is_locked (GimpDrawable *drawable)
{
  GimpItem *item = GIMP_ITEM (drawable);

  if (GIMP_IS_LAYER_MASK (item))
    item = GIMP_ITEM (gimp_layer_from_mask (GIMP_LAYER_MASK (item)));
  for (; item; item = gimp_item_get_parent (item))
    if (gimp_item_get_lock_content (item))
      return TRUE;
  return FALSE;
}

gboolean
diffusion_drawable_check (GimpDrawable *drawable, GimpImage *image, GError **error)
{
  const char *reason = NULL;
  g_autofree char *name = NULL;

  if (!gimp_item_is_valid (GIMP_ITEM (drawable)))
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("The layer does not exist any more."));
      return FALSE;
    }

  if (gimp_item_get_image (GIMP_ITEM (drawable)) != image)
    reason = _ ("“%s” is in another image.");
  else if (gimp_item_is_group (GIMP_ITEM (drawable)))
    reason = _ ("“%s” is a layer group. Choose the layers in it instead.");
  else if (GIMP_IS_SELECTION (drawable))
    reason = _ ("“%s” is the selection, not a layer.");
  else if (gimp_item_is_text_layer (GIMP_ITEM (drawable)))
    reason = _ ("“%s” is a text layer and has no pixels of its own. Discard its text information first.");
  else if (GIMP_IS_LAYER (drawable) && G_OBJECT_TYPE (drawable) != GIMP_TYPE_LAYER)
    reason = _ ("“%s” has no pixels of its own. Rasterize the layer first.");
  else if (gimp_drawable_is_indexed (drawable))
    reason = _ ("“%s” has indexed colors. Convert the image to RGB or grayscale first.");
  else if (is_locked (drawable))
    reason = _ ("The pixels of “%s” are locked.");

  if (!reason)
    return TRUE;

  name = gimp_item_get_name (GIMP_ITEM (drawable));
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED, reason, name);
  return FALSE;
}

/* The selection over the region. */
static GeglBuffer *
copy_mask (DiffusionDrawable *self)
{
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (self->drawable));
  g_autoptr (GeglBuffer) selection = NULL;
  GeglRectangle from = self->region;
  GeglBuffer *mask;
  gint x, y;

  if (gimp_selection_is_empty (image))
    return NULL;
  gimp_drawable_get_offsets (self->drawable, &x, &y);
  from.x += x;
  from.y += y;
  selection = gimp_drawable_get_buffer (GIMP_DRAWABLE (gimp_image_get_selection (image)));
  mask = gegl_buffer_new (&self->region, babl_format ("Y float"));
  gegl_buffer_copy (selection, &from, GEGL_ABYSS_NONE, mask, &self->region);
  return mask;
}

DiffusionDrawable *
diffusion_drawable_new (GimpDrawable *drawable, GError **error)
{
  g_autoptr (DiffusionDrawable) self = g_new0 (DiffusionDrawable, 1);
  g_autoptr (GeglBuffer) pixels = NULL;

  self->drawable = drawable;
  if (!gimp_drawable_mask_intersect (drawable, &self->region.x, &self->region.y, &self->region.width,
                                     &self->region.height) ||
      self->region.width < 1 || self->region.height < 1)
    {
      g_autofree char *name = gimp_item_get_name (GIMP_ITEM (drawable));

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("The selection does not touch “%s”."), name);
      return NULL;
    }

  pixels = gimp_drawable_get_buffer (drawable);
  if (!pixels)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("GIMP did not hand out the layer's pixels."));
      return NULL;
    }
  self->format = gimp_drawable_get_format (drawable);
  self->gray = gimp_drawable_is_gray (drawable);
  self->extent = *gegl_buffer_get_extent (pixels);
  self->source = gegl_buffer_new (&self->extent, self->format);
  gegl_buffer_copy (pixels, NULL, GEGL_ABYSS_NONE, self->source, NULL);
  self->mask = copy_mask (self);
  return g_steal_pointer (&self);
}

void
diffusion_drawable_free (DiffusionDrawable *self)
{
  if (!self)
    return;
  g_clear_object (&self->source);
  g_clear_object (&self->mask);
  g_clear_object (&self->result);
  g_free (self);
}

float *
diffusion_drawable_copy_mask (DiffusionDrawable *self)
{
  gsize pixels = (gsize) self->region.width * self->region.height;
  float *mask;

  if (!self->mask)
    return NULL;
  mask = g_new (float, pixels);
  gegl_buffer_get (self->mask, &self->region, 1.0, babl_format ("Y float"), mask, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  for (gsize i = 0; i < pixels; i++)
    mask[i] = mask[i] > 0.0f ? 1.0f : 0.0f;
  return mask;
}

gboolean
diffusion_drawable_is_whole (DiffusionDrawable *self)
{
  gsize pixels = (gsize) self->region.width * self->region.height;
  g_autofree float *mask = NULL;

  if (!gegl_rectangle_equal (&self->region, &self->extent))
    return FALSE;
  mask = diffusion_drawable_copy_mask (self);
  for (gsize i = 0; mask != NULL && i < pixels; i++)
    if (mask[i] <= 0.0f)
      return FALSE;
  return TRUE;
}

GimpDrawable *
diffusion_drawable_get_drawable (DiffusionDrawable *self)
{
  return self->drawable;
}

const GeglRectangle *
diffusion_drawable_get_extent (DiffusionDrawable *self)
{
  return &self->extent;
}

gint
diffusion_drawable_get_channels (DiffusionDrawable *self)
{
  return self->gray ? 1 : 3;
}

const GeglRectangle *
diffusion_drawable_get_region (DiffusionDrawable *self)
{
  return &self->region;
}

gboolean
diffusion_drawable_has_result (DiffusionDrawable *self)
{
  return self->result != NULL;
}

gsize
diffusion_drawable_get_bytes (DiffusionDrawable *self)
{
  gsize bytes = babl_format_get_bytes_per_pixel (self->format);

  return bytes * ((gsize) self->extent.width * self->extent.height + (gsize) self->region.width * self->region.height);
}

/* The samples of a pixel that may change: all, or what the user chose to edit of a layer; never alpha. */
static void
get_active (DiffusionDrawable *self, gboolean *active)
{
  static const GimpChannelType colors[] = { GIMP_CHANNEL_RED, GIMP_CHANNEL_GREEN, GIMP_CHANNEL_BLUE };
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (self->drawable));
  gint channels = self->gray ? 1 : 3;

  for (gint c = 0; c < MAX_SAMPLES; c++)
    active[c] = c < channels
                && (GIMP_IS_CHANNEL (self->drawable)
                    || gimp_image_get_component_active (image, self->gray ? GIMP_CHANNEL_GRAY : colors[c]));
}

/* GIMP blends through the selection in 32-bit floats of a space of its own, from which not every value comes back as it
 * was. What is entirely out or in is put back or put in as it is, and so is what is not to be edited at all; undo holds
 * the whole region from before the merge. */
static void
refine (DiffusionDrawable *self)
{
  g_autoptr (GeglBuffer) pixels = gimp_drawable_get_buffer (self->drawable);
  gint samples = babl_format_get_n_components (self->format), width = self->region.width;
  gsize bytes = babl_format_get_bytes_per_pixel (self->format), size = bytes / samples;
  g_autofree guint8 *before = g_malloc (width * bytes);
  g_autofree guint8 *result = g_malloc (width * bytes);
  g_autofree guint8 *merged = g_malloc (width * bytes);
  g_autofree guint8 *now = g_malloc (width * bytes);
  g_autofree float *mask = g_new (float, width);
  gboolean active[MAX_SAMPLES];

  get_active (self, active);
  for (gint row = 0; row < self->region.height; row++)
    {
      const GeglRectangle line = { self->region.x, self->region.y + row, width, 1 };

      gegl_buffer_get (self->source, &line, 1.0, self->format, before, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      gegl_buffer_get (self->result, &line, 1.0, self->format, result, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      gegl_buffer_get (pixels, &line, 1.0, self->format, merged, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      if (self->mask)
        gegl_buffer_get (self->mask, &line, 1.0, NULL, mask, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      memcpy (now, merged, width * bytes);
      for (gint i = 0; i < width; i++)
        for (gint c = 0; c < samples; c++)
          {
            gsize at = i * bytes + c * size;

            if (!active[c] || (self->mask && mask[i] <= 0.0f))
              memcpy (now + at, before + at, size);
            else if (!self->mask || mask[i] >= 1.0f)
              memcpy (now + at, result + at, size);
          }
      if (memcmp (now, merged, width * bytes) != 0)
        gegl_buffer_set (pixels, &line, 0, self->format, now, GEGL_AUTO_ROWSTRIDE);
    }
  gegl_buffer_flush (pixels);
}

/* In GIMP's window the layer can be painted on while this works. */
static gboolean
is_unchanged (DiffusionDrawable *self)
{
  g_autoptr (GeglBuffer) pixels = NULL;
  gsize bytes = babl_format_get_bytes_per_pixel (self->format) * self->region.width;
  g_autofree guint8 *before = g_malloc (bytes);
  g_autofree guint8 *now = g_malloc (bytes);

  if (!gimp_item_is_valid (GIMP_ITEM (self->drawable))
      || gimp_drawable_get_format (self->drawable) != self->format)
    return FALSE;
  pixels = gimp_drawable_get_buffer (self->drawable);
  if (!pixels || !gegl_rectangle_equal (gegl_buffer_get_extent (pixels), &self->extent))
    return FALSE;
  for (gint row = 0; row < self->region.height; row++)
    {
      const GeglRectangle line = { self->region.x, self->region.y + row, self->region.width, 1 };

      gegl_buffer_get (self->source, &line, 1.0, self->format, before, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      gegl_buffer_get (pixels, &line, 1.0, self->format, now, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      if (memcmp (before, now, bytes) != 0)
        return FALSE;
    }
  return TRUE;
}

/* Merged through another selection, what was never computed would go into the layer. */
static gboolean
is_selection_unchanged (DiffusionDrawable *self)
{
  g_autoptr (GeglBuffer) mask = NULL;
  gsize bytes = sizeof (float) * self->region.width;
  g_autofree guint8 *before = g_malloc (bytes);
  g_autofree guint8 *now = g_malloc (bytes);
  GeglRectangle region;

  if (!gimp_drawable_mask_intersect (self->drawable, &region.x, &region.y, &region.width, &region.height)
      || !gegl_rectangle_equal (&region, &self->region))
    return FALSE;
  mask = copy_mask (self);
  if (!mask || !self->mask)
    return !mask && !self->mask;
  for (gint row = 0; row < self->region.height; row++)
    {
      const GeglRectangle line = { self->region.x, self->region.y + row, self->region.width, 1 };

      gegl_buffer_get (self->mask, &line, 1.0, NULL, before, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      gegl_buffer_get (mask, &line, 1.0, NULL, now, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      if (memcmp (before, now, bytes) != 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
merge (DiffusionDrawable *self, GError **error)
{
  GeglBuffer *shadow = gimp_drawable_get_shadow_buffer (self->drawable);

  if (shadow)
    {
      gegl_buffer_copy (self->result, &self->region, GEGL_ABYSS_NONE, shadow, &self->region);
      gegl_buffer_flush (shadow);
      g_object_unref (shadow);
    }
  if (!shadow || !gimp_drawable_merge_shadow (self->drawable, TRUE))
    {
      g_autofree char *name = gimp_item_get_name (GIMP_ITEM (self->drawable));

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("GIMP did not accept the new pixels of “%s”."), name);
      return FALSE;
    }
  refine (self);
  gimp_drawable_update (self->drawable, self->region.x, self->region.y, self->region.width, self->region.height);
  return TRUE;
}

gboolean
diffusion_drawable_check_unchanged (DiffusionDrawable *self, GError **error)
{
  const char *reason = NULL;

  if (!is_unchanged (self))
    reason = _ ("The layer was changed while it was worked on; nothing was done to it.");
  else if (!is_selection_unchanged (self))
    reason = _ ("The selection was changed while the layer was worked on; nothing was done to it.");
  else
    return diffusion_drawable_check (self->drawable, gimp_item_get_image (GIMP_ITEM (self->drawable)), error);

  g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, reason);
  return FALSE;
}

gboolean
diffusion_drawable_commit (DiffusionDrawable *self, GError **error)
{
  /* Without noise to take away nothing is written. */
  return !self->result || merge (self, error);
}

gboolean
diffusion_drawable_commit_as_layer (DiffusionDrawable *self, const char *name, GError **error)
{
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (self->drawable));
  GimpItem *parent = gimp_item_get_parent (GIMP_ITEM (self->drawable));
  GimpLayer *copy;

  copy = gimp_layer_copy (GIMP_LAYER (self->drawable));
  if (!copy
      || !gimp_image_insert_layer (image, copy, (GimpLayer *) parent,
                                   gimp_image_get_item_position (image, GIMP_ITEM (self->drawable))))
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("GIMP did not make a new layer."));
      return FALSE;
    }
  gimp_item_set_name (GIMP_ITEM (copy), name);
  self->drawable = GIMP_DRAWABLE (copy);
  return !self->result || merge (self, error);
}
