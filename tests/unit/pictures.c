/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Image files: precision, alpha, profile, damage, full disks. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <gegl-plugin.h>
#include <gegl.h>
#include <glib/gstdio.h>

#include "core/diffusion.h"
#include "core/pictures/pictures.h"

#include "../folder.h"

static char *folder;

static char *
in_folder (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

/* Values that 8 bits cannot hold, and that the format holds exactly. */
static void
fill (float *pixels, gint width, gint height, gint channels, gint bits)
{
  float top = bits == 8 ? 255.0f : 65535.0f;

  for (gint i = 0; i < width * height * channels; i++)
    pixels[i] = bits == 32 ? (float) ((i * 37) % 101) / 80 - 0.1f : (float) ((i * 1237) % ((int) top + 1)) / top;
}

static void
test_round_trip (void)
{
  static const struct
  {
    const char *name;
    gint channels, bits, read_bits;
    float tolerance;
  } cases[] = { { "a.png", 3, 8, 8, 1e-6f },   { "b.png", 3, 16, 16, 1e-6f }, { "c.png", 1, 8, 8, 1e-6f },
                { "d.png", 1, 16, 16, 1e-6f }, { "e.tif", 3, 8, 8, 1e-6f },   { "f.tiff", 3, 16, 16, 1e-6f },
                { "g.tif", 3, 32, 32, 1e-6f }, { "h.tif", 1, 16, 16, 1e-6f }, { "i.tif", 1, 32, 32, 1e-6f },
                { "j.jpg", 3, 8, 8, 0.2f },    { "k.jpeg", 1, 8, 8, 0.2f },   { "l.webp", 3, 8, 8, 0.2f },
                { "m.png", 3, 32, 16, 0.3f } };
  enum { W = 61, H = 43 };
  float pixels[W * H * 3], read[W * H * 3];

  for (gsize k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = in_folder (cases[k].name);
      g_autoptr (DiffusionPicture) made = diffusion_pictures_new (W, H, cases[k].channels, cases[k].bits, &error);
      g_autoptr (DiffusionPicture) back = NULL;
      gint n = W * H * cases[k].channels;

      g_assert_no_error (error);
      if (cases[k].tolerance > 1e-5f && cases[k].bits == 8) /* lossy: something smooth */
        for (gint i = 0; i < n; i++)
          pixels[i] = (float) (i / cases[k].channels % W) / W;
      else
        fill (pixels, W, H, cases[k].channels, cases[k].bits);
      g_assert_true (made->write (made, 0, 0, W, H, pixels, &error));
      diffusion_pictures_save (made, path, &error);
      g_assert_no_error (error);
      back = diffusion_pictures_open (path, &error);
      g_assert_no_error (error);
      g_test_message ("%s: %d×%d, %d channels, %d bits", cases[k].name, back->width, back->height, back->channels, back->bits);
      g_assert_cmpint (back->width, ==, W);
      g_assert_cmpint (back->height, ==, H);
      g_assert_cmpint (back->channels, ==, cases[k].channels);
      g_assert_cmpint (back->bits, ==, cases[k].read_bits);
      g_assert_true (back->read (back, 0, 0, W, H, read, &error));
      for (gint i = 0; i < n; i++)
        g_assert_cmpfloat (fabsf (read[i] - pixels[i]), <=, cases[k].tolerance);
      /* A rectangle is the same pixels. */
      {
        float part[10 * 5 * 3];

        g_assert_true (back->read (back, 7, 11, 10, 5, part, &error));
        for (gint row = 0; row < 5; row++)
          g_assert_cmpmem (part + row * 10 * back->channels, 10 * sizeof (float) * (gsize) back->channels,
                           read + ((11 + row) * W + 7) * back->channels, 10 * sizeof (float) * (gsize) back->channels);
      }
    }
}

/* Colour changes, alpha and the profile do not, and reads go on giving the file as it was. */
static void
test_alpha_and_profile (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = in_folder ("alpha.png"), *after = in_folder ("alpha-after.png");
  const Babl *format = babl_format_with_space ("R'G'B'A u16", babl_space ("Adobish"));
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 20, 10), format);
  g_autoptr (GeglNode) graph = gegl_node_new ();
  GeglNode *source, *save;
  guint16 pixels[20 * 10 * 4], result[20 * 10 * 4];
  float colour[20 * 4 * 3];
  g_autoptr (DiffusionPicture) picture = NULL, back = NULL;
  g_autoptr (GeglNode) second = gegl_node_new ();
  GeglNode *load;
  int length_before, length_after;
  const char *icc_before, *icc_after;
  const Babl *stored;

  for (int i = 0; i < 20 * 10 * 4; i++)
    pixels[i] = (guint16) (i * 811);
  pixels[3] = 0; /* an invisible pixel keeps its colour */
  gegl_buffer_set (buffer, NULL, 0, format, pixels, GEGL_AUTO_ROWSTRIDE);
  source = gegl_node_new_child (graph, "operation", "gegl:buffer-source", "buffer", buffer, NULL);
  save = gegl_node_new_child (graph, "operation", "gegl:png-save", "path", path, "bitdepth", 16, NULL);
  gegl_node_link (source, save);
  gegl_node_process (save);

  picture = diffusion_pictures_open (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (picture->channels, ==, 3);
  g_assert_cmpint (picture->bits, ==, 16);
  g_assert_true (picture->read (picture, 0, 3, 20, 4, colour, &error));
  /* The file's own space: no conversion on the way. */
  g_assert_cmpfloat (fabsf (colour[0] - pixels[20 * 3 * 4] / 65535.0f), <, 1e-5f);
  for (int i = 0; i < 20 * 4 * 3; i++)
    colour[i] = 1 - colour[i];
  g_assert_true (picture->write (picture, 0, 3, 20, 4, colour, &error));
  diffusion_pictures_save (picture, after, &error);
  g_assert_no_error (error);

  load = gegl_node_new_child (second, "operation", "gegl:png-load", "path", after, NULL);
  gegl_node_blit (load, 1.0, GEGL_RECTANGLE (0, 0, 20, 10), NULL, NULL, GEGL_AUTO_ROWSTRIDE, GEGL_BLIT_DEFAULT);
  stored = gegl_operation_get_format (gegl_node_get_gegl_operation (load), "output");
  g_assert_true (babl_format_get_type (stored, 0) == babl_type ("u16"));
  gegl_node_blit (load, 1.0, GEGL_RECTANGLE (0, 0, 20, 10), stored, result, GEGL_AUTO_ROWSTRIDE, GEGL_BLIT_DEFAULT);
  for (int i = 0; i < 20 * 10 * 4; i++)
    {
      gboolean inside = i / 80 >= 3 && i / 80 < 7;

      if (i % 4 == 3 || !inside)
        g_assert_cmpuint (result[i], ==, pixels[i]);
      else
        g_assert_cmpuint (result[i], ==, 65535 - pixels[i]);
    }
  icc_before = babl_space_get_icc (babl_format_get_space (format), &length_before);
  icc_after = babl_space_get_icc (babl_format_get_space (stored), &length_after);
  g_assert_cmpmem (icc_before, length_before, icc_after, length_after);
}

/* Exif is carried from JPEG to JPEG, byte for byte. */
static void
test_exif (void)
{
  static const guint8 exif[] = { 0xFF, 0xE1, 0, 18, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = in_folder ("exif.jpg"), *after = in_folder ("exif-after.jpg"), *contents = NULL;
  g_autoptr (GByteArray) with = g_byte_array_new ();
  g_autoptr (DiffusionPicture) picture = NULL;
  gsize length;

  picture = diffusion_pictures_new (16, 16, 3, 8, &error);
  g_assert_true (diffusion_pictures_save (picture, path, &error));
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_byte_array_append (with, (const guint8 *) contents, 2);
  g_byte_array_append (with, exif, sizeof exif);
  g_byte_array_append (with, (const guint8 *) contents + 2, (guint) length - 2);
  g_assert_true (g_file_set_contents (path, (const char *) with->data, with->len, NULL));
  g_clear_pointer (&picture, diffusion_picture_free);
  g_clear_pointer (&contents, g_free);

  picture = diffusion_pictures_open (path, &error);
  g_assert_no_error (error);
  g_assert_true (diffusion_pictures_save (picture, after, &error));
  g_assert_true (g_file_get_contents (after, &contents, &length, NULL));
  g_assert_nonnull (memmem (contents, length, exif, sizeof exif));
}

/* However the camera was held, the picture is upright, and does not say otherwise any more. */
static void
test_orientation (void)
{
  /* Where the corners of what was seen are in the file: left above, right above, left below. */
  static const char *const corners[] = { "abc", "bad", "dcb", "cda", "acb", "cad", "dbc", "bda" };
  guint8 exif[] = { 0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
                    0x12, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
  enum { WIDTH = 48, HEIGHT = 32, VALUE = 28 };
  g_autofree char *path = in_folder ("held.jpg"), *turned = in_folder ("held.png"), *after = in_folder ("held-after.jpg");
  g_autofree float *pixels = g_new (float, WIDTH * HEIGHT);
  g_autofree char *plain = NULL;
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (WIDTH, HEIGHT, 1, 8, NULL);
  gsize length;

  /* a b
   * c d */
  for (gint y = 0; y < HEIGHT; y++)
    for (gint x = 0; x < WIDTH; x++)
      pixels[y * WIDTH + x] = 0.2f + 0.2f * (float) (x / (WIDTH / 2) + y / (HEIGHT / 2) * 2);
  g_assert_true (picture->write (picture, 0, 0, WIDTH, HEIGHT, pixels, NULL));
  g_assert_true (diffusion_pictures_save (picture, path, NULL));
  g_assert_true (g_file_get_contents (path, &plain, &length, NULL));
  for (guint8 orientation = 1; orientation <= 8; orientation++)
    {
      g_autoptr (GByteArray) with = g_byte_array_new ();
      g_autoptr (DiffusionPicture) held = NULL;
      gint width = orientation < 5 ? WIDTH : HEIGHT, height = WIDTH + HEIGHT - width;

      exif[VALUE] = orientation;
      g_byte_array_append (with, (const guint8 *) plain, 2);
      g_byte_array_append (with, exif, sizeof exif);
      g_byte_array_append (with, (const guint8 *) plain + 2, (guint) length - 2);
      g_assert_true (g_file_set_contents (path, (const char *) with->data, with->len, NULL));
      held = diffusion_pictures_open (path, NULL);
      g_assert_true (diffusion_pictures_save (held, turned, NULL) && diffusion_pictures_save (held, after, NULL));
      for (gint k = 0; k < 3; k++)
        {
          g_autoptr (DiffusionPicture) again = diffusion_pictures_open (k == 0 ? path : k == 1 ? turned : after, NULL);

          g_assert_cmpint (again->width, ==, width);
          g_assert_cmpint (again->height, ==, height);
          for (gint corner = 0; corner < 3; corner++)
            {
              float value;

              g_assert_true (again->read (again, corner % 2 * (width - 8) + 4, corner / 2 * (height - 8) + 4, 1, 1, &value, NULL));
              g_assert_cmpfloat_with_epsilon (value, 0.2f + 0.2f * (float) (corners[orientation - 1][corner] - 'a'), 0.02);
            }
        }
    }
}

/* The simulation for training agrees with libjpeg up to the rounding of its integer arithmetic. */
static void
test_simulated_jpeg (void)
{
  enum { W = 70, H = 53 };
  const DiffusionStream noise = { 3, DIFFUSION_PURPOSE_NOISE, 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = in_folder ("simulated.jpg");
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (W, H, 3, 8, &error), back = NULL;
  float pixels[W * H * 3], unit[W * H * 3], read[W * H * 3];
  double difference = 0, change = 0;

  diffusion_random_normal_fill (&noise, 0, 0, W, H, 3, pixels);
  for (gint i = 0; i < W * H * 3; i++)
    {
      pixels[i] = pixels[i] * 0.1f + sinf ((float) (i / 3 % W) / 5) * 0.5f + (float) (i % 3) * 0.1f;
      unit[i] = 0.5f + 0.5f * pixels[i];
    }
  g_assert_true (picture->write (picture, 0, 0, W, H, unit, &error));
  g_assert_true (diffusion_pictures_save (picture, path, &error));
  back = diffusion_pictures_open (path, &error);
  g_assert_no_error (error);
  g_assert_true (back->read (back, 0, 0, W, H, read, &error));
  diffusion_jpeg_round_trip (pixels, H, W, 0, 0, 95, DIFFUSION_JPEG_444);
  for (gint i = 0; i < W * H * 3; i++)
    {
      difference += pow ((read[i] - 0.5f - 0.5f * pixels[i]) * 255, 2) / (W * H * 3);
      change += pow ((unit[i] - 0.5f - 0.5f * pixels[i]) * 255, 2) / (W * H * 3);
    }
  g_test_message ("JPEG changes by %.2f, the simulation differs by %.2f", sqrt (change), sqrt (difference));
  /* A coefficient in a hundred lies so close to the middle between two steps that integer arithmetic takes the
   * other one; another table or another grid would make both equally large. */
  g_assert_cmpfloat (sqrt (difference), <, 0.4 * sqrt (change));
}

static void
assert_unreadable (const char *path, gint code, const char *why)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (diffusion_pictures_open (path, &error));
  g_assert_error (error, DIFFUSION_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  if (why != NULL)
    g_assert_nonnull (strstr (error->message, why));
}

static void
test_damage (void)
{
  static const char *const files[] = { "b.png", "f.tiff", "j.jpg", "l.webp" };
  g_autofree char *missing = in_folder ("missing.png"), *text = in_folder ("text.png"), *empty = in_folder ("empty.png");

  assert_unreadable (missing, DIFFUSION_ERROR_NOT_FOUND, NULL);
  g_assert_true (g_file_set_contents (text, "I am a letter", -1, NULL));
  assert_unreadable (text, DIFFUSION_ERROR_FORMAT, "not a PNG");
  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  assert_unreadable (empty, DIFFUSION_ERROR_FORMAT, NULL);
  for (gsize k = 0; k < G_N_ELEMENTS (files); k++)
    {
      g_autofree char *path = in_folder (files[k]), *cut = g_strconcat (path, ".cut", NULL), *contents = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
      for (int part = 1; part < 8; part++)
        {
          g_assert_true (g_file_set_contents (cut, contents, (gssize) (length * (gsize) part / 8), NULL));
          assert_unreadable (cut, DIFFUSION_ERROR_FORMAT, NULL);
        }
      /* Flipped bits may still be a picture, but never a crash. */
      for (gsize at = 0; at < length; at += 1 + length / 40)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (DiffusionPicture) picture = NULL;

          contents[at] ^= 0x10;
          g_assert_true (g_file_set_contents (cut, contents, (gssize) length, NULL));
          contents[at] ^= 0x10;
          picture = diffusion_pictures_open (cut, &error);
          g_assert_true ((picture != NULL) == (error == NULL));
        }
    }
}

/* Files may grow to 4000 bytes only, like a disk that is full. */
static void
test_full_disk (void)
{
  static const char *const files[] = { "full.png", "full.jpg", "full.webp", "full.tif" };
  const DiffusionStream noise = { 1, DIFFUSION_PURPOSE_NOISE, 0 };
  struct rlimit before, tight;
  g_autofree float *pixels = g_new (float, 300 * 200 * 3);

  diffusion_random_normal_fill (&noise, 0, 0, 300, 200, 3, pixels);
  getrlimit (RLIMIT_FSIZE, &before);
  signal (SIGXFSZ, SIG_IGN);
  for (gsize k = 0; k < G_N_ELEMENTS (files); k++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = in_folder (files[k]), *contents = NULL;
      g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (300, 200, 3, 8, &error);
      gboolean saved;

      g_assert_true (g_file_set_contents (path, "old", -1, NULL));
      picture->write (picture, 0, 0, 300, 200, pixels, &error);
      tight = before;
      tight.rlim_cur = 4000;
      setrlimit (RLIMIT_FSIZE, &tight);
      saved = diffusion_pictures_save (picture, path, &error);
      setrlimit (RLIMIT_FSIZE, &before);
      g_assert_false (saved);
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO);
      g_test_message ("%s", error->message);
      g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
      g_assert_cmpstr (contents, ==, "old");
      folder_assert_clean (folder);
    }
}

static void
test_wrong_names (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *odd = in_folder ("x.bmp"), *nowhere = in_folder ("no/such/x.png");
  float pixel[3] = { 2, -1, 0.5f };

  g_assert_false (diffusion_pictures_write_png (odd, pixel, 1, 1, 3, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (diffusion_pictures_write_png (nowhere, pixel, 1, 1, 3, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO);
  g_clear_error (&error);
  g_assert_null (diffusion_pictures_new (0, 5, 3, 8, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("diffusion-pictures-XXXXXX", NULL);
  g_test_add_func ("/pictures/round-trip", test_round_trip);
  g_test_add_func ("/pictures/alpha-and-profile", test_alpha_and_profile);
  g_test_add_func ("/pictures/exif", test_exif);
  g_test_add_func ("/pictures/orientation", test_orientation);
  g_test_add_func ("/pictures/simulated-jpeg", test_simulated_jpeg);
  g_test_add_func ("/pictures/damage", test_damage);
  g_test_add_func ("/pictures/full-disk", test_full_disk);
  g_test_add_func ("/pictures/wrong-names", test_wrong_names);
  status = g_test_run ();
  folder_remove (folder);
  g_free (folder);
  diffusion_pictures_shutdown ();
  return status;
}
