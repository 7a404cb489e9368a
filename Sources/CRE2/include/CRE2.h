// A plain C face of RE2: regular expressions whose time is linear in the text.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plumb_regex plumb_regex;

/// Compiles a pattern, or returns NULL and writes why into `fault`, which holds `room` bytes.
plumb_regex *plumb_regex_create(const uint8_t *pattern, size_t length, char *fault, size_t room);
void plumb_regex_destroy(plumb_regex *regex);

/// Whether the pattern matches somewhere in the text. May be called from several threads at once.
_Bool plumb_regex_search(const plumb_regex *regex, const uint8_t *text, size_t length);

#ifdef __cplusplus
}
#endif
