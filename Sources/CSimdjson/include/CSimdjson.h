// A plain C face of simdjson's DOM parser: a document is its tape and its string buffer.
// The tape format: https://github.com/simdjson/simdjson/blob/master/doc/tape.md
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plumb_parser plumb_parser;

/// One parsed document. `tape` and `strings` stay valid until the parser's next call.
typedef struct {
  const uint64_t *tape;
  const uint8_t *strings;
  size_t offset;
} plumb_document;

/// Bytes that must be readable behind the end of every buffer handed to a parser.
enum { plumb_padding = 64 };

/// A parser that accepts documents of up to `max_depth` levels.
plumb_parser *plumb_parser_create(size_t max_depth);
void plumb_parser_destroy(plumb_parser *parser);

/// Parses one document. Returns 0 or an error code.
int plumb_parse(plumb_parser *parser, const uint8_t *bytes, size_t length, plumb_document *out);

/// Begins to parse documents that stand one after another. Returns 0 or an error code.
int plumb_stream_begin(plumb_parser *parser, const uint8_t *bytes, size_t length);

/// The next document: 0, or -1 at the end, or an error code after which the stream is over.
int plumb_stream_next(plumb_parser *parser, plumb_document *out);

/// What an error code means, as a constant text.
const char *plumb_error_text(int code);

#ifdef __cplusplus
}
#endif
