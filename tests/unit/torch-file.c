/* SPDX-License-Identifier: GPL-3.0-or-later */
/* torch.save's files, written here byte by byte: what must be read, and what must be refused with a reason.
 */
#include "tests/unit/torch-maker.h"

#include <string.h>

static void
check_values (GBytes *bytes, const char *name, const float *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open_bytes ("test.pt", bytes, &error);
  const DiffusionTensorEntry *entry;
  float values[6];

  g_assert_no_error (error);
  g_assert_cmpuint (diffusion_tensor_file_get_n_tensors (file), ==, 1);
  entry = diffusion_tensor_file_require (file, name, &error);
  g_assert_no_error (error);
  g_assert_cmpint (entry->n_elements, ==, 6);
  diffusion_tensor_entry_to_floats (entry, values);
  g_assert_cmpmem (values, sizeof values, expected, sizeof values);
}

static void
check_refused (GBytes *bytes, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open_bytes ("test.pt", bytes, &error);

  g_assert_null (file);
  g_assert_true (error != NULL && error->domain == DIFFUSION_ERROR);
  if (strstr (error->message, message) == NULL || strstr (error->message, "test.pt") == NULL)
    g_error ("expected “%s”, got: %s", message, error->message);
  g_bytes_unref (bytes);
}

static void
test_read (void)
{
  const float transposed[6] = { 0, 2, 4, 1, 3, 5 };
  const char *const kinds[] = { "FloatStorage",    "DoubleStorage", "HalfStorage",
                                "BFloat16Storage", "LongStorage",   "ByteStorage" };
  const DiffusionDtype dtypes[] = { DIFFUSION_DTYPE_F32,  DIFFUSION_DTYPE_F64, DIFFUSION_DTYPE_F16,
                                    DIFFUSION_DTYPE_BF16, DIFFUSION_DTYPE_I64, DIFFUSION_DTYPE_U8 };

  for (gsize k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      guint8 data[6 * 8];
      guint size = (guint)diffusion_dtype_size (dtypes[k]);

      for (guint i = 0; i < 6; i++)
        {
          double wide = torch_numbers[i];
          guint16 half = diffusion_float_to_f16 (torch_numbers[i]),
                  brain = diffusion_float_to_bf16 (torch_numbers[i]);
          guint64 whole = i;

          memcpy (data + i * size,
                  k == 0   ? (gconstpointer)&torch_numbers[i]
                  : k == 1 ? (gconstpointer)&wide
                  : k == 2 ? (gconstpointer)&half
                  : k == 3 ? (gconstpointer)&brain
                           : (gconstpointer)&whole,
                  size);
        }
      for (gint zip64 = 0; zip64 < 2; zip64++)
        {
          g_autoptr (GBytes) bytes =
              torch_make_zip (torch_make_simple (kinds[k], 6, 0, 2, 3, 1), data, 6 * size, zip64);
          g_autoptr (GBytes) strided =
              torch_make_zip (torch_make_simple (kinds[k], 6, 0, 2, 1, 2), data, 6 * size, zip64);

          check_values (bytes, "w", torch_numbers);
          check_values (strided, "w", transposed);
        }
    }
}

/* [{"module.w": first}, {"state": {}, "param_groups": []}, 3, {"ema": {"module.w": last}}]: the last one
 * counts. */
static void
test_nested (void)
{
  const float data[12] = { 9, 9, 9, 9, 9, 9, 0, 1, 2, 3, 4, 5 };
  GByteArray *pickle = torch_pickle_new ();
  g_autoptr (GBytes) bytes = NULL;

  torch_put_text (pickle, "](}");
  torch_put_string (pickle, "module.w");
  torch_put_tensor (pickle, "FloatStorage", "0", 12, 0, 2, 3, 1);
  torch_put_text (pickle, "s}");
  torch_put_string (pickle, "state");
  torch_put_text (pickle, "}s");
  torch_put_string (pickle, "param_groups");
  torch_put_text (pickle, "]sK\3}");
  torch_put_string (pickle, "ema");
  torch_put_text (pickle, "}");
  torch_put_string (pickle, "module.w");
  torch_put_tensor (pickle, "FloatStorage", "0", 12, 6, 2, 3, 1);
  torch_put_text (pickle, "sse.");
  bytes = torch_make_zip (pickle, data, sizeof data, FALSE);
  check_values (bytes, "w", torch_numbers);
}

static void
test_stream (void)
{
  g_autoptr (GBytes) bytes = torch_make_stream ();

  check_values (bytes, "w", torch_numbers);
}

/* The stream in protocol 4: the first pickle comes in a frame. */
static void
test_stream_protocol_4 (void)
{
  static const guint8 frame[] = "\x80\x04\x95\x0d\0\0\0\0\0\0\0";
  g_autoptr (GBytes) bytes = torch_make_stream ();
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  GByteArray *framed = g_byte_array_new ();

  g_byte_array_append (framed, frame, sizeof frame - 1);
  g_byte_array_append (framed, data + 2, (guint)size - 2);
  g_autoptr (GBytes) whole = g_byte_array_free_to_bytes (framed);
  check_values (whole, "w", torch_numbers);
}

/* Pickles that torch did not write are named for what they are. */
static void
test_bare_pickle (void)
{
  static const char code[] = "\x80\x02" "cposix\nsystem\nU\x02ls\x85R.", list[] = "\x80\x02]q\0K\1aK\2a.";

  check_refused (g_bytes_new_static (code, sizeof code - 1), "posix.system");
  check_refused (g_bytes_new_static (list, sizeof list - 1), "not one that torch.save wrote");
}

static void
check_pickle_refused (const char *text, guint length, const char *message)
{
  GByteArray *pickle = torch_pickle_new ();

  g_byte_array_append (pickle, (const guint8 *)text, length);
  check_refused (torch_make_zip (pickle, torch_numbers, sizeof torch_numbers, FALSE), message);
}

#define REFUSED(text, message) check_pickle_refused (text, sizeof text - 1, message)

static void
test_refused (void)
{
  TorchZip zip;

  /* Code, in the three ways a pickle can ask for it. */
  REFUSED ("cos\nsystem\nX\4\0\0\0true\x85R.", "os.system");
  REFUSED ("cposix\nsystem\nX\4\0\0\0true\x85R.", "posix.system");
  REFUSED ("\x8c\x08"
           "builtins\x8c\x04"
           "eval\x93X\1\0\0\0"
           "1\x85R.",
           "builtins.eval");
  REFUSED ("c__main__\nModel\n)\x81}b.", "__main__.Model");
  REFUSED ("(ios\nsystem\n.", "instruction");
  REFUSED ("ctorch\nFloatStorage\ncos\nsystem\nR.", "os.system");

  REFUSED ("}X\5\0\0\0state}sX\x0c\0\0\0param_groups]s.", "optimizer");
  REFUSED ("}.", "no named tensors");
  REFUSED ("]q\0h\0a.", "no named tensors");
  REFUSED ("K\1.", "no named tensors");
  REFUSED ("", "too early");
  REFUSED (".", "stack");
  REFUSED ("(.", "stack");
  REFUSED ("u.", "mark");
  REFUSED ("X\xff\xff\xff\xff.", "too early");
  REFUSED ("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "too early");
  REFUSED ("h\5.", "refers");
  REFUSED ("K\1K\2K\3s.", "no list or dictionary");
  REFUSED ("K\1K\2R.", "no function");

  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 7, 0, 2, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "7 elements");
  check_refused (torch_make_zip (torch_make_simple ("DoubleStorage", 6, 0, 2, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "6 elements");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 1, 2, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "does not fit");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 7, 2, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "damaged");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 0, 3, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "does not fit");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 0, 0x7fffffff, 0x7fffffff, 1),
                                 torch_numbers, sizeof torch_numbers, FALSE),
                 "does not fit");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 0, 2, 0, 0), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "does not fit");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 0xffffffff, 2, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "damaged");
  check_refused (torch_make_zip (torch_make_simple ("FloatStorage", 6, 0, 0xffffffff, 3, 1), torch_numbers,
                                 sizeof torch_numbers, FALSE),
                 "damaged");

  zip = torch_zip_new ();
  torch_zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 8);
  check_refused (torch_zip_end (&zip, FALSE), "compressed");
  zip = torch_zip_new ();
  torch_zip_add (&zip, "a/nothing", ".", 1, FALSE, 0);
  check_refused (torch_zip_end (&zip, FALSE), "data.pkl");
  zip = torch_zip_new ();
  torch_zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 0);
  torch_zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 0);
  check_refused (torch_zip_end (&zip, FALSE), "same name");
  zip = torch_zip_new ();
  torch_zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 0);
  torch_zip_add (&zip, "a/byteorder", "big", 3, FALSE, 0);
  check_refused (torch_zip_end (&zip, FALSE), "little-endian");
}

/* Cut off anywhere: an error, never a crash. */
static void
test_truncated (void)
{
  g_autoptr (GBytes) stream = torch_make_stream ();
  g_autoptr (GBytes) zip = torch_make_zip (torch_make_simple ("FloatStorage", 6, 0, 2, 3, 1), torch_numbers,
                                           sizeof torch_numbers, TRUE);
  GBytes *const files[] = { stream, zip };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    for (gsize length = 0; length < g_bytes_get_size (files[i]); length++)
      {
        g_autoptr (GBytes) part = g_bytes_new_from_bytes (files[i], 0, length);
        g_autoptr (GError) error = NULL;

        g_assert_null (diffusion_tensor_file_open_bytes ("test.pt", part, &error));
        g_assert_true (error != NULL && error->domain == DIFFUSION_ERROR);
      }
}

/* Small pickles must not make large structures: lists of lists, and one list copied into many dictionaries.
 */
static void
test_bombs (void)
{
  GByteArray *pickle = torch_pickle_new ();

  torch_put_text (pickle, "]q");
  torch_put (pickle, 0, 1);
  torch_put_text (pickle, "(");
  for (guint i = 0; i < 100000; i++)
    torch_put_text (pickle, "]K\1aK\2a");
  torch_put_text (pickle, "e0");
  for (guint i = 0; i < 1000; i++)
    {
      torch_put_text (pickle, "ccollections\nOrderedDict\nh");
      torch_put (pickle, 0, 1);
      torch_put_text (pickle, "\x85R");
    }
  torch_put_text (pickle, ".");
  check_refused (torch_make_zip (pickle, torch_numbers, sizeof torch_numbers, FALSE), "absurdly");

  pickle = torch_pickle_new ();
  for (guint i = 0; i < 2100000; i++)
    torch_put_text (pickle, "]0");
  torch_put_text (pickle, "}.");
  check_refused (torch_make_zip (pickle, torch_numbers, sizeof torch_numbers, FALSE), "absurdly");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/torch-file/read", test_read);
  g_test_add_func ("/torch-file/nested", test_nested);
  g_test_add_func ("/torch-file/stream", test_stream);
  g_test_add_func ("/torch-file/stream/protocol-4", test_stream_protocol_4);
  g_test_add_func ("/torch-file/bare-pickle", test_bare_pickle);
  g_test_add_func ("/torch-file/refused", test_refused);
  g_test_add_func ("/torch-file/truncated", test_truncated);
  g_test_add_func ("/torch-file/bombs", test_bombs);
  return g_test_run ();
}
