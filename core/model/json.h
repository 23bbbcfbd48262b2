/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON of untrusted origin: parsed with limits, read with errors that name the field. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * diffusion_json_parse_object:
 * @name: what to call the text in errors
 * @text: (array length=length) (nullable): the JSON text, UTF-8; %NULL is as good as any other where @length is 0
 * @length: its length in bytes
 * @error: return location for %DIFFUSION_ERROR_FORMAT
 *
 * Refuses deep nesting, member names that occur twice, and anything but an object at the top.
 *
 * Returns: (transfer full) (nullable): the object
 */
JsonObject *diffusion_json_parse_object (const char *name, const char *text, gsize length, GError **error);

/** diffusion_json_load_object: diffusion_json_parse_object() on a file of at most 16 MiB. */
JsonObject *diffusion_json_load_object (const char *path, GError **error);

/** diffusion_json_has: whether @key is there and not null. */
gboolean diffusion_json_has (JsonObject *object, const char *key);

/**
 * diffusion_json_get_int:
 * @name: what to call the text in errors
 * @object: where to look
 * @key: member
 * @minimum: smallest allowed value
 * @maximum: largest allowed value
 * @value: (inout): the number; left alone where @key is absent or null
 * @error: return location for %DIFFUSION_ERROR_FORMAT naming text, key, found and expected
 */
gboolean diffusion_json_get_int (const char *name,
                                 JsonObject *object,
                                 const char *key,
                                 gint64 minimum,
                                 gint64 maximum,
                                 gint *value,
                                 GError **error);

/** diffusion_json_get_double: like diffusion_json_get_int(), for finite numbers. */
gboolean diffusion_json_get_double (const char *name,
                                    JsonObject *object,
                                    const char *key,
                                    double minimum,
                                    double maximum,
                                    double *value,
                                    GError **error);

/** diffusion_json_get_boolean: like diffusion_json_get_int(), for true and false. */
gboolean diffusion_json_get_boolean (
    const char *name, JsonObject *object, const char *key, gboolean *value, GError **error);

/** diffusion_json_get_string: like diffusion_json_get_int(); @value: (inout) (transfer none): owned by
 * @object. */
gboolean diffusion_json_get_string (
    const char *name, JsonObject *object, const char *key, const char **value, GError **error);

/**
 * diffusion_json_get_choice:
 * @name: what to call the text in errors
 * @object: where to look
 * @key: member
 * @choices: (array zero-terminated=1): the allowed strings
 * @value: (inout): index in @choices; left alone where @key is absent or null
 * @error: return location for %DIFFUSION_ERROR_UNSUPPORTED
 */
gboolean diffusion_json_get_choice (const char *name,
                                    JsonObject *object,
                                    const char *key,
                                    const char *const *choices,
                                    gint *value,
                                    GError **error);

/** diffusion_json_get_array: (transfer none) (nullable): the array at @key; absent or null gives %NULL
 * without @error. */
gboolean diffusion_json_get_array (
    const char *name, JsonObject *object, const char *key, JsonArray **value, GError **error);

/**
 * diffusion_json_find_difference:
 * @a: any object
 * @b: another one
 * @in_a: (out) (transfer full): what @a has there as JSON, "null" for nothing
 * @in_b: (out) (transfer full): what @b has there
 *
 * Returns: (transfer full) (nullable): the first member that differs, with the members it is inside ("network.widths");
 * %NULL where there is none, and @in_a and @in_b are left alone
 */
char *diffusion_json_find_difference (JsonObject *a, JsonObject *b, char **in_a, char **in_b);

/**
 * diffusion_json_to_string:
 * @object: any object
 *
 * Returns: (transfer full): the object as indented text with a final newline
 */
char *diffusion_json_to_string (JsonObject *object);

G_END_DECLS
