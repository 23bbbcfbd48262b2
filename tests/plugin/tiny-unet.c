/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a small untrained U-Net: tiny-unet FOLDER [CLASS…]. The names of the classes go into its card. Or a large one:
 * tiny-unet --large FOLDER. */
#include "../cli/fixture.h"

#include "core/diffusion.h"

int
main (int argc, char **argv)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *card = NULL;

  if (argc < 2)
    return 2;
  if (argc == 3 && g_str_equal (argv[1], "--large"))
    {
      fixture_large_unet_model (argv[2]);
      return 0;
    }
  fixture_unet_model (argv[1], argc - 2);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "classes");
  json_builder_begin_array (builder);
  for (int i = 2; i < argc; i++)
    json_builder_add_string_value (builder, argv[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  card = g_build_filename (argv[1], "model_card.json", NULL);
  if (json_generator_to_file (generator, card, &error))
    return 0;
  g_printerr ("%s: %s\n", card, error->message);
  return 1;
}
