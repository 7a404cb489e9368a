#include "CSimdjson.h"

// Callers keep every core busy with buffers of their own, so simdjson's helper thread per stream,
// which this macro switches on, would only compete with them.
#undef _REENTRANT
#undef SIMDJSON_THREADS_ENABLED
#include <simdjson.h>

#include <cstring>
#include <new>
#include <optional>

using namespace simdjson;

struct plumb_parser {
  dom::parser dom;
  std::optional<dom::document_stream> stream;
  std::optional<dom::document_stream::iterator> position;
  bool started = false;
  size_t depth;

  explicit plumb_parser(size_t max_depth) : depth(max_depth) {}
};

extern "C" plumb_parser *plumb_parser_create(size_t max_depth) {
  return new (std::nothrow) plumb_parser(max_depth);
}

extern "C" void plumb_parser_destroy(plumb_parser *parser) { delete parser; }

static error_code grow(plumb_parser *parser, size_t length) {
  if (parser->dom.capacity() >= length && parser->dom.max_depth() == parser->depth) return SUCCESS;
  return parser->dom.allocate(length < 1024 ? 1024 : length, parser->depth);
}

static void fill(plumb_parser *parser, plumb_document *out, size_t offset) {
  out->tape = {parser->dom.doc.tape.get(), parser->dom.doc.string_buf.get()};
  out->offset = offset;
}

extern "C" int plumb_parse(plumb_parser *parser, const uint8_t *bytes, size_t length,
                           plumb_document *out) {
  parser->position.reset();
  parser->stream.reset();
  if (auto error = grow(parser, length)) return error;
  auto result = parser->dom.parse(bytes, length, false);
  if (result.error()) return result.error();
  fill(parser, out, 0);
  return SUCCESS;
}

extern "C" int plumb_stream_begin(plumb_parser *parser, const uint8_t *bytes, size_t length) {
  parser->position.reset();
  parser->stream.reset();
  parser->started = false;
  if (auto error = grow(parser, length)) return error;
  parser->stream.emplace();
  return parser->dom.parse_many(bytes, length, length < 64 ? 64 : length).get(*parser->stream);
}

extern "C" int plumb_stream_next(plumb_parser *parser, plumb_document *out) {
  if (!parser->stream) return -1;
  if (!parser->started) {
    parser->position.emplace(parser->stream->begin());
    parser->started = true;
  } else {
    ++*parser->position;
  }
  if (!(*parser->position != parser->stream->end())) return -1;
  auto element = **parser->position;
  if (element.error() == EMPTY) return -1;
  if (element.error()) return element.error();
  fill(parser, out, parser->position->current_index());
  return SUCCESS;
}

extern "C" const char *plumb_error_text(int code) {
  return error_message(static_cast<error_code>(code));
}

extern "C" size_t plumb_count_lines(const uint8_t *bytes, size_t length) {
  size_t count = 0;
  const uint8_t *end = bytes + length;
  while (bytes < end) {
    auto found = static_cast<const uint8_t *>(memchr(bytes, '\n', end - bytes));
    if (!found) break;
    count++;
    bytes = found + 1;
  }
  return count;
}

extern "C" size_t plumb_line_length(const uint8_t *bytes, size_t length) {
  auto found = length ? static_cast<const uint8_t *>(memchr(bytes, '\n', length)) : nullptr;
  return found ? static_cast<size_t>(found - bytes) : length;
}
