/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the members of a zip archive lie, so that they can be used in place. */
#include "core/model/zip-index.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

#define LOCAL_SIZE     30
#define CENTRAL_SIZE   46
#define END_SIZE       22
#define LOCATOR64_SIZE 20
#define END64_SIZE     56
#define MAX_MEMBERS    1000000

typedef struct
{
  const char *path;
  const guint8 *data;
  gsize size;
} Archive;

static guint64
read_le (const guint8 *at, gint bytes)
{
  guint64 value = 0;

  for (gint i = bytes - 1; i >= 0; i--)
    value = value << 8 | at[i];
  return value;
}

static gboolean
damaged (const Archive *archive, const char *what, GError **error)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: truncated or damaged zip archive: %s"),
               archive->path, what);
  return FALSE;
}

static gboolean
has_signature (const guint8 *at, guint32 signature)
{
  return read_le (at, 4) == signature;
}

/* Finds the central directory: its position, length and number of members. */
static gboolean
find_directory (const Archive *archive, guint64 *offset, guint64 *length, guint64 *count, GError **error)
{
  gsize lowest = archive->size > END_SIZE + 0xffff ? archive->size - END_SIZE - 0xffff : 0;
  gsize end;

  if (archive->size < END_SIZE)
    return damaged (archive, _("it is too short"), error);
  for (end = archive->size - END_SIZE;; end--)
    {
      if (has_signature (archive->data + end, 0x06054b50))
        break;
      if (end == lowest)
        return damaged (archive, _("it has no directory at its end"), error);
    }
  *count = read_le (archive->data + end + 10, 2);
  *length = read_le (archive->data + end + 12, 4);
  *offset = read_le (archive->data + end + 16, 4);
  if (end >= LOCATOR64_SIZE && has_signature (archive->data + end - LOCATOR64_SIZE, 0x07064b50))
    {
      guint64 at = read_le (archive->data + end - LOCATOR64_SIZE + 8, 8);

      if (at > end || end - at < END64_SIZE || !has_signature (archive->data + at, 0x06064b50))
        return damaged (archive, _("its 64-bit directory is not where it should be"), error);
      *count = read_le (archive->data + at + 32, 8);
      *length = read_le (archive->data + at + 40, 8);
      *offset = read_le (archive->data + at + 48, 8);
    }
  if (*offset > end || *length > end - *offset || *count > MAX_MEMBERS || *count > *length / CENTRAL_SIZE)
    return damaged (archive, _("its directory does not fit into the file"), error);
  return TRUE;
}

/* Takes the fields that did not fit into 32 bits from the ZIP64 extra field. */
static gboolean
read_extra (const guint8 *extra, gsize length, guint64 *size, guint64 *packed, guint64 *offset)
{
  guint64 *const fields[] = { size, packed, offset };
  gboolean needed = *size == 0xffffffff || *packed == 0xffffffff || *offset == 0xffffffff;

  while (length >= 4)
    {
      gsize id = read_le (extra, 2), bytes = read_le (extra + 2, 2);

      extra += 4;
      length -= 4;
      if (bytes > length)
        return !needed;
      if (id == 1)
        {
          gsize left = bytes;

          for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
            if (*fields[i] == 0xffffffff)
              {
                if (left < 8)
                  return FALSE;
                *fields[i] = read_le (extra + (bytes - left), 8);
                left -= 8;
              }
          return TRUE;
        }
      extra += bytes;
      length -= bytes;
    }
  return !needed;
}

static gboolean
read_member (const Archive *archive,
             const guint8 *central,
             gsize available,
             gsize *used,
             GHashTable *members,
             GError **error)
{
  gsize name_length, extra_length, comment_length;
  guint64 flags, method, size, packed, offset, start;
  g_autofree char *name = NULL;
  DiffusionZipMember *member;

  if (available < CENTRAL_SIZE || !has_signature (central, 0x02014b50))
    return damaged (archive, _("a directory entry is missing"), error);
  flags = read_le (central + 8, 2);
  method = read_le (central + 10, 2);
  packed = read_le (central + 20, 4);
  size = read_le (central + 24, 4);
  name_length = read_le (central + 28, 2);
  extra_length = read_le (central + 30, 2);
  comment_length = read_le (central + 32, 2);
  offset = read_le (central + 42, 4);
  *used = CENTRAL_SIZE + name_length + extra_length + comment_length;
  if (*used > available)
    return damaged (archive, _("a directory entry is cut off"), error);
  name = g_strndup ((const char *)central + CENTRAL_SIZE, name_length);
  if (!g_utf8_validate (name, -1, NULL))
    return damaged (archive, _("a member's name is no text"), error);
  if (!read_extra (central + CENTRAL_SIZE + name_length, extra_length, &size, &packed, &offset))
    return damaged (archive, name, error);
  if (method != 0 || (flags & 1) != 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: “%s” is compressed or encrypted, which weight files are not"), archive->path,
                   name);
      return FALSE;
    }
  if (size != packed || offset > archive->size || archive->size - offset < LOCAL_SIZE ||
      !has_signature (archive->data + offset, 0x04034b50))
    return damaged (archive, name, error);
  start = offset + LOCAL_SIZE + read_le (archive->data + offset + 26, 2) +
          read_le (archive->data + offset + 28, 2);
  if (start > archive->size || size > archive->size - start)
    return damaged (archive, name, error);
  if (g_hash_table_contains (members, name))
    return damaged (archive, _("two members have the same name"), error);
  member = g_new (DiffusionZipMember, 1);
  member->name = g_steal_pointer (&name);
  member->data = archive->data + start;
  member->size = size;
  g_hash_table_insert (members, member->name, member);
  return TRUE;
}

static void
member_free (gpointer data)
{
  DiffusionZipMember *member = data;

  g_free (member->name);
  g_free (member);
}

GHashTable *
diffusion_zip_index (const char *path, GBytes *bytes, GError **error)
{
  g_autoptr (GHashTable) members = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, member_free);
  Archive archive = { .path = path };
  guint64 offset, length, count;

  archive.data = g_bytes_get_data (bytes, &archive.size);
  if (!find_directory (&archive, &offset, &length, &count, error))
    return NULL;
  for (; count > 0; count--)
    {
      gsize used;

      if (!read_member (&archive, archive.data + offset, length, &used, members, error))
        return NULL;
      offset += used;
      length -= used;
    }
  return g_steal_pointer (&members);
}
