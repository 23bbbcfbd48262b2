/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion models, inspect, convert. */
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "command.h"
#include "fixture.h"

static char *folder;

static char *
path_of (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static JsonObject *
parse (const CommandResult *result)
{
  g_autoptr (JsonNode) node = json_from_string (result->out, NULL);

  g_assert_nonnull (node);
  return json_node_dup_object (node);
}

static void
test_list (void)
{
  g_autofree char *half = path_of ("half-precision");
  g_autofree char *usual = path_of ("half-precision/diffusion_pytorch_model.safetensors");
  g_autofree char *other = path_of ("half-precision/diffusion_pytorch_model.fp16.safetensors");
  g_autofree char *photo = path_of ("photo");
  g_autofree char *broken = path_of ("broken");
  g_autofree char *weights = path_of ("broken/diffusion_pytorch_model.safetensors");

  fixture_photo_model (photo);
  fixture_photo_model (broken);
  fixture_truncate (weights);
  g_setenv ("DIFFUSION_MODELS", folder, TRUE);
  g_autoptr (CommandResult) text = command_run ("models", NULL);
  command_assert (text, 0, "");
  g_assert_nonnull (strstr (text->out, "cannot be used"));

  /* Under any name that diffusers gives weights. */
  fixture_unet_model (half, 0);
  g_assert_cmpint (g_rename (usual, other), ==, 0);
  g_autoptr (CommandResult) renamed = command_run ("models", NULL);
  command_assert (renamed, 0, "");
  const char *line = strstr (renamed->out, "half-precision");
  char kind[16] = "";
  g_assert_nonnull (line);
  g_assert_cmpint (sscanf (line, "half-precision %15s", kind), ==, 1);
  g_assert_cmpstr (kind, ==, "pictures");

  g_autoptr (CommandResult) json = command_run ("models", "--json", NULL);
  g_autoptr (JsonObject) object = parse (json);
  g_assert_true (json_object_has_member (object, "models"));
  folder_remove (broken);
}

static void
test_inspect (void)
{
  g_autofree char *unet = path_of ("net");

  fixture_unet_model (unet, 0);
  g_autoptr (CommandResult) by_path = command_run ("inspect", unet, "--json", NULL);
  command_assert (by_path, 0, "");
  g_autoptr (JsonObject) object = parse (by_path);
  g_assert_cmpint (json_object_get_int_member (object, "parameters"), >, 0);
  g_assert_cmpuint (strlen (json_object_get_string_member (object, "sha256")), ==, 64);
  g_assert_true (json_object_get_boolean_member (object, "diffusers"));

  g_autoptr (CommandResult) by_name = command_run ("inspect", "photo", NULL);
  command_assert (by_name, 0, "");
  g_autoptr (CommandResult) missing = command_run ("inspect", "nothing", NULL);
  command_assert (missing, 1, "nothing");
  g_autoptr (CommandResult) no_model = command_run ("inspect", folder, NULL);
  command_assert (no_model, 1, folder);
}

static void
test_convert (void)
{
  g_autofree char *unet = path_of ("net");
  g_autofree char *half = path_of ("half");
  g_autofree char *small = path_of ("small");
  g_autofree char *something = path_of ("something");
  g_autofree char *file = path_of ("something/precious");

  fixture_unet_model (unet, 2);
  g_autoptr (CommandResult) done = command_run ("convert", unet, half, "--dtype", "f16", NULL);
  command_assert (done, 0, "");
  g_autoptr (CommandResult) inspected = command_run ("inspect", half, NULL);
  command_assert (inspected, 0, "");

  g_autoptr (CommandResult) odd = command_run ("convert", unet, small, "--dtype", "i8", NULL);
  command_assert (odd, 2, "f32, f16, bf16");
  g_autoptr (CommandResult) full = command_run_limited ("convert", unet, small, NULL);
  command_assert (full, 1, "small");
  g_assert_false (g_file_test (small, G_FILE_TEST_EXISTS));

  g_assert_cmpint (g_mkdir (something, 0700), ==, 0);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_autoptr (CommandResult) occupied = command_run ("convert", unet, something, NULL);
  command_assert (occupied, 1, "something");
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));
}

/* The mean of a model with itself has its weights. */
static void
test_mean (void)
{
  g_autofree char *unet = path_of ("net-of-mean");
  g_autofree char *photo = path_of ("photo-of-mean");
  g_autofree char *mean = path_of ("mean");
  g_autofree char *weights = path_of ("net-of-mean/diffusion_pytorch_model.safetensors");
  g_autofree char *mean_weights = path_of ("mean/diffusion_pytorch_model.safetensors");
  g_autofree char *expected = NULL, *found = NULL;
  gsize length, found_length;

  fixture_unet_model (unet, 2);
  fixture_photo_model (photo);
  g_autoptr (CommandResult) done = command_run ("convert", unet, mean, "--with", unet, "--share", "0.3", NULL);
  command_assert (done, 0, "");
  g_assert_true (g_file_get_contents (weights, &expected, &length, NULL));
  g_assert_true (g_file_get_contents (mean_weights, &found, &found_length, NULL));
  g_assert_cmpmem (found, found_length, expected, length);

  g_autoptr (CommandResult) mixed = command_run ("convert", unet, mean, "--with", photo, NULL);
  command_assert (mixed, 1, "photo-of-mean");
  g_autoptr (CommandResult) missing = command_run ("convert", unet, mean, "--with", "nothing", NULL);
  command_assert (missing, 1, "nothing");
  g_autoptr (CommandResult) alone = command_run ("convert", unet, mean, "--share", "0.3", NULL);
  command_assert (alone, 2, "--with");
  g_autoptr (CommandResult) beyond = command_run ("convert", unet, mean, "--with", unet, "--share", "1.5", NULL);
  command_assert (beyond, 2, "--share");
  g_autoptr (CommandResult) negative = command_run ("convert", unet, mean, "--with", unet, "--share", "-1", NULL);
  command_assert (negative, 2, "--share");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = command_temporary_folder ();
  g_test_add_func ("/models/list", test_list);
  g_test_add_func ("/models/inspect", test_inspect);
  g_test_add_func ("/models/convert", test_convert);
  g_test_add_func ("/models/mean", test_mean);
  int status = g_test_run ();
  folder_remove (folder);
  g_free (folder);
  return status;
}
