/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion generate, regenerate, interpolate as a user runs them. */
#include <string.h>

#include "command.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"
#include "fixture.h"

typedef struct
{
  char *folder, *model, *classes, *in, *out;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = command_temporary_folder ();
  f->model = g_build_filename (f->folder, "model", NULL);
  f->classes = g_build_filename (f->folder, "classes", NULL);
  f->in = g_build_filename (f->folder, "in.png", NULL);
  f->out = g_build_filename (f->folder, "out.png", NULL);
  fixture_unet_model (f->model, 0);
  fixture_unet_model (f->classes, 3);
  fixture_picture (f->in, 24, 20, 3, 16);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->model);
  g_free (f->classes);
  g_free (f->in);
  g_free (f->out);
}

static char *
contents_hash (const char *path)
{
  g_autofree char *contents = NULL;
  gsize length = 0;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) contents, length);
}

/* Picture 2 of three with seed 7 is the picture with seed 8. */
static void
test_seeds (Fixture *f, gconstpointer data)
{
  g_autofree char *second = g_build_filename (f->folder, "out-002.png", NULL);
  g_autoptr (CommandResult) many
      = command_run ("generate", f->out, "--model", f->model, "--steps", "3", "--count", "3", "--seed", "7", NULL);
  command_assert (many, 0, "");
  g_assert_cmpuint (command_count_files (f->folder), ==, 6);
  g_autoptr (CommandResult) one
      = command_run ("generate", f->out, "--model", f->model, "--steps", "3", "--seed", "8", "--threads", "2", NULL);
  command_assert (one, 0, "");

  g_autofree char *a = contents_hash (second);
  g_autofree char *b = contents_hash (f->out);
  g_assert_cmpstr (a, ==, b);
}

static void
test_samplers (Fixture *f, gconstpointer data)
{
  static const char *const samplers[] = { "ancestral", "ddim", "dpm++" };
  g_autofree char *folder = g_build_filename (f->folder, "steps", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (samplers); i++)
    {
      g_autoptr (CommandResult) result
          = command_run ("generate", f->out, "--model", f->classes, "--class", "2", "--sampler", samplers[i], "--steps", "3",
                         "--size", "20x12", "--progressive", folder, NULL);
      command_assert (result, 0, "");
      g_assert_cmpuint (command_count_files (folder), ==, 3);

      g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (f->out, NULL);
      g_assert_cmpint (picture->width, ==, 20);
      g_assert_cmpint (picture->height, ==, 12);
    }
}

/* That edges fit is seen with a trained model, in tests/weights/texture.c. */
static void
test_seamless (Fixture *f, gconstpointer data)
{
  g_autofree char *tile = g_build_filename (f->folder, "tile.png", NULL);
  g_autoptr (CommandResult) seamless
      = command_run ("regenerate", f->in, tile, "--model", f->model, "--t", "90", "--steps", "3", "--seamless", NULL);
  g_autoptr (CommandResult) both = command_run ("regenerate", f->in, tile, "--model", f->model, "--t", "90", "--seamless",
                                                "--mask", f->in, NULL);

  command_assert (seamless, 0, "");
  command_assert (both, 2, "--seamless and --mask");
}

/* Where the mask is black nothing changes, at 16 bits. */
static void
test_mask (Fixture *f, gconstpointer data)
{
  enum { WIDTH = 24, HEIGHT = 20 };
  g_autofree char *mask = g_build_filename (f->folder, "mask.png", NULL);
  float white[WIDTH * HEIGHT], before[WIDTH * HEIGHT * 3], after[WIDTH * HEIGHT * 3];
  guint changed = 0;

  for (gint i = 0; i < WIDTH * HEIGHT; i++)
    white[i] = i % WIDTH < WIDTH / 2 ? 0.0f : 1.0f;
  g_assert_true (diffusion_pictures_write_png (mask, white, WIDTH, HEIGHT, 1, NULL));
  g_autoptr (CommandResult) result = command_run ("regenerate", f->in, f->out, "--model", f->model, "--t", "60", "--steps",
                                                  "4", "--mask", mask, "--jump-length", "2", "--jump-count", "2", NULL);
  command_assert (result, 0, "");

  g_autoptr (DiffusionPicture) in = diffusion_pictures_open (f->in, NULL);
  g_autoptr (DiffusionPicture) out = diffusion_pictures_open (f->out, NULL);
  g_assert_cmpint (out->bits, ==, 16);
  g_assert_true (in->read (in, 0, 0, WIDTH, HEIGHT, before, NULL) && out->read (out, 0, 0, WIDTH, HEIGHT, after, NULL));
  for (gint i = 0; i < WIDTH * HEIGHT * 3; i++)
    if (white[i / 3] == 0.0f)
      g_assert_cmpfloat (before[i], ==, after[i]);
    else
      changed += before[i] != after[i];
  g_assert_cmpuint (changed, >, 0);
}

static void
test_interpolate (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->folder, "other.png", NULL);
  g_autofree char *third = g_build_filename (f->folder, "out-003.png", NULL);
  fixture_picture (other, 24, 20, 1, 8);
  g_autoptr (CommandResult) result = command_run ("interpolate", f->in, other, f->out, "--model", f->model, "--t", "50",
                                                  "--lambda", "0", "0.5", "1", "--steps", "2", NULL);

  command_assert (result, 0, "");
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (third, NULL);
  g_assert_nonnull (picture);
  g_assert_cmpint (picture->bits, ==, 16);

  fixture_picture (other, 20, 24, 3, 8);
  g_autoptr (CommandResult) sizes = command_run ("interpolate", f->in, other, f->out, "--model", f->model, "--t", "50",
                                                 "--lambda", "0.5", "--steps", "2", NULL);
  command_assert (sizes, 1, "20×24");
}

static void
test_upscale (Fixture *f, gconstpointer data)
{
  g_autofree char *model = g_build_filename (f->folder, "upsampler", NULL);

  fixture_upsampler_model (model);
  g_autoptr (CommandResult) result
    = command_run ("upscale", f->in, f->out, "--model", model, "--factor", "2", "--steps", "2", NULL);
  command_assert (result, 0, "");

  /* As precise as what it was made of. */
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (f->out, NULL);
  g_assert_nonnull (picture);
  g_assert_cmpint (picture->width, ==, 48);
  g_assert_cmpint (picture->height, ==, 40);
  g_assert_cmpint (picture->bits, ==, 16);
}

static void
test_usage (Fixture *f, gconstpointer data)
{
  static const char *const wrong[][3] = {
    { "--sampler", "euler", "ancestral, ddim, dpm++" },
    { "--steps", "-1", "--steps" },
    { "--eta", "2", "--eta" },
    { "--size", "0", "--size" },
    { "--size", "4x4x4", "--size" },
    { "--count", "0", "--count" },
    { "--class", "1", "no classes" },
    { "--classifier", "x", "--class" },
    { "--guidance-scale", "nan", "--guidance-scale" },
    { "--respacing", "0", "--respacing: " },
    { "--respacing", "10,,5", "--respacing: " },
    { "--respacing", "ddim101", "--respacing: " },
    { "--precision", "f8", "f32, bf16" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *option = g_strconcat (wrong[i][0], "=", wrong[i][1], NULL);
      g_autoptr (CommandResult) result = command_run ("generate", f->out, "--model", f->model, option, NULL);

      g_assert_cmpint (result->status, >, 0);
      command_assert (result, result->status, wrong[i][2]);
      g_assert_cmpuint (command_count_files (f->folder), ==, 3);
    }

  g_autoptr (CommandResult) unnamed = command_run ("generate", f->out, "--model", f->classes, NULL);
  command_assert (unnamed, 2, "from 0 to 2");
  g_autoptr (CommandResult) beyond = command_run ("generate", f->out, "--model", f->classes, "--class", "3", NULL);
  command_assert (beyond, 2, "--class");
  g_autoptr (CommandResult) late = command_run ("regenerate", f->in, f->out, "--model", f->model, "--t", "101", NULL);
  command_assert (late, 2, "1 to 100");
  g_autoptr (CommandResult) neither = command_run ("regenerate", f->in, f->out, "--model", f->model, NULL);
  command_assert (neither, 2, "--strength");
  g_autoptr (CommandResult) both
      = command_run ("regenerate", f->in, f->out, "--model", f->model, "--t", "5", "--strength", "0.5", NULL);
  command_assert (both, 2, "--strength");
  g_autoptr (CommandResult) small = command_run ("upscale", f->in, f->out, "--model", f->model, NULL);
  command_assert (small, 2, "upsampler");
  g_assert_cmpuint (command_count_files (f->folder), ==, 3);

  /* A class that the model has and the classifier does not know. */
  g_autofree char *classifier = g_build_filename (f->folder, "classifier", NULL);
  fixture_classifier_model (classifier, 2);
  g_autoptr (CommandResult) unseen = command_run ("generate", f->out, "--model", f->classes, "--class", "2",
                                                  "--classifier", classifier, NULL);
  command_assert (unseen, 2, "0 to 1");
}

static void
test_full_disk (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "out.png", "out.jpg", "out.webp", "out.tif" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *out = g_build_filename (f->folder, names[i], NULL);
      g_autoptr (CommandResult) result
        = command_run_limited ("generate", out, "--model", f->model, "--steps", "1", "--size", "64", NULL);

      command_assert (result, 1, names[i]);
      /* One line, ours, and that is the end of it. */
      g_assert_true (g_str_has_prefix (result->err, "diffusion generate: "));
      g_assert_true (strchr (result->err, '\n') == result->err + strlen (result->err) - 1);
      g_assert_cmpuint (command_count_files (f->folder), ==, 3);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/sampling/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("seeds", test_seeds);
  ADD ("samplers", test_samplers);
  ADD ("seamless", test_seamless);
  ADD ("mask", test_mask);
  ADD ("interpolate", test_interpolate);
  ADD ("upscale", test_upscale);
  ADD ("usage", test_usage);
  ADD ("full-disk", test_full_disk);
  int status = g_test_run ();
  diffusion_pictures_shutdown ();
  return status;
}
