/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion inspect: what a model is, and what it costs, before anything is computed. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/model/photo-folder.h"

/* A photo model takes pictures of any size: its cost is that of a square of this many pixels a side. */
#define PHOTO_SIZE 512

typedef struct
{
  gint width, height;
  gint64 macs;
  gint64 memory;
} Cost;

static const char *
kind_name (const DiffusionModel *model)
{
  switch (diffusion_model_get_kind (model))
    {
    case DIFFUSION_MODEL_PHOTO:
      return "photo";
    case DIFFUSION_MODEL_CLASSIFIER:
      return "classifier";
    default:
      return diffusion_model_get_unet (model)->low_res_channels > 0 ? "upsampler" : "unet";
    }
}

static gboolean
photo_cost (const DiffusionModel *model, Cost *cost, GError **error)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  DiffusionPhotoConfig config;
  DiffusionPhotoValues values;

  if (!diffusion_photo_config_parse (diffusion_model_get_config (model), &config, error))
    return FALSE;
  if (cost->width == 0)
    cost->width = cost->height = PHOTO_SIZE;

  gint height = (cost->height + DIFFUSION_PHOTO_ALIGNMENT - 1) / DIFFUSION_PHOTO_ALIGNMENT * DIFFUSION_PHOTO_ALIGNMENT;
  gint width = (cost->width + DIFFUSION_PHOTO_ALIGNMENT - 1) / DIFFUSION_PHOTO_ALIGNMENT * DIFFUSION_PHOTO_ALIGNMENT;
  diffusion_graph_free (diffusion_photo_model_build (&config, params, 1, height, width, &values));
  diffusion_model_find_half (model, params);
  g_autoptr (DiffusionGraph) graph = diffusion_photo_model_build (&config, params, 1, height, width, &values);
  cost->macs = (gint64) diffusion_graph_get_macs (graph);
  cost->memory = (gint64) (diffusion_graph_plan_bytes (graph, DIFFUSION_RUN_INFERENCE)
                           + diffusion_params_get_bytes (params));
  return TRUE;
}

static gboolean
unet_cost (const DiffusionModel *model, Cost *cost, GError **error)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (model);
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  gint multiple = diffusion_unet_config_get_multiple (config);
  DiffusionUnetCost found;

  if (cost->width == 0)
    {
      cost->width = config->sample_width > 0 ? config->sample_width : 64;
      cost->height = config->sample_height > 0 ? config->sample_height : 64;
    }
  diffusion_unet_declare_params (config, params);
  diffusion_model_find_half (model, params);
  if (!diffusion_unet_get_cost (config, params, 1, (cost->height + multiple - 1) / multiple * multiple,
                                (cost->width + multiple - 1) / multiple * multiple, DIFFUSION_RUN_INFERENCE, &found,
                                error))
    return FALSE;
  cost->macs = (gint64) found.macs;
  cost->memory = (gint64) (found.weight_bytes + found.run_bytes);
  return TRUE;
}

static JsonObject *
scheduler_to_json (const DiffusionModel *model)
{
  return diffusion_scheduler_config_to_json (diffusion_model_get_scheduler (model));
}

static const char *
card_text (const DiffusionModel *model, const char *key)
{
  JsonObject *card = diffusion_model_get_card (model);
  JsonNode *node = card != NULL ? json_object_get_member (card, key) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static void
print_json (const DiffusionModel *model, const Cost *cost, const char *hash)
{
  const DiffusionUnetConfig *unet = diffusion_model_get_unet (model);
  JsonObject *object = json_object_new ();
  JsonObject *step = json_object_new ();

  json_object_set_string_member (object, "name", diffusion_model_get_name (model));
  json_object_set_string_member (object, "path", diffusion_model_get_path (model));
  json_object_set_string_member (object, "kind", kind_name (model));
  json_object_set_int_member (object, "parameters", diffusion_model_count_parameters (model));
  json_object_set_string_member (object, "sha256", hash);
  json_object_set_object_member (object, "config", json_object_ref (diffusion_model_get_config (model)));
  json_object_set_object_member (object, "scheduler", scheduler_to_json (model));
  if (unet != NULL)
    json_object_set_boolean_member (object, "diffusers", diffusion_unet_config_is_diffusers (unet));
  if (diffusion_model_get_card (model) != NULL)
    json_object_set_object_member (object, "card", json_object_ref (diffusion_model_get_card (model)));
  json_object_set_int_member (step, "width", cost->width);
  json_object_set_int_member (step, "height", cost->height);
  json_object_set_int_member (step, "multiply_adds", cost->macs);
  json_object_set_int_member (step, "memory_bytes", cost->memory);
  json_object_set_object_member (object, "step", step);
  cli_print_json (object);
}

static void
print_line (CliTable *table, const char *name, const char *text)
{
  if (text != NULL)
    cli_table_row (table, name, text, NULL);
}

static char *
describe_widths (const DiffusionUnetConfig *config)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean attention = FALSE;

  for (gint i = 0; i < config->n_levels; i++)
    g_string_append_printf (text, i > 0 ? ", %d" : "%d", config->channels[i]);
  g_string_append_printf (text, _ ("; %d blocks a level"), config->layers_per_block);
  for (gint i = 0; i < config->n_levels; i++)
    if (config->down_attention[i])
      {
        g_string_append_printf (text, attention ? ", %d" : _ ("; attention at level %d"), i + 1);
        attention = TRUE;
      }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
print_unet (CliTable *table, const DiffusionUnetConfig *config)
{
  g_autofree char *widths = describe_widths (config);
  g_autofree char *size = config->sample_width > 0
                              ? g_strdup_printf ("%d×%d", config->sample_width, config->sample_height)
                              : g_strdup (_ ("any"));

  print_line (table, _ ("Widths"), widths);
  print_line (table, _ ("Native size"), size);
  if (config->class_input == DIFFUSION_CLASS_LABEL)
    {
      g_autofree char *classes = g_strdup_printf ("%d", config->n_classes);
      print_line (table, _ ("Classes"), classes);
    }
  print_line (table, _ ("In diffusers"), diffusion_unet_config_is_diffusers (config) ? _ ("loads") : _ ("cannot be expressed"));
}

static void
print_text (const DiffusionModel *model, const Cost *cost, const char *hash)
{
  static const char *const means[] = { "ε", "x₀", "μ", "v" };
  static const char *const variances[] = { N_ ("fixed small"), N_ ("fixed large"), N_ ("learned"), N_ ("learned range") };
  const DiffusionUnetConfig *unet = diffusion_model_get_unet (model);
  const DiffusionSchedulerConfig *scheduler = diffusion_model_get_scheduler (model);
  CliTable *table = cli_table_new ();
  g_autofree char *count = cli_format_count ((double) diffusion_model_count_parameters (model));
  g_autofree char *parameters = g_strdup_printf ("%" PRId64 " (%s)", diffusion_model_count_parameters (model), count);
  g_autofree char *macs = cli_format_count ((double) cost->macs);
  g_autofree char *memory = g_strdup_printf (_ ("%.0f MB"), ceil ((double) cost->memory / 1e6));
  g_autofree char *step = g_strdup_printf (_ ("%s multiply-adds, %s of memory at %d×%d"), macs, memory, cost->width,
                                           cost->height);
  g_autofree char *noise = g_strdup_printf (_ ("T = %d, predicts %s, variance %s"), scheduler->steps,
                                            means[scheduler->mean], _ (variances[scheduler->variance]));

  print_line (table, _ ("Name"), diffusion_model_get_name (model));
  print_line (table, _ ("Where"), diffusion_model_get_path (model));
  print_line (table, _ ("Kind"), kind_name (model));
  print_line (table, _ ("Parameters"), parameters);
  if (unet != NULL)
    print_unet (table, unet);
  if (diffusion_model_get_kind (model) != DIFFUSION_MODEL_CLASSIFIER)
    print_line (table, _ ("Diffusion"), noise);
  print_line (table, _ ("One step"), step);
  print_line (table, _ ("Licence"), card_text (model, "licence"));
  print_line (table, _ ("Training data"), card_text (model, "training_data"));
  print_line (table, _ ("SHA-256"), hash);
  cli_table_print (table);
}

static gboolean
inspect (const char *name, const char *preset, const char *flags, Cost *cost, gboolean json, GCancellable *cancellable,
         GError **error)
{
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, preset, flags, error);
  if (model == NULL)
    return FALSE;

  g_autofree char *hash = diffusion_model_get_hash (model, cancellable, error);
  if (hash == NULL
      || !(diffusion_model_get_unet (model) != NULL ? unet_cost (model, cost, error) : photo_cost (model, cost, error)))
    return FALSE;
  if (json)
    print_json (model, cost, hash);
  else
    print_text (model, cost, hash);
  return TRUE;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  g_autofree char *preset = NULL, *flags = NULL, *size = NULL;
  gboolean json = FALSE;
  Cost cost = { 0 };
  const GOptionEntry entries[] = {
    { "preset", 0, 0, G_OPTION_ARG_STRING, &preset, N_ ("Which published network a file is, where it cannot tell"),
      N_ ("NAME") },
    { "flags", 0, 0, G_OPTION_ARG_FILENAME, &flags, N_ ("File of the flags it was trained with"), N_ ("FILE") },
    { "size", 0, 0, G_OPTION_ARG_STRING, &size, N_ ("Picture size that the cost of a step is for (default: its own)"),
      N_ ("N|WxH") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, argv, error);

  return arguments != NULL && cli_parse_size ("--size", size, &cost.width, &cost.height, error)
         && inspect (arguments[0], preset, flags, &cost, json, cancellable, error);
}

const CliVerb cli_inspect = {
  .name = "inspect",
  .arguments = N_ ("MODEL"),
  .brief = N_ ("Show what a model is and what it costs to use"),
  .description = N_ ("Shows architecture, number of parameters, schedule, licence and hash, and the multiply-adds and\n"
                     "memory of one step, without reading the weights into memory."),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
