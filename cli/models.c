/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion models: what is installed. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/model/json.h"

/* What a class of config.json is for. */
static const struct
{
  const char *name;
  const char *kind;
} kinds[] = {
  { "DiffusionPhotoModel", N_ ("photographs") },
  { "UNet2DModel", N_ ("pictures") },
  { "DiffusionUNet", N_ ("pictures") },
  { "DiffusionClassifier", N_ ("classifier") },
};

typedef struct
{
  char *folder;
  char *kind;
  char *licence;
  gint64 parameters;
  GError *problem; /* (nullable): why it cannot be used */
} Installed;

static void
installed_free (Installed *model)
{
  g_free (model->folder);
  g_free (model->kind);
  g_free (model->licence);
  g_clear_error (&model->problem);
  g_free (model);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Installed, installed_free)

static gboolean
read_kind (Installed *model, GError **error)
{
  g_autofree char *path = g_build_filename (model->folder, "config.json", NULL);
  g_autoptr (JsonObject) config = diffusion_json_load_object (path, error);
  const char *name = "";

  if (config == NULL || !diffusion_json_get_string (path, config, "_class_name", &name, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].name, name) == 0)
      model->kind = g_strdup (_ (kinds[i].kind));
  if (model->kind != NULL)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED, _ ("%s: unknown kind of model “%s”"), path, name);
  return FALSE;
}

static void
read_card (Installed *model)
{
  g_autofree char *path = g_build_filename (model->folder, "model_card.json", NULL);
  g_autoptr (JsonObject) card = diffusion_json_load_object (path, NULL);
  const char *licence = NULL;

  if (card != NULL && diffusion_json_get_string (path, card, "licence", &licence, NULL))
    model->licence = g_strdup (licence);
}

static gboolean
count_parameters (Installed *model, GError **error)
{
  g_autofree char *path = g_build_filename (model->folder, "diffusion_pytorch_model.safetensors", NULL);
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open (path, error);

  if (file == NULL)
    return FALSE;
  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    model->parameters += diffusion_tensor_file_get_tensor (file, i)->n_elements;
  return TRUE;
}

static Installed *
look_at (const char *name)
{
  Installed *model = g_new0 (Installed, 1);

  model->folder = diffusion_library_find (name, &model->problem);
  if (model->folder == NULL)
    return model;
  read_card (model);
  if (read_kind (model, &model->problem))
    count_parameters (model, &model->problem);
  return model;
}

static JsonObject *
to_json (const char *name, const Installed *model)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  if (model->folder != NULL)
    json_object_set_string_member (object, "folder", model->folder);
  if (model->kind != NULL)
    json_object_set_string_member (object, "kind", model->kind);
  if (model->licence != NULL)
    json_object_set_string_member (object, "licence", model->licence);
  if (model->problem != NULL)
    json_object_set_string_member (object, "problem", model->problem->message);
  else
    json_object_set_int_member (object, "parameters", model->parameters);
  return object;
}

static void
print_json (char **names)
{
  JsonObject *object = json_object_new ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (Installed) model = look_at (names[i]);

      json_array_add_object_element (array, to_json (names[i], model));
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
      g_autoptr (Installed) model = look_at (names[i]);
      g_autofree char *count = cli_format_count ((double) model->parameters);

      if (model->problem != NULL)
        cli_table_row (table, names[i], _ ("cannot be used"), "", "", model->problem->message, NULL);
      else
        cli_table_row (table, names[i], model->kind, count, model->licence != NULL ? model->licence : "–",
                       model->folder, NULL);
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
