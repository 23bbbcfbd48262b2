/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damages inputs at random and feeds them to a function that must survive them. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/base/random.h"

#define MAX_ROUNDS 100000

typedef struct
{
  DiffusionStream stream;
  gint32 next;
} Dice;

static guint32
roll (Dice *dice, gsize sides)
{
  guint32 bits[4];

  diffusion_random_bits (&dice->stream, dice->next++, 0, 0, bits);
  return (guint32)(bits[0] % MAX (sides, 1));
}

static void
damage_number (Dice *dice, GByteArray *input)
{
  static const guint64 values[] = { 0,
                                    1,
                                    0x7f,
                                    0x80,
                                    0xff,
                                    0x7fff,
                                    0xffff,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x7fffffffffffffff,
                                    0xffffffffffffffff };
  static const guint sizes[] = { 1, 2, 4, 8 };
  guint64 value = GUINT64_TO_LE (values[roll (dice, G_N_ELEMENTS (values))]);
  guint size = sizes[roll (dice, G_N_ELEMENTS (sizes))];

  size = MIN (size, input->len);
  memcpy (input->data + roll (dice, input->len - size + 1), &value, size);
}

static void
damage_text (Dice *dice, GByteArray *input)
{
  static const char *const words[] = { "0",    "-1", "9",  "99999999999", "1e300", "null", "true",
                                       "\"",   "{",  "[",  "]",           "}",     ",",    ":",
                                       "\"\"", "[]", "{}", "0.5",         "," };
  const char *word = words[roll (dice, G_N_ELEMENTS (words))];
  gsize length = MIN (strlen (word), input->len);

  memcpy (input->data + roll (dice, input->len - length + 1), word, length);
}

static void
damage (Dice *dice, GByteArray *input, gboolean text)
{
  guint from, to, length;

  if (input->len == 0)
    return;
  switch (roll (dice, text ? 9 : 6))
    {
    case 0:
      input->data[roll (dice, input->len)] ^= (guint8)(1 << roll (dice, 8));
      break;
    case 1:
      input->data[roll (dice, input->len)] = (guint8)roll (dice, 256);
      break;
    case 2:
      damage_number (dice, input);
      break;
    case 3: /* cut a piece out, or the end off */
      from = roll (dice, input->len);
      length = 1 + roll (dice, roll (dice, 8) == 0 ? input->len : 8);
      length = MIN (length, input->len - from);
      g_byte_array_remove_range (input, from, length);
      break;
    case 4: /* one piece over another */
    case 5:
      from = roll (dice, input->len);
      to = roll (dice, input->len);
      length = 1 + roll (dice, 32);
      length = MIN (length, input->len - MAX (from, to));
      memmove (input->data + to, input->data + from, length);
      break;
    default:
      damage_text (dice, input);
    }
}

void
fuzz_run (gconstpointer seed_input,
          gsize size,
          gboolean text,
          void (*target) (const guint8 *data, gsize size))
{
  const char *seconds = g_getenv ("DIFFUSION_FUZZ_SECONDS"), *seed = g_getenv ("DIFFUSION_FUZZ_SEED");
  gboolean verbose = g_getenv ("DIFFUSION_FUZZ_VERBOSE") != NULL;
  gint64 end = g_get_monotonic_time () +
               (gint64)((seconds != NULL ? g_ascii_strtod (seconds, NULL) : 2) * G_USEC_PER_SEC);
  guint round;

  /* Too rare among the damaged ones to be met in every run: no bytes at all. */
  target (NULL, 0);
  for (round = 0; round < MAX_ROUNDS && g_get_monotonic_time () < end; round++)
    {
      g_autoptr (GByteArray) input = g_byte_array_new ();
      Dice dice = { { seed != NULL ? g_ascii_strtoull (seed, NULL, 10) : 1, DIFFUSION_PURPOSE_DATA, round },
                    0 };
      g_autofree guint8 *exact = NULL;

      if (verbose)
        g_printerr ("round %u\n", round);
      g_byte_array_append (input, seed_input, (guint)size);
      for (guint times = 1 + roll (&dice, 4); times > 0; times--)
        damage (&dice, input, text);
      /* In a block of exactly its size, so that reading past the end is seen. */
      exact = g_memdup2 (input->data, input->len);
      target (exact, input->len);
    }
  g_test_message ("%u rounds", round);
}
