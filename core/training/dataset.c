/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders of pictures, decoded once into memory or into a cache file that is mapped. */
#include "core/training/dataset.h"

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/output-file.h"

#define CACHE_MAGIC "DIFFDAT1"
#define STRIP_ROWS 64

typedef struct
{
  char *path;
  const char *name; /* inside path: below the folder that was given */
  char *class_name; /* NULL: none */
} File;

/* A picture as the cache stores it; width 0: cannot be decoded. */
typedef struct
{
  guint32 width, height, bits, reserved;
  guint64 offset;
} Entry;

typedef struct
{
  char magic[8];
  guint8 digest[32];
  guint64 count;
} CacheHeader;

typedef struct
{
  const File *file;
  const guint8 *samples; /* [height, width, 3], 8 or 16 bits */
  gint width, height, bits, label;
} Picture;

struct _DiffusionDataset
{
  GPtrArray *files;
  GPtrArray *blocks; /* decoded pictures without a cache */
  GMappedFile *map;
  Picture *pictures;
  gsize size, skipped, bytes;
  GPtrArray *classes; /* NULL-terminated */
};

static void
file_free (gpointer data)
{
  File *file = data;

  g_free (file->path);
  g_free (file->class_name);
  g_free (file);
}

static gboolean
has_known_extension (const char *name)
{
  static const char *const extensions[] = { ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff" };
  g_autofree char *lower = g_ascii_strdown (name, -1);

  for (gsize i = 0; i < G_N_ELEMENTS (extensions); i++)
    if (g_str_has_suffix (lower, extensions[i]))
      return TRUE;
  return FALSE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Adds the pictures of a folder in the order of their names. The depth is limited, so that a loop
 * of symbolic links ends. */
static gboolean
list_folder (GPtrArray *files, const char *root, const char *folder, guint depth, gboolean by_class, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          if (depth < 16 && !list_folder (files, root, path, depth + 1, by_class, error))
            return FALSE;
        }
      else if (has_known_extension (names->pdata[i]))
        {
          File *file;

          if (by_class && depth == 0)
            {
              g_warning (_("“%s” lies in no class folder and is left out"), path);
              continue;
            }
          file = g_new0 (File, 1);
          file->path = g_steal_pointer (&path);
          file->name = file->path + strlen (root);
          file->name += strspn (file->name, "/");
          if (by_class)
            file->class_name = g_strndup (file->name, strcspn (file->name, "/"));
          g_ptr_array_add (files, file);
        }
    }
  return TRUE;
}

/* What the cache was made from: names, sizes and times. */
static void
digest_files (const GPtrArray *files, guint8 digest[32])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = 32;

  for (guint i = 0; i < files->len; i++)
    {
      const File *file = files->pdata[i];
      GStatBuf info;
      gint64 facts[3] = { 0, 0, 0 };

      if (g_stat (file->path, &info) == 0)
        {
          facts[0] = (gint64) info.st_size;
          facts[1] = (gint64) info.st_mtim.tv_sec;
          facts[2] = (gint64) info.st_mtim.tv_nsec;
        }
      g_checksum_update (sum, (const guchar *) file->path, (gssize) strlen (file->path) + 1);
      g_checksum_update (sum, (const guchar *) facts, sizeof facts);
    }
  g_checksum_get_digest (sum, digest, &length);
}

static inline guint32
quantise (float value, float maximum)
{
  value = value * maximum + 0.5f;
  /* Written so that NaN becomes 0. */
  return value > 0 ? (guint32) MIN (value, maximum) : 0;
}

/* Decodes one file. Returns the samples [height, width, 3], or NULL with error set. */
static guint8 *
decode (const File *file, DiffusionPictureOpenFunc open, Entry *entry, gsize *bytes, GError **error)
{
  g_autoptr (DiffusionPicture) picture = open (file->path, error);
  g_autofree float *strip = NULL;
  gsize width, channels, sample;
  guint8 *samples;

  if (picture == NULL)
    return NULL;
  width = (gsize) picture->width;
  channels = (gsize) picture->channels;
  entry->width = (guint32) picture->width;
  entry->height = (guint32) picture->height;
  entry->bits = picture->bits == 8 ? 8 : 16;
  sample = entry->bits / 8;
  if (!g_size_checked_mul (bytes, width * 3 * sample, (gsize) picture->height))
    *bytes = G_MAXSIZE;
  samples = diffusion_try_alloc (*bytes, file->path, error);
  if (samples == NULL)
    return NULL;
  strip = g_new (float, width * channels * STRIP_ROWS);
  for (gint y = 0; y < picture->height; y += STRIP_ROWS)
    {
      gint rows = MIN (STRIP_ROWS, picture->height - y);
      gsize first = (gsize) y * width;

      if (!picture->read (picture, 0, y, picture->width, rows, strip, error))
        {
          diffusion_free (samples);
          return NULL;
        }
      for (gsize i = 0; i < (gsize) rows * width; i++)
        for (gsize c = 0; c < 3; c++)
          {
            float value = strip[i * channels + (channels == 3 ? c : 0)];

            if (sample == 1)
              samples[(first + i) * 3 + c] = (guint8) quantise (value, 255);
            else
              ((guint16 *) samples)[(first + i) * 3 + c] = (guint16) quantise (value, 65535);
          }
    }
  return samples;
}

/* Maps a cache made from the same files: header, samples, entries. FALSE when there is none; entries then stay
 * as they are. */
static gboolean
map_cache (DiffusionDataset *dataset, const char *path, const guint8 digest[32], Entry *entries)
{
  const gsize count = dataset->files->len, table = count * sizeof (Entry);
  g_autoptr (GMappedFile) map = g_mapped_file_new (path, FALSE, NULL);
  gsize bytes = map != NULL ? g_mapped_file_get_length (map) : 0;
  const char *start = map != NULL ? g_mapped_file_get_contents (map) : NULL;
  CacheHeader header;
  g_autofree Entry *stored = NULL;

  if (bytes < sizeof header + table)
    return FALSE;
  memcpy (&header, start, sizeof header);
  if (memcmp (header.magic, CACHE_MAGIC, 8) != 0 || memcmp (header.digest, digest, 32) != 0 || header.count != count)
    return FALSE;
  stored = g_memdup2 (start + bytes - table, table);
  for (gsize i = 0; i < count; i++)
    {
      gsize need;

      if (stored[i].width == 0)
        continue;
      if ((stored[i].bits != 8 && stored[i].bits != 16) || stored[i].width > G_MAXINT || stored[i].height > G_MAXINT ||
          !g_size_checked_mul (&need, (gsize) stored[i].width * 3 * (stored[i].bits / 8), stored[i].height) ||
          stored[i].offset > bytes || need > bytes - stored[i].offset || stored[i].offset % 2 != 0)
        {
          g_warning (_("“%s” is damaged and is made again"), path);
          return FALSE;
        }
    }
  memcpy (entries, stored, table);
  dataset->map = g_steal_pointer (&map);
  return TRUE;
}

/* Decodes every file, into memory or into the cache. */
static gboolean
decode_all (DiffusionDataset *dataset, DiffusionPictureOpenFunc open, const char *cache, const guint8 digest[32],
            Entry *entries, DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
            GError **error)
{
  const gsize count = dataset->files->len;
  g_autoptr (DiffusionOutputFile) output = NULL;
  CacheHeader header = { .count = count };
  guint64 offset = sizeof header;

  memcpy (header.magic, CACHE_MAGIC, 8);
  memcpy (header.digest, digest, 32);
  if (cache != NULL)
    {
      output = diffusion_output_file_new (cache, error);
      if (output == NULL || !diffusion_output_file_write (output, &header, sizeof header, error))
        return FALSE;
    }
  for (gsize i = 0; i < count; i++)
    {
      const File *file = dataset->files->pdata[i];
      g_autoptr (GError) reason = NULL;
      guint8 *samples;
      gsize bytes = 0;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      samples = decode (file, open, &entries[i], &bytes, &reason);
      if (samples == NULL)
        {
          if (g_error_matches (reason, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY))
            {
              g_propagate_error (error, g_steal_pointer (&reason));
              return FALSE;
            }
          g_warning (_("“%s” is skipped: %s"), file->path, reason != NULL ? reason->message : "?");
          memset (&entries[i], 0, sizeof entries[i]);
        }
      else if (output == NULL)
        {
          dataset->blocks->pdata[i] = samples;
          dataset->bytes += bytes;
        }
      else
        {
          static const guint8 zeros[DIFFUSION_ALIGNMENT];
          gsize padding = (DIFFUSION_ALIGNMENT - offset % DIFFUSION_ALIGNMENT) % DIFFUSION_ALIGNMENT;
          gboolean written = diffusion_output_file_write (output, zeros, padding, error) &&
                             diffusion_output_file_write (output, samples, bytes, error);

          diffusion_free (samples);
          if (!written)
            return FALSE;
          entries[i].offset = offset + padding;
          offset += padding + bytes;
        }
      if (progress != NULL)
        progress ((double) (i + 1) / (double) count, progress_data);
    }
  return output == NULL || (diffusion_output_file_write (output, entries, count * sizeof (Entry), error) &&
                            diffusion_output_file_commit (output, error));
}

static gboolean
is_held_out (const char *name, double share)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);
  char head[9] = "";

  memcpy (head, digest, 8);
  return (double) g_ascii_strtoull (head, NULL, 16) / 4294967296.0 < share;
}

static gint
find_class (const DiffusionDataset *dataset, const char *name)
{
  for (guint i = 0; name != NULL && i + 1 < dataset->classes->len; i++)
    if (g_str_equal (dataset->classes->pdata[i], name))
      return (gint) i;
  return -1;
}

static void
collect_classes (DiffusionDataset *dataset)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < dataset->files->len; i++)
    {
      const File *file = dataset->files->pdata[i];

      if (file->class_name != NULL && g_hash_table_add (seen, file->class_name))
        g_ptr_array_add (dataset->classes, g_strdup (file->class_name));
    }
  g_ptr_array_sort (dataset->classes, compare_names);
  g_ptr_array_add (dataset->classes, NULL);
}

DiffusionDataset *
diffusion_dataset_open (const char *const *folders, DiffusionPictureOpenFunc open, gboolean by_class,
                        DiffusionDatasetPart part, double held_out, const char *cache, DiffusionProgressFunc progress,
                        gpointer progress_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (DiffusionDataset) dataset = g_new0 (DiffusionDataset, 1);
  g_autofree Entry *entries = NULL;
  guint8 digest[32];

  dataset->files = g_ptr_array_new_with_free_func (file_free);
  dataset->blocks = g_ptr_array_new_with_free_func (diffusion_free);
  dataset->classes = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; folders[i] != NULL; i++)
    if (!list_folder (dataset->files, folders[i], folders[i], 0, by_class, error))
      return NULL;
  collect_classes (dataset);
  entries = g_new0 (Entry, MAX (dataset->files->len, 1));
  g_ptr_array_set_size (dataset->blocks, (gint) dataset->files->len);
  digest_files (dataset->files, digest);
  if (dataset->files->len > 0 && (cache == NULL || !map_cache (dataset, cache, digest, entries)))
    {
      if (!decode_all (dataset, open, cache, digest, entries, progress, progress_data, cancellable, error))
        return NULL;
      if (cache != NULL && !map_cache (dataset, cache, digest, entries))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("Could not read “%s” back"), cache);
          return NULL;
        }
    }

  dataset->pictures = g_new0 (Picture, MAX (dataset->files->len, 1));
  for (guint i = 0; i < dataset->files->len; i++)
    {
      const File *file = dataset->files->pdata[i];
      Picture *picture = &dataset->pictures[dataset->size];

      if (entries[i].width == 0)
        {
          dataset->skipped++;
          continue;
        }
      if (part != DIFFUSION_DATASET_ALL && is_held_out (file->name, held_out) != (part == DIFFUSION_DATASET_HELD_OUT))
        continue;
      picture->file = file;
      picture->samples =
        dataset->map != NULL ? (const guint8 *) g_mapped_file_get_contents (dataset->map) + entries[i].offset : dataset->blocks->pdata[i];
      picture->width = (gint) entries[i].width;
      picture->height = (gint) entries[i].height;
      picture->bits = (gint) entries[i].bits;
      picture->label = find_class (dataset, file->class_name);
      dataset->size++;
    }
  if (dataset->size == 0)
    {
      g_autofree char *names = g_strjoinv ("”, “", (char **) folders);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND, _("No usable picture in “%s” (%zu"
                                                                       " could not be read)"), names, dataset->skipped);
      return NULL;
    }
  return g_steal_pointer (&dataset);
}

void
diffusion_dataset_free (DiffusionDataset *dataset)
{
  if (dataset == NULL)
    return;
  g_clear_pointer (&dataset->map, g_mapped_file_unref);
  g_ptr_array_unref (dataset->files);
  g_ptr_array_unref (dataset->blocks);
  g_ptr_array_unref (dataset->classes);
  g_free (dataset->pictures);
  g_free (dataset);
}

gsize
diffusion_dataset_get_size (const DiffusionDataset *dataset)
{
  return dataset->size;
}

gsize
diffusion_dataset_get_skipped (const DiffusionDataset *dataset)
{
  return dataset->skipped;
}

gsize
diffusion_dataset_get_bytes (const DiffusionDataset *dataset)
{
  return dataset->bytes;
}

const char *const *
diffusion_dataset_get_classes (const DiffusionDataset *dataset)
{
  return (const char *const *) dataset->classes->pdata;
}

const char *
diffusion_dataset_get_picture (const DiffusionDataset *dataset, gsize index, gint *width, gint *height, gint *label)
{
  const Picture *picture = &dataset->pictures[index];

  if (width != NULL)
    *width = picture->width;
  if (height != NULL)
    *height = picture->height;
  if (label != NULL)
    *label = picture->label;
  return picture->file->path;
}

/* Position inside [0, n) of a coordinate outside, on a torus or by reflection about the outermost pixels. */
static gint
fold (gint i, gint n, gboolean wrap)
{
  gint period = wrap ? n : MAX (2 * (n - 1), 1);

  i %= period;
  if (i < 0)
    i += period;
  return i < n ? i : period - i;
}

void
diffusion_dataset_read (const DiffusionDataset *dataset, gsize index, gint x, gint y, gint width, gint height,
                        gboolean wrap, float *out)
{
  const Picture *picture = &dataset->pictures[index];

  for (gint row = 0; row < height; row++)
    {
      gsize line = (gsize) fold (y + row, picture->height, wrap) * (gsize) picture->width;

      for (gint column = 0; column < width; column++)
        {
          gsize i = (line + (gsize) fold (x + column, picture->width, wrap)) * 3;

          for (gsize c = 0; c < 3; c++)
            *out++ = picture->bits == 8 ? (float) picture->samples[i + c] / 127.5f - 1
                                        : (float) ((const guint16 *) (gconstpointer) picture->samples)[i + c] / 32767.5f - 1;
        }
    }
}
