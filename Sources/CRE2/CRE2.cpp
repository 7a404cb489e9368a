#include <re2/re2.h>

#include <cstdio>
#include <new>

// C has a keyword where C++ has a type.
#define _Bool bool
#include "CRE2.h"

struct plumb_regex {
  re2::RE2 compiled;
  plumb_regex(re2::StringPiece pattern, const re2::RE2::Options &options)
      : compiled(pattern, options) {}
};

extern "C" plumb_regex *plumb_regex_create(const uint8_t *pattern, size_t length, char *fault,
                                           size_t room) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  // Program and automaton of one pattern; beyond it RE2 is slower, never wrong.
  options.set_max_mem(8 << 20);
  auto *regex = new (std::nothrow)
      plumb_regex(re2::StringPiece(reinterpret_cast<const char *>(pattern), length), options);
  if (regex == nullptr) {
    std::snprintf(fault, room, "out of memory");
    return nullptr;
  }
  if (regex->compiled.ok()) return regex;
  std::snprintf(fault, room, "%s", regex->compiled.error().c_str());
  delete regex;
  return nullptr;
}

extern "C" void plumb_regex_destroy(plumb_regex *regex) { delete regex; }

extern "C" bool plumb_regex_search(const plumb_regex *regex, const uint8_t *text, size_t length) {
  re2::StringPiece piece(reinterpret_cast<const char *>(text), length);
  return regex->compiled.Match(piece, 0, length, re2::RE2::UNANCHORED, nullptr, 0);
}
