/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models written anew: one as it is, or the mean of two. */
#include "core/model/model.h"

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/model/json.h"
#include "core/model/model-folder.h"
#include "core/model/unet-parameters.h"

/* A card for a model that came without one says where it came from. */
static JsonObject *
make_card (const DiffusionModel *model, GError **error)
{
  g_autofree char *hash = NULL;
  JsonObject *card = diffusion_model_get_card (model);

  if (card != NULL)
    return json_object_ref (card);
  hash = diffusion_model_get_hash (model, NULL, error);
  if (hash == NULL)
    return NULL;
  card = json_object_new ();
  json_object_set_string_member (card, "name", diffusion_model_get_name (model));
  json_object_set_string_member (card, "converted_from_sha256", hash);
  return card;
}

static gboolean
write_folder (const DiffusionModel *model, DiffusionTensorWriter *writer, JsonObject *card, const char *folder, GError **error)
{
  g_autoptr (JsonObject) scheduler = diffusion_scheduler_config_to_json (diffusion_model_get_scheduler (model));

  diffusion_tensor_writer_set_metadata (writer, "format", "pt");
  return diffusion_model_folder_write (folder, diffusion_model_get_config (model), scheduler, card, writer, error);
}

static void
add_tensor (DiffusionTensorWriter *writer, const DiffusionParameter *parameter, DiffusionDtype dtype, const float *values)
{
  diffusion_tensor_writer_add_floats (writer, parameter->name, dtype, parameter->n_dims, parameter->shape, values);
}

gboolean
diffusion_model_save (const DiffusionModel *model, const char *folder, DiffusionDtype dtype, GError **error)
{
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (JsonObject) card = make_card (model, error);
  const GPtrArray *parameters = diffusion_model_get_parameters (model);
  const DiffusionTensorEntry *tensors = diffusion_model_get_tensors (model);
  float *buffer, *at;
  gsize converted = 0;
  gboolean good = card != NULL;

  /* What the file has as floats already is written from where it is. */
  for (guint i = 0; i < parameters->len; i++)
    if (diffusion_tensor_entry_peek_floats (&tensors[i]) == NULL)
      converted += (gsize)tensors[i].n_elements;
  at = buffer = diffusion_try_alloc (converted * sizeof (float), _("converting the weights"), error);
  good = good && buffer != NULL;
  for (guint i = 0; i < parameters->len && good; i++)
    {
      const float *values = diffusion_tensor_entry_peek_floats (&tensors[i]);

      if (values == NULL)
        {
          diffusion_tensor_entry_to_floats (&tensors[i], at);
          values = at;
          at += tensors[i].n_elements;
        }
      good = diffusion_tensor_file_check_finite (diffusion_model_get_file (model), &tensors[i], values, error);
      add_tensor (writer, g_ptr_array_index (parameters, i), dtype, values);
    }
  good = good && write_folder (model, writer, card, folder, error);
  diffusion_free (buffer);
  return good;
}

static gboolean
refuse_pair (const DiffusionModel *a, const DiffusionModel *b, const char *what, const char *in_a, const char *in_b, GError **error)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("%s and %s have no mean: “%s” is %s in the one and %s in the other"), diffusion_model_get_path (a),
               diffusion_model_get_path (b), what, in_a, in_b);
  return FALSE;
}

/* The same parameters, and outputs that mean the same. */
static gboolean
check_pair (const DiffusionModel *a, const DiffusionModel *b, GError **error)
{
  g_autoptr (JsonObject) of_a = diffusion_scheduler_config_to_json (diffusion_model_get_scheduler (a));
  g_autoptr (JsonObject) of_b = diffusion_scheduler_config_to_json (diffusion_model_get_scheduler (b));
  g_autofree char *difference = NULL, *in_a = NULL, *in_b = NULL;
  const GPtrArray *parameters[] = { diffusion_model_get_parameters (a), diffusion_model_get_parameters (b) };

  for (guint i = 0; i < parameters[0]->len || i < parameters[1]->len; i++)
    {
      const DiffusionParameter *parameter = g_ptr_array_index (parameters[i < parameters[0]->len ? 0 : 1], i);
      const DiffusionTensorEntry *mine = diffusion_model_get_tensor (a, parameter->name);
      const DiffusionTensorEntry *other = diffusion_model_get_tensor (b, parameter->name);
      g_autofree char *shape = mine != NULL ? diffusion_tensor_entry_format_shape (mine) : g_strdup (_("nothing"));
      g_autofree char *other_shape = other != NULL ? diffusion_tensor_entry_format_shape (other) : g_strdup (_("nothing"));

      if (!g_str_equal (shape, other_shape))
        return refuse_pair (a, b, parameter->name, shape, other_shape, error);
    }
  difference = diffusion_json_find_difference (of_a, of_b, &in_a, &in_b);
  return difference == NULL || refuse_pair (a, b, difference, in_a, in_b, error);
}

/* Says what the mean is of. What was measured on the first model does not hold for it. */
static JsonObject *
make_mean_card (const DiffusionModel *a, const DiffusionModel *b, double share, GError **error)
{
  const DiffusionModel *const models[] = { a, b };
  g_autoptr (JsonObject) first = make_card (a, error);
  g_autoptr (JsonObject) card = NULL;
  g_autoptr (JsonArray) parts = json_array_new ();
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  if (first == NULL)
    return NULL;
  card = json_object_new ();
  json_object_iter_init (&iter, first);
  while (json_object_iter_next (&iter, &member, &node))
    if (!g_str_equal (member, "measured"))
      json_object_set_member (card, member, json_node_copy (node));
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *hash = diffusion_model_get_hash (models[i], NULL, error);
      JsonObject *part;

      if (hash == NULL)
        return NULL;
      part = json_object_new ();
      json_object_set_string_member (part, "name", diffusion_model_get_name (models[i]));
      json_object_set_string_member (part, "sha256", hash);
      json_object_set_double_member (part, "share", i == 0 ? 1 - share : share);
      json_array_add_object_element (parts, part);
    }
  json_object_set_array_member (card, "mean_of", g_steal_pointer (&parts));
  return g_steal_pointer (&card);
}

static gboolean
add_mean (DiffusionTensorWriter *writer, const DiffusionParameter *parameter, const DiffusionModel *a, const DiffusionModel *b,
          double share, DiffusionDtype dtype, float *mean, float *scratch, GError **error)
{
  const DiffusionTensorEntry *of_a = diffusion_model_get_tensor (a, parameter->name);
  const DiffusionTensorEntry *of_b = diffusion_model_get_tensor (b, parameter->name);

  diffusion_tensor_entry_to_floats (of_a, mean);
  diffusion_tensor_entry_to_floats (of_b, scratch);
  if (!diffusion_tensor_file_check_finite (diffusion_model_get_file (a), of_a, mean, error)
      || !diffusion_tensor_file_check_finite (diffusion_model_get_file (b), of_b, scratch, error))
    return FALSE;
  for (gint64 i = 0; i < of_a->n_elements; i++)
    mean[i] = (float)((1 - share) * mean[i] + share * scratch[i]);
  add_tensor (writer, parameter, dtype, mean);
  return TRUE;
}

gboolean
diffusion_model_save_mean (const DiffusionModel *model,
                           const DiffusionModel *other,
                           double share,
                           const char *folder,
                           DiffusionDtype dtype,
                           GError **error)
{
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (JsonObject) card = NULL;
  const GPtrArray *parameters = diffusion_model_get_parameters (model);
  gsize total = (gsize)diffusion_model_count_parameters (model), largest = 0, at = 0;
  float *buffer;
  gboolean good = TRUE;

  if (!check_pair (model, other, error) || (card = make_mean_card (model, other, share, error)) == NULL)
    return FALSE;
  for (guint i = 0; i < parameters->len; i++)
    largest = MAX (largest, (gsize)((const DiffusionParameter *)g_ptr_array_index (parameters, i))->n_elements);
  buffer = diffusion_try_alloc ((total + largest) * sizeof (float), _("converting the weights"), error);
  if (buffer == NULL)
    return FALSE;
  for (guint i = 0; i < parameters->len && good; i++)
    {
      const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);

      good = add_mean (writer, parameter, model, other, share, dtype, buffer + at, buffer + total, error);
      at += (gsize)parameter->n_elements;
    }
  good = good && write_folder (model, writer, card, folder, error);
  diffusion_free (buffer);
  return good;
}
