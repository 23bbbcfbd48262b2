/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Safetensors: what is written reads back; what is damaged is refused with a reason. */
#include "core/diffusion.h"

#include "../folder.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static char *folder;

static GBytes *
make (const char *header, gsize data_size)
{
  guint64 length = GUINT64_TO_LE (strlen (header));
  GByteArray *array = g_byte_array_new ();
  g_autofree guint8 *data = g_malloc0 (data_size + 1);

  g_byte_array_append (array, (const guint8 *)&length, sizeof length);
  g_byte_array_append (array, (const guint8 *)header, (guint)strlen (header));
  g_byte_array_append (array, data, (guint)data_size);
  return g_byte_array_free_to_bytes (array);
}

static void
test_round_trip (void)
{
  g_autofree char *path = g_build_filename (folder, "round.safetensors", NULL);
  g_autofree char *other = g_build_filename (folder, "other.safetensors", NULL);
  g_autofree char *first_bytes = NULL, *second_bytes = NULL;
  gsize first_size, second_size;
  float values[12], back[12];
  gint64 integers[2] = { -3, G_MAXINT32 + 1LL };
  const DiffusionDtype kinds[] = { DIFFUSION_DTYPE_F32, DIFFUSION_DTYPE_F16, DIFFUSION_DTYPE_BF16,
                                   DIFFUSION_DTYPE_F64 };
  g_autoptr (DiffusionTensorFile) file = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 12; i++)
    values[i] = (float)(i - 5) / 4;
  for (int order = 0; order < 2; order++)
    {
      g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();

      for (int i = 0; i < 4; i++)
        {
          DiffusionDtype dtype = kinds[order ? 3 - i : i];

          diffusion_tensor_writer_add_floats (writer, diffusion_dtype_name (dtype), dtype, 2,
                                              (gint64[]){ 3, 4 }, values);
        }
      diffusion_tensor_writer_add_raw (writer, "i \"64\"\n", DIFFUSION_DTYPE_I64, 1, (gint64[]){ 2 },
                                       integers);
      diffusion_tensor_writer_add_floats (writer, "scalar", DIFFUSION_DTYPE_F32, 0, NULL, values);
      diffusion_tensor_writer_add_floats (writer, "empty", DIFFUSION_DTYPE_F32, 2, (gint64[]){ 0, 7 },
                                          values);
      diffusion_tensor_writer_set_metadata (writer, order ? "b" : "a", "1");
      diffusion_tensor_writer_set_metadata (writer, order ? "a" : "b", "1");
      g_assert_true (diffusion_tensor_writer_write (writer, order ? other : path, &error));
    }
  g_assert_true (g_file_get_contents (path, &first_bytes, &first_size, NULL));
  g_assert_true (g_file_get_contents (other, &second_bytes, &second_size, NULL));
  g_assert_cmpmem (first_bytes, first_size, second_bytes, second_size);

  file = diffusion_tensor_file_open (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (diffusion_tensor_file_get_n_tensors (file), ==, 7);
  g_assert_cmpstr (diffusion_tensor_file_get_metadata (file, "a"), ==, "1");
  for (int i = 0; i < 4; i++)
    {
      const DiffusionTensorEntry *entry =
          diffusion_tensor_file_lookup (file, diffusion_dtype_name (kinds[i]));

      g_assert_nonnull (entry);
      g_assert_cmpint (entry->n_elements, ==, 12);
      diffusion_tensor_entry_to_floats (entry, back);
      g_assert_cmpmem (back, sizeof back, values, sizeof values);
      g_assert_true ((diffusion_tensor_entry_peek_floats (entry) != NULL) ==
                     (kinds[i] == DIFFUSION_DTYPE_F32));
    }
  {
    const DiffusionTensorEntry *entry = diffusion_tensor_file_lookup (file, "i \"64\"\n");
    double wide[2];

    g_assert_nonnull (entry);
    diffusion_tensor_entry_to_doubles (entry, wide);
    g_assert_cmpfloat (wide[0], ==, -3);
    g_assert_cmpfloat (wide[1], ==, G_MAXINT32 + 1LL);
  }
  g_assert_null (diffusion_tensor_file_require (file, "nothing", &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nothing"));
}

static void
test_strided (void)
{
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_new ("memory", NULL);
  float values[6] = { 0, 1, 2, 3, 4, 5 }, out[6];
  const float expected[6] = { 0, 2, 4, 1, 3, 5 };
  DiffusionTensorEntry entry = { .name = "t",
                                 .dtype = DIFFUSION_DTYPE_F32,
                                 .n_dims = 2,
                                 .shape = { 2, 3 },
                                 .strides = { 1, 2 },
                                 .data = (const guint8 *)values };
  const DiffusionTensorEntry *added;
  g_autoptr (GError) error = NULL;

  g_assert_true (diffusion_tensor_file_add (file, &entry, sizeof values, &error));
  added = diffusion_tensor_file_lookup (file, "t");
  g_assert_false (diffusion_tensor_entry_is_contiguous (added));
  g_assert_null (diffusion_tensor_entry_peek_floats (added));
  diffusion_tensor_entry_to_floats (added, out);
  g_assert_cmpmem (out, sizeof out, expected, sizeof expected);

  entry.name = "u";
  g_assert_false (diffusion_tensor_file_add (file, &entry, sizeof values - 1, &error));
  g_clear_error (&error);
  entry.strides[1] = G_MAXINT64 / 2 + 1;
  g_assert_false (diffusion_tensor_file_add (file, &entry, sizeof values, &error));
  g_clear_error (&error);
  entry.strides[0] = entry.strides[1] = 0;
  g_assert_false (diffusion_tensor_file_add (file, &entry, sizeof values, &error));
}

static void
test_half (void)
{
  const struct
  {
    float value;
    guint16 bits;
  } f16[] = { { 0, 0 },
              { -0.0f, 0x8000 },
              { 1, 0x3c00 },
              { 65504, 0x7bff },
              { 65519.99f, 0x7bff },
              { 65520, 0x7c00 },
              { 0x1p-24f, 1 },
              { 0x1p-25f, 0 },
              { 0x1.8p-25f, 1 },
              { 0x1p-14f, 0x0400 },
              { 0x1.ff8p-15f, 0x03ff },
              { 0x1.ffcp-15f, 0x0400 },
              { 1 + 0x1p-11f, 0x3c00 },
              { 1 + 0x3p-11f, 0x3c02 },
              { -INFINITY, 0xfc00 } };
  static guint8 bytes[1 + 2 * 0xffff];
  static float all[0xffff];

  for (gsize i = 0; i < G_N_ELEMENTS (f16); i++)
    g_assert_cmphex (diffusion_float_to_f16 (f16[i].value), ==, f16[i].bits);
  for (guint bits = 0; bits < 0x10000; bits++)
    {
      float half = diffusion_f16_to_float ((guint16)bits), brain = diffusion_bf16_to_float ((guint16)bits);

      if (isnan (half))
        g_assert_true (isnan (diffusion_f16_to_float (diffusion_float_to_f16 (half))));
      else
        g_assert_cmphex (diffusion_float_to_f16 (half), ==, bits);
      if (isnan (brain))
        g_assert_true (isnan (diffusion_bf16_to_float (diffusion_float_to_bf16 (brain))));
      else
        g_assert_cmphex (diffusion_float_to_bf16 (brain), ==, bits);
    }
  /* Many at a time, from an odd address, not a whole number of vectors. */
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      bytes[1 + 2 * i] = (guint8) i;
      bytes[2 + 2 * i] = (guint8) (i >> 8);
    }
  diffusion_half_to_floats (DIFFUSION_DTYPE_F16, bytes + 1, G_N_ELEMENTS (all), all);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      float one = diffusion_f16_to_float ((guint16) i);

      g_assert_cmpmem (&all[i], sizeof (float), &one, sizeof one);
    }
  diffusion_half_to_floats (DIFFUSION_DTYPE_BF16, bytes + 1, G_N_ELEMENTS (all), all);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      float one = diffusion_bf16_to_float ((guint16) i);

      g_assert_cmpmem (&all[i], sizeof (float), &one, sizeof one);
    }
  g_assert_cmphex (diffusion_float_to_bf16 (1 + 0x1p-8f), ==, 0x3f80);
  g_assert_cmphex (diffusion_float_to_bf16 (1 + 0x3p-8f), ==, 0x3f82);
}

static void
test_refused (void)
{
  const struct
  {
    const char *header;
    gsize data;
    const char *message;
  } cases[] = {
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "truncated" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "take 8 bytes" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "does not fit" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "growing" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "whole numbers" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "whole numbers" },
    { "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "F33" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8, "dimensions" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296],\"data_offsets\":[0,8]}}", 8,
      "absurdly" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967296,4294967296,4294967296],\"data_offsets\":[0,8]}}", 8,
      "does not fit" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387903],\"data_offsets\":[0,8]}}", 8,
      "does not fit" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2]"
      ",\"data_offsets\":[8,16]}}",
      16, "twice" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2]"
      ",\"data_offsets\":[4,12]}}",
      12, "overlaps" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2]"
      ",\"data_offsets\":[12,20]}}",
      20, "gap" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "expected dtype" },
    { "{\"a\":[1]}", 8, "object" },
    { "{\"__metadata__\":{\"a\":1}}", 0, "strings" },
    { "[1,2]", 0, "object" },
    { "{\"a\":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}", 0, "JSON" },
    { "{\"a\":", 0, "JSON" },
    { "{\"\xff\":1}", 0, "JSON" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = make (cases[i].header, cases[i].data);
      g_autoptr (GError) error = NULL;

      g_assert_null (diffusion_tensor_file_open_bytes ("bad.safetensors", bytes, &error));
      g_assert_nonnull (error);
      g_assert_true (error->domain == DIFFUSION_ERROR);
      if (strstr (error->message, cases[i].message) == NULL ||
          strstr (error->message, "bad.safetensors") == NULL)
        g_error ("case %" G_GSIZE_FORMAT ": %s", i, error->message);
    }
  for (guint64 length = 0; length < 2; length++)
    {
      guint64 announced = length ? G_MAXUINT64 : 1000;
      g_autoptr (GBytes) bytes = g_bytes_new (&announced, sizeof announced);
      g_autoptr (GBytes) shorter = g_bytes_new (&announced, 5);
      g_autoptr (GError) error = NULL;

      g_assert_null (diffusion_tensor_file_open_bytes ("bad.safetensors", bytes, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT);
      g_clear_error (&error);
      g_assert_null (diffusion_tensor_file_open_bytes ("bad.safetensors", shorter, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT);
    }
}

static void
test_files (void)
{
  g_autofree char *absent = g_build_filename (folder, "absent.safetensors", NULL);
  g_autofree char *nowhere = g_build_filename (folder, "no", "folder.safetensors", NULL);
  g_autofree char *big = g_build_filename (folder, "big.safetensors", NULL);
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  const float value = 1e6f;
  g_autoptr (GError) error = NULL;

  g_assert_null (diffusion_tensor_file_open (absent, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (diffusion_tensor_file_open (folder, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO);
  g_clear_error (&error);
  g_assert_false (diffusion_tensor_writer_write (writer, nowhere, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO);
  g_clear_error (&error);
  diffusion_tensor_writer_add_floats (writer, "x", DIFFUSION_DTYPE_F16, 1, (gint64[]){ 1 }, &value);
  g_assert_false (diffusion_tensor_writer_write (writer, big, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC);
  g_assert_false (g_file_test (big, G_FILE_TEST_EXISTS));
  g_clear_error (&error);
  diffusion_tensor_writer_add_floats (writer, "x", DIFFUSION_DTYPE_F32, 1, (gint64[]){ 1 }, &value);
  g_assert_false (diffusion_tensor_writer_write (writer, big, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);

  /* Nothing temporary may be left behind by all of the above. */
  folder_assert_clean (folder);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("diffusion-safetensors-XXXXXX", NULL);
  g_test_add_func ("/safetensors/round-trip", test_round_trip);
  g_test_add_func ("/safetensors/strided", test_strided);
  g_test_add_func ("/safetensors/half-precision", test_half);
  g_test_add_func ("/safetensors/refused", test_refused);
  g_test_add_func ("/safetensors/files", test_files);
  result = g_test_run ();
  folder_remove (folder);
  g_free (folder);
  return result;
}
