/* SPDX-License-Identifier: GPL-3.0-or-later */
/* torch.save's files, written here byte by byte: what must be read, and what must be refused with a reason.
 */
#include "core/diffusion.h"

#include <string.h>

typedef struct
{
  GByteArray *bytes;
  GByteArray *directory;
  guint count;
} Zip;

static void
put (GByteArray *bytes, guint64 value, guint size)
{
  guint64 little = GUINT64_TO_LE (value);

  g_byte_array_append (bytes, (const guint8 *)&little, size);
}

static void
put_text (GByteArray *bytes, const char *text)
{
  g_byte_array_append (bytes, (const guint8 *)text, (guint)strlen (text));
}

static Zip
zip_new (void)
{
  return (Zip){ g_byte_array_new (), g_byte_array_new (), 0 };
}

static void
zip_add (Zip *zip, const char *name, gconstpointer data, guint size, gboolean zip64, guint method)
{
  guint offset = zip->bytes->len;

  put (zip->bytes, 0x04034b50, 4);
  for (gint i = 0; i < 11; i++)
    put (zip->bytes, 0, 2); /* not read: sizes count in the directory */
  put (zip->bytes, strlen (name), 2);
  put (zip->bytes, 5, 2);
  put_text (zip->bytes, name);
  g_byte_array_append (zip->bytes, (const guint8 *)"FB\1\0Z", 5);
  g_byte_array_append (zip->bytes, data, size);

  put (zip->directory, 0x02014b50, 4);
  put (zip->directory, 0, 6);
  put (zip->directory, method, 2);
  put (zip->directory, 0, 8);
  put (zip->directory, zip64 ? 0xffffffff : size, 4);
  put (zip->directory, zip64 ? 0xffffffff : size, 4);
  put (zip->directory, strlen (name), 2);
  put (zip->directory, zip64 ? 28 : 0, 2);
  put (zip->directory, 0, 8);
  put (zip->directory, 0, 2);
  put (zip->directory, zip64 ? 0xffffffff : offset, 4);
  put_text (zip->directory, name);
  if (zip64)
    {
      put (zip->directory, 1, 2);
      put (zip->directory, 24, 2);
      put (zip->directory, size, 8);
      put (zip->directory, size, 8);
      put (zip->directory, offset, 8);
    }
  zip->count++;
}

static GBytes *
zip_end (Zip *zip, gboolean zip64)
{
  guint offset = zip->bytes->len, length = zip->directory->len;

  g_byte_array_append (zip->bytes, zip->directory->data, length);
  if (zip64)
    {
      guint at = zip->bytes->len;

      put (zip->bytes, 0x06064b50, 4);
      put (zip->bytes, 44, 8);
      put (zip->bytes, 0, 8);
      put (zip->bytes, 0, 4);
      put (zip->bytes, zip->count, 8);
      put (zip->bytes, zip->count, 8);
      put (zip->bytes, length, 8);
      put (zip->bytes, offset, 8);
      put (zip->bytes, 0x07064b50, 4);
      put (zip->bytes, 0, 4);
      put (zip->bytes, at, 8);
      put (zip->bytes, 1, 4);
    }
  put (zip->bytes, 0x06054b50, 4);
  put (zip->bytes, 0, 4);
  put (zip->bytes, zip64 ? 0xffff : zip->count, 2);
  put (zip->bytes, zip64 ? 0xffff : zip->count, 2);
  put (zip->bytes, zip64 ? 0xffffffff : length, 4);
  put (zip->bytes, zip64 ? 0xffffffff : offset, 4);
  put (zip->bytes, 0, 2);
  g_byte_array_unref (zip->directory);
  return g_byte_array_free_to_bytes (zip->bytes);
}

static void
put_string (GByteArray *pickle, const char *text)
{
  put (pickle, 'X', 1);
  put (pickle, strlen (text), 4);
  put_text (pickle, text);
}

/* A [2, 3] tensor in storage @key of @n_elements elements. */
static void
put_tensor (GByteArray *pickle,
            const char *storage,
            const char *key,
            guint n_elements,
            guint offset,
            guint rows,
            guint s0,
            guint s1)
{
  put_text (pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
  put_string (pickle, "storage");
  put_text (pickle, "ctorch\n");
  put_text (pickle, storage);
  put_text (pickle, "\n");
  put_string (pickle, key);
  put_string (pickle, "cpu");
  put (pickle, 'J', 1);
  put (pickle, n_elements, 4);
  put_text (pickle, "tQJ");
  put (pickle, offset, 4);
  put_text (pickle, "J");
  put (pickle, rows, 4);
  put_text (pickle, "K\3\x86J");
  put (pickle, s0, 4);
  put_text (pickle, "J");
  put (pickle, s1, 4);
  put_text (pickle, "\x86\x89"
                    "ccollections\nOrderedDict\n)RtR");
}

static GByteArray *
pickle_new (void)
{
  GByteArray *pickle = g_byte_array_new ();

  put_text (pickle, "\x80\x02");
  return pickle;
}

static const float numbers[6] = { 0, 1, 2, 3, 4, 5 };

static GBytes *
make_zip (GByteArray *pickle, gconstpointer data, guint size, gboolean zip64)
{
  Zip zip = zip_new ();
  GBytes *bytes;

  zip_add (&zip, "archive/data.pkl", pickle->data, pickle->len, zip64, 0);
  zip_add (&zip, "archive/byteorder", "little", 6, FALSE, 0);
  zip_add (&zip, "archive/data/0", data, size, zip64, 0);
  bytes = zip_end (&zip, zip64);
  g_byte_array_unref (pickle);
  return bytes;
}

/* {"w": tensor} */
static GByteArray *
make_simple (const char *storage, guint n_elements, guint offset, guint rows, guint s0, guint s1)
{
  GByteArray *pickle = pickle_new ();

  put_text (pickle, "}(");
  put_string (pickle, "w");
  put_tensor (pickle, storage, "0", n_elements, offset, rows, s0, s1);
  put_text (pickle, "u.");
  return pickle;
}

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
          double wide = numbers[i];
          guint16 half = diffusion_float_to_f16 (numbers[i]), brain = diffusion_float_to_bf16 (numbers[i]);
          guint64 whole = i;

          memcpy (data + i * size,
                  k == 0   ? (gconstpointer)&numbers[i]
                  : k == 1 ? (gconstpointer)&wide
                  : k == 2 ? (gconstpointer)&half
                  : k == 3 ? (gconstpointer)&brain
                           : (gconstpointer)&whole,
                  size);
        }
      for (gint zip64 = 0; zip64 < 2; zip64++)
        {
          g_autoptr (GBytes) bytes = make_zip (make_simple (kinds[k], 6, 0, 2, 3, 1), data, 6 * size, zip64);
          g_autoptr (GBytes) strided =
              make_zip (make_simple (kinds[k], 6, 0, 2, 1, 2), data, 6 * size, zip64);

          check_values (bytes, "w", numbers);
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
  GByteArray *pickle = pickle_new ();
  g_autoptr (GBytes) bytes = NULL;

  put_text (pickle, "](}");
  put_string (pickle, "module.w");
  put_tensor (pickle, "FloatStorage", "0", 12, 0, 2, 3, 1);
  put_text (pickle, "s}");
  put_string (pickle, "state");
  put_text (pickle, "}s");
  put_string (pickle, "param_groups");
  put_text (pickle, "]sK\3}");
  put_string (pickle, "ema");
  put_text (pickle, "}");
  put_string (pickle, "module.w");
  put_tensor (pickle, "FloatStorage", "0", 12, 6, 2, 3, 1);
  put_text (pickle, "sse.");
  bytes = make_zip (pickle, data, sizeof data, FALSE);
  check_values (bytes, "w", numbers);
}

/* The stream of torch before 1.6, with an OrderedDict from Python 2: a call with a list of pairs. */
static GBytes *
make_stream (void)
{
  static const guint8 head[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."
                               "\x80\x02}q\x00U\x0dlittle_endianq"
                               "\x01\x88s.";
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, head, sizeof head - 1);
  put_text (bytes, "\x80\x02"
                   "ccollections\nOrderedDict\n](](");
  put_string (bytes, "w");
  put_tensor (bytes, "FloatStorage", "0", 6, 0, 2, 3, 1);
  put_text (bytes, "ee\x85R.\x80\x02]U\x01"
                   "0a.");
  put (bytes, 6, 8);
  g_byte_array_append (bytes, (const guint8 *)numbers, sizeof numbers);
  return g_byte_array_free_to_bytes (bytes);
}

static void
test_stream (void)
{
  g_autoptr (GBytes) bytes = make_stream ();

  check_values (bytes, "w", numbers);
}

static void
check_pickle_refused (const char *text, guint length, const char *message)
{
  GByteArray *pickle = pickle_new ();

  g_byte_array_append (pickle, (const guint8 *)text, length);
  check_refused (make_zip (pickle, numbers, sizeof numbers, FALSE), message);
}

#define REFUSED(text, message) check_pickle_refused (text, sizeof text - 1, message)

static void
test_refused (void)
{
  Zip zip;

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

  check_refused (make_zip (make_simple ("FloatStorage", 7, 0, 2, 3, 1), numbers, sizeof numbers, FALSE),
                 "7 elements");
  check_refused (make_zip (make_simple ("DoubleStorage", 6, 0, 2, 3, 1), numbers, sizeof numbers, FALSE),
                 "6 elements");
  check_refused (make_zip (make_simple ("FloatStorage", 6, 1, 2, 3, 1), numbers, sizeof numbers, FALSE),
                 "does not fit");
  check_refused (make_zip (make_simple ("FloatStorage", 6, 7, 2, 3, 1), numbers, sizeof numbers, FALSE),
                 "damaged");
  check_refused (make_zip (make_simple ("FloatStorage", 6, 0, 3, 3, 1), numbers, sizeof numbers, FALSE),
                 "does not fit");
  check_refused (make_zip (make_simple ("FloatStorage", 6, 0, 0x7fffffff, 0x7fffffff, 1), numbers,
                           sizeof numbers, FALSE),
                 "does not fit");
  check_refused (make_zip (make_simple ("FloatStorage", 6, 0, 2, 0, 0), numbers, sizeof numbers, FALSE),
                 "does not fit");
  check_refused (
      make_zip (make_simple ("FloatStorage", 6, 0xffffffff, 2, 3, 1), numbers, sizeof numbers, FALSE),
      "damaged");
  check_refused (
      make_zip (make_simple ("FloatStorage", 6, 0, 0xffffffff, 3, 1), numbers, sizeof numbers, FALSE),
      "damaged");

  zip = zip_new ();
  zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 8);
  check_refused (zip_end (&zip, FALSE), "compressed");
  zip = zip_new ();
  zip_add (&zip, "a/nothing", ".", 1, FALSE, 0);
  check_refused (zip_end (&zip, FALSE), "data.pkl");
  zip = zip_new ();
  zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 0);
  zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 0);
  check_refused (zip_end (&zip, FALSE), "same name");
  zip = zip_new ();
  zip_add (&zip, "a/data.pkl", ".", 1, FALSE, 0);
  zip_add (&zip, "a/byteorder", "big", 3, FALSE, 0);
  check_refused (zip_end (&zip, FALSE), "little-endian");
}

/* Cut off anywhere: an error, never a crash. */
static void
test_truncated (void)
{
  g_autoptr (GBytes) stream = make_stream ();
  g_autoptr (GBytes) zip =
      make_zip (make_simple ("FloatStorage", 6, 0, 2, 3, 1), numbers, sizeof numbers, TRUE);
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
  GByteArray *pickle = pickle_new ();

  put_text (pickle, "]q");
  put (pickle, 0, 1);
  put_text (pickle, "(");
  for (guint i = 0; i < 100000; i++)
    put_text (pickle, "]K\1aK\2a");
  put_text (pickle, "e0");
  for (guint i = 0; i < 1000; i++)
    {
      put_text (pickle, "ccollections\nOrderedDict\nh");
      put (pickle, 0, 1);
      put_text (pickle, "\x85R");
    }
  put_text (pickle, ".");
  check_refused (make_zip (pickle, numbers, sizeof numbers, FALSE), "absurdly");

  pickle = pickle_new ();
  for (guint i = 0; i < 2100000; i++)
    put_text (pickle, "]0");
  put_text (pickle, "}.");
  check_refused (make_zip (pickle, numbers, sizeof numbers, FALSE), "absurdly");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/torch-file/read", test_read);
  g_test_add_func ("/torch-file/nested", test_nested);
  g_test_add_func ("/torch-file/stream", test_stream);
  g_test_add_func ("/torch-file/refused", test_refused);
  g_test_add_func ("/torch-file/truncated", test_truncated);
  g_test_add_func ("/torch-file/bombs", test_bombs);
  return g_test_run ();
}
