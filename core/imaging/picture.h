/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture that is read and written by rectangles: image files and GIMP drawables look the same to the core. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DiffusionPicture DiffusionPicture;

/**
 * DiffusionPicture:
 * @width: columns, at least 1
 * @height: rows, at least 1
 * @channels: 1 (gray) or 3 (R'G'B'); alpha is kept by the picture itself
 * @bits: precision of a stored sample: 8, 16 or 32 (floating point)
 * @read: reads a rectangle that lies inside the picture as float, [height, width, channels], 0 to 1 for the
 *   range that integer formats can hold (floating-point pictures may exceed it), in the picture's own colour
 *   space and with its own tone curve
 * @write: writes such a rectangle; nothing outside it changes. %NULL when the picture can only be read. What
 *   was written does not show in @read, which goes on giving the original
 * @read_alpha: (nullable): reads how opaque a rectangle that lies inside the picture is, [height, width], 0 to 1; %NULL
 *   when all of it is opaque. The colours of what cannot be seen tell nothing about the picture
 * @destroy: frees the picture and what belongs to it; may be %NULL
 *
 * @read, @write and @read_alpha are called from one thread at a time. They return %FALSE with an error when a file, a
 * buffer or the program behind it fails.
 */
struct _DiffusionPicture
{
  gint width;
  gint height;
  gint channels;
  gint bits;

  gboolean (*read) (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out,
                    GError **error);
  gboolean (*write) (DiffusionPicture *picture, gint x, gint y, gint width, gint height, const float *in,
                     GError **error);
  gboolean (*read_alpha) (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out,
                          GError **error);
  void (*destroy) (DiffusionPicture *picture);
};

/** DiffusionPictureOpenFunc: opens the image file @path for reading, or returns %NULL with @error set. */
typedef DiffusionPicture *(*DiffusionPictureOpenFunc) (const char *path, GError **error);

/** diffusion_picture_free: frees a picture; %NULL is allowed. */
void diffusion_picture_free (DiffusionPicture *picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionPicture, diffusion_picture_free)

/**
 * diffusion_picture_new_memory:
 * @width: columns
 * @height: rows
 * @channels: 1 or 3
 * @in: (transfer none): [height, width, channels] float that @read gives; must outlive the picture
 * @out: (transfer none) (nullable): as large, what @write changes; %NULL for a picture that can only be read
 *
 * Returns: (transfer full): a picture over blocks of memory
 */
DiffusionPicture *diffusion_picture_new_memory (gint width, gint height, gint channels, const float *in, float *out);

/** diffusion_picture_reflect: the row or column that stands for position @i of a picture of @n, which is continued by
 * reflection at its first and last one, as often as it takes. */
gint diffusion_picture_reflect (gint i, gint n);

/**
 * diffusion_picture_read_around:
 * @picture: a picture
 * @x: left edge; the rectangle may reach out of the picture, which is continued by reflection
 * @y: top edge
 * @width: columns
 * @height: rows
 * @out: (out caller-allocates): [height, width, 3]; gray is given three times, what is not finite as 0
 */
gboolean diffusion_picture_read_around (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out,
                                        GError **error);

/**
 * diffusion_picture_read_alpha_around:
 * @out: (out caller-allocates): [height, width], 1 everywhere where the picture has no alpha
 *
 * How opaque the pixels are that diffusion_picture_read_around() gives.
 */
gboolean diffusion_picture_read_alpha_around (DiffusionPicture *picture, gint x, gint y, gint width, gint height,
                                              float *out, GError **error);

G_END_DECLS
