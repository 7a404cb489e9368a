// A plain C face of simdjson's DOM parser: a document is its tape and its string buffer.
// The tape format: https://github.com/simdjson/simdjson/blob/master/doc/tape.md
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plumb_parser plumb_parser;

/// One parsed document, borrowed from its parser: the tape and the buffer of its strings.
///
/// A place on the tape is an index; the document's value stands at place 1. The accessors are
/// inline functions of this header because they are read for every value of every resource, from
/// more than one Swift module.
typedef struct __attribute__((swift_name("Tape"))) {
  const uint64_t *words;
  const uint8_t *strings;
} plumb_tape;

/// What stands at a place of a tape, by simdjson's letter.
typedef enum __attribute__((enum_extensibility(open), swift_name("TapeKind"))) : uint8_t {
  plumb_kind_object __attribute__((swift_name("object"))) = '{',
  plumb_kind_array __attribute__((swift_name("array"))) = '[',
  plumb_kind_string __attribute__((swift_name("string"))) = '"',
  plumb_kind_int64 __attribute__((swift_name("int64"))) = 'l',
  plumb_kind_uint64 __attribute__((swift_name("uint64"))) = 'u',
  plumb_kind_double __attribute__((swift_name("double"))) = 'd',
  plumb_kind_yes __attribute__((swift_name("yes"))) = 't',
  plumb_kind_no __attribute__((swift_name("no"))) = 'f',
  plumb_kind_null __attribute__((swift_name("null"))) = 'n',
} plumb_kind;

/// What stands at a place.
__attribute__((swift_name("Tape.kind(self:_:)")))
static inline plumb_kind plumb_tape_kind(plumb_tape tape, intptr_t place) {
  return (plumb_kind)(tape.words[place] >> 56);
}

/// The place behind the value at a place, its whole subtree left out.
__attribute__((swift_name("Tape.next(self:_:)")))
static inline intptr_t plumb_tape_next(plumb_tape tape, intptr_t place) {
  uint64_t word = tape.words[place];
  uint8_t kind = (uint8_t)(word >> 56);
  if (kind == '{' || kind == '[') return (intptr_t)(uint32_t)word;
  return place + (kind == 'l' || kind == 'u' || kind == 'd' ? 2 : 1);
}

/// The place of the closing bracket of the object or array at a place.
__attribute__((swift_name("Tape.end(self:_:)")))
static inline intptr_t plumb_tape_end(plumb_tape tape, intptr_t place) {
  return (intptr_t)(uint32_t)tape.words[place] - 1;
}

/// Where the bytes of the string at a place begin; UTF-8 without escapes.
__attribute__((swift_name("Tape.textStart(self:_:)")))
static inline const uint8_t *plumb_tape_text(plumb_tape tape, intptr_t place) {
  return tape.strings + (tape.words[place] & 0x00FFFFFFFFFFFFFFull) + sizeof(uint32_t);
}

/// How many bytes the string at a place has.
__attribute__((swift_name("Tape.textLength(self:_:)")))
static inline intptr_t plumb_tape_length(plumb_tape tape, intptr_t place) {
  uint32_t length;
  __builtin_memcpy(&length, plumb_tape_text(tape, place) - sizeof(length), sizeof(length));
  return (intptr_t)length;
}

/// The signed number at a place of kind `int64`.
__attribute__((swift_name("Tape.int64(self:_:)")))
static inline int64_t plumb_tape_int64(plumb_tape tape, intptr_t place) {
  return (int64_t)tape.words[place + 1];
}

/// The number at a place of kind `int64`, `uint64` or `double`.
__attribute__((swift_name("Tape.double(self:_:)")))
static inline double plumb_tape_double(plumb_tape tape, intptr_t place) {
  double number;
  switch ((uint8_t)(tape.words[place] >> 56)) {
    case 'l': return (double)(int64_t)tape.words[place + 1];
    case 'u': return (double)tape.words[place + 1];
    default: __builtin_memcpy(&number, &tape.words[place + 1], sizeof(number)); return number;
  }
}

/// A document of a parser. The tape stays valid until the parser's next call.
typedef struct {
  plumb_tape tape;
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

/// How many line ends a text holds.
size_t plumb_count_lines(const uint8_t *bytes, size_t length);

/// How many bytes stand before a text's first line end, or its length where there is none.
size_t plumb_line_length(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
