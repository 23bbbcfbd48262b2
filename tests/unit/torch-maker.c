/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of torch.save, written byte by byte for tests. */
#include "tests/unit/torch-maker.h"

#include <string.h>

void
torch_put (GByteArray *bytes, guint64 value, guint size)
{
  guint64 little = GUINT64_TO_LE (value);

  g_byte_array_append (bytes, (const guint8 *)&little, size);
}

void
torch_put_text (GByteArray *bytes, const char *text)
{
  g_byte_array_append (bytes, (const guint8 *)text, (guint)strlen (text));
}

TorchZip
torch_zip_new (void)
{
  return (TorchZip){ g_byte_array_new (), g_byte_array_new (), 0 };
}

void
torch_zip_add (TorchZip *zip, const char *name, gconstpointer data, guint size, gboolean zip64, guint method)
{
  guint offset = zip->bytes->len;

  torch_put (zip->bytes, 0x04034b50, 4);
  for (gint i = 0; i < 11; i++)
    torch_put (zip->bytes, 0, 2); /* not read: sizes count in the directory */
  torch_put (zip->bytes, strlen (name), 2);
  torch_put (zip->bytes, 5, 2);
  torch_put_text (zip->bytes, name);
  g_byte_array_append (zip->bytes, (const guint8 *)"FB\1\0Z", 5);
  g_byte_array_append (zip->bytes, data, size);

  torch_put (zip->directory, 0x02014b50, 4);
  torch_put (zip->directory, 0, 6);
  torch_put (zip->directory, method, 2);
  torch_put (zip->directory, 0, 8);
  torch_put (zip->directory, zip64 ? 0xffffffff : size, 4);
  torch_put (zip->directory, zip64 ? 0xffffffff : size, 4);
  torch_put (zip->directory, strlen (name), 2);
  torch_put (zip->directory, zip64 ? 28 : 0, 2);
  torch_put (zip->directory, 0, 8);
  torch_put (zip->directory, 0, 2);
  torch_put (zip->directory, zip64 ? 0xffffffff : offset, 4);
  torch_put_text (zip->directory, name);
  if (zip64)
    {
      torch_put (zip->directory, 1, 2);
      torch_put (zip->directory, 24, 2);
      torch_put (zip->directory, size, 8);
      torch_put (zip->directory, size, 8);
      torch_put (zip->directory, offset, 8);
    }
  zip->count++;
}

GBytes *
torch_zip_end (TorchZip *zip, gboolean zip64)
{
  guint offset = zip->bytes->len, length = zip->directory->len;

  g_byte_array_append (zip->bytes, zip->directory->data, length);
  if (zip64)
    {
      guint at = zip->bytes->len;

      torch_put (zip->bytes, 0x06064b50, 4);
      torch_put (zip->bytes, 44, 8);
      torch_put (zip->bytes, 0, 8);
      torch_put (zip->bytes, 0, 4);
      torch_put (zip->bytes, zip->count, 8);
      torch_put (zip->bytes, zip->count, 8);
      torch_put (zip->bytes, length, 8);
      torch_put (zip->bytes, offset, 8);
      torch_put (zip->bytes, 0x07064b50, 4);
      torch_put (zip->bytes, 0, 4);
      torch_put (zip->bytes, at, 8);
      torch_put (zip->bytes, 1, 4);
    }
  torch_put (zip->bytes, 0x06054b50, 4);
  torch_put (zip->bytes, 0, 4);
  torch_put (zip->bytes, zip64 ? 0xffff : zip->count, 2);
  torch_put (zip->bytes, zip64 ? 0xffff : zip->count, 2);
  torch_put (zip->bytes, zip64 ? 0xffffffff : length, 4);
  torch_put (zip->bytes, zip64 ? 0xffffffff : offset, 4);
  torch_put (zip->bytes, 0, 2);
  g_byte_array_unref (zip->directory);
  return g_byte_array_free_to_bytes (zip->bytes);
}

void
torch_put_string (GByteArray *pickle, const char *text)
{
  torch_put (pickle, 'X', 1);
  torch_put (pickle, strlen (text), 4);
  torch_put_text (pickle, text);
}

/* A [2, 3] tensor in storage @key of @n_elements elements. */
void
torch_put_tensor (GByteArray *pickle,
                  const char *storage,
                  const char *key,
                  guint n_elements,
                  guint offset,
                  guint rows,
                  guint s0,
                  guint s1)
{
  torch_put_text (pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
  torch_put_string (pickle, "storage");
  torch_put_text (pickle, "ctorch\n");
  torch_put_text (pickle, storage);
  torch_put_text (pickle, "\n");
  torch_put_string (pickle, key);
  torch_put_string (pickle, "cpu");
  torch_put (pickle, 'J', 1);
  torch_put (pickle, n_elements, 4);
  torch_put_text (pickle, "tQJ");
  torch_put (pickle, offset, 4);
  torch_put_text (pickle, "J");
  torch_put (pickle, rows, 4);
  torch_put_text (pickle, "K\3\x86J");
  torch_put (pickle, s0, 4);
  torch_put_text (pickle, "J");
  torch_put (pickle, s1, 4);
  torch_put_text (pickle, "\x86\x89"
                          "ccollections\nOrderedDict\n)RtR");
}

GByteArray *
torch_pickle_new (void)
{
  GByteArray *pickle = g_byte_array_new ();

  torch_put_text (pickle, "\x80\x02");
  return pickle;
}

const float torch_numbers[6] = { 0, 1, 2, 3, 4, 5 };

GBytes *
torch_make_zip (GByteArray *pickle, gconstpointer data, guint size, gboolean zip64)
{
  TorchZip zip = torch_zip_new ();
  GBytes *bytes;

  torch_zip_add (&zip, "archive/data.pkl", pickle->data, pickle->len, zip64, 0);
  torch_zip_add (&zip, "archive/byteorder", "little", 6, FALSE, 0);
  torch_zip_add (&zip, "archive/data/0", data, size, zip64, 0);
  bytes = torch_zip_end (&zip, zip64);
  g_byte_array_unref (pickle);
  return bytes;
}

/* {"w": tensor} */
GByteArray *
torch_make_simple (const char *storage, guint n_elements, guint offset, guint rows, guint s0, guint s1)
{
  GByteArray *pickle = torch_pickle_new ();

  torch_put_text (pickle, "}(");
  torch_put_string (pickle, "w");
  torch_put_tensor (pickle, storage, "0", n_elements, offset, rows, s0, s1);
  torch_put_text (pickle, "u.");
  return pickle;
}

/* The stream of torch before 1.6, with an OrderedDict from Python 2: a call with a list of pairs. */
GBytes *
torch_make_stream (void)
{
  static const guint8 head[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."
                               "\x80\x02}q\x00U\x0dlittle_endianq"
                               "\x01\x88s.";
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, head, sizeof head - 1);
  torch_put_text (bytes, "\x80\x02"
                         "ccollections\nOrderedDict\n](](");
  torch_put_string (bytes, "w");
  torch_put_tensor (bytes, "FloatStorage", "0", 6, 0, 2, 3, 1);
  torch_put_text (bytes, "ee\x85R.\x80\x02]U\x01"
                         "0a.");
  torch_put (bytes, 6, 8);
  g_byte_array_append (bytes, (const guint8 *)torch_numbers, sizeof torch_numbers);
  return g_byte_array_free_to_bytes (bytes);
}
