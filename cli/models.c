/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion models: what is installed. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/model/json.h"

typedef struct
{
  char *folder;
  DiffusionModel *model;
  GError *problem; /* (nullable): why it cannot be used */
} Installed;

static void
installed_free (Installed *installed)
{
  g_clear_pointer (&installed->model, diffusion_model_unref);
  g_clear_error (&installed->problem);
  g_free (installed->folder);
  g_free (installed);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Installed, installed_free)

static Installed *
look_at (const char *name)
{
  Installed *installed = g_new0 (Installed, 1);

  installed->folder = diffusion_library_find (name, &installed->problem);
  if (installed->folder != NULL)
    installed->model = diffusion_model_open (installed->folder, NULL, NULL, &installed->problem);
  return installed;
}

/* What a model is for. */
static const char *
kind_of (const DiffusionModel *model)
{
  switch (diffusion_model_get_kind (model))
    {
    case DIFFUSION_MODEL_PHOTO:
      return _ ("photographs");
    case DIFFUSION_MODEL_CLASSIFIER:
      return _ ("classifier");
    default:
      return _ ("pictures");
    }
}

/* (nullable) */
static const char *
licence_of (const DiffusionModel *model)
{
  JsonObject *card = diffusion_model_get_card (model);
  const char *licence = NULL;

  if (card != NULL)
    diffusion_json_get_string ("", card, "licence", &licence, NULL);
  return licence;
}

static JsonObject *
to_json (const char *name, const Installed *installed)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  if (installed->folder != NULL)
    json_object_set_string_member (object, "folder", installed->folder);
  if (installed->problem != NULL)
    {
      json_object_set_string_member (object, "problem", installed->problem->message);
      return object;
    }
  json_object_set_string_member (object, "kind", kind_of (installed->model));
  if (licence_of (installed->model) != NULL)
    json_object_set_string_member (object, "licence", licence_of (installed->model));
  json_object_set_int_member (object, "parameters", diffusion_model_count_parameters (installed->model));
  return object;
}

static void
print_json (char **names)
{
  JsonObject *object = json_object_new ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (Installed) installed = look_at (names[i]);

      json_array_add_object_element (array, to_json (names[i], installed));
    }
  json_object_set_array_member (object, "models", array);
  cli_print_json (object);
}

static void
print_table (char **names)
{
  CliTable *table = cli_table_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (Installed) installed = look_at (names[i]);

      if (installed->problem != NULL)
        {
          cli_table_row (table, names[i], _ ("cannot be used"), "", "", installed->problem->message, NULL);
          continue;
        }

      const char *licence = licence_of (installed->model);
      g_autofree char *count = cli_format_count ((double) diffusion_model_count_parameters (installed->model));
      cli_table_row (table, names[i], kind_of (installed->model), count, licence != NULL ? licence : "–",
                     installed->folder, NULL);
    }
  cli_table_print (table);
}

static void
print_none (void)
{
  g_auto (GStrv) folders = diffusion_library_get_folders ();

  g_printerr (_ ("No model is installed. Models are folders in one of:\n"));
  for (guint i = 0; folders[i] != NULL; i++)
    g_printerr ("  %s\n", folders[i]);
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, argv, error);

  if (arguments == NULL)
    return FALSE;

  g_auto (GStrv) names = diffusion_library_list ();
  if (json)
    print_json (names);
  else if (names[0] == NULL)
    print_none ();
  else
    print_table (names);
  return TRUE;
}

const CliVerb cli_models = {
  .name = "models",
  .brief = N_ ("List the installed models"),
  .description = N_ ("Shows name, what the model knows, parameters, licence and folder. Models are folders in\n"
                     "~/.local/share/gimp-diffusion/models, in the same place under the system's data folders, or\n"
                     "in those that the environment variable DIFFUSION_MODELS names, separated by colons.\n"
                     "“diffusion inspect NAME” shows more of one; “diffusion convert” makes such a folder from\n"
                     "other files."),
  .run = run,
};
