// parse_simdjson FILE [CHUNK] [BATCH]: how fast simdjson alone parses an inventory, on one thread.
//
// The file is read in chunks of CHUNK bytes (default 1 MiB) cut at the last line end, and each chunk is parsed with
// dom::parser::parse_many in batches of BATCH bytes (default 256 KiB; must hold the longest line). Every document is
// parsed in full; nothing is done with it. Prints documents, bytes, CPU seconds and wall seconds as JSON.
//
//   g++ -O3 -std=c++17 parse_simdjson.cpp -o parse_simdjson -lsimdjson
#include <fcntl.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

double cpu_seconds() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](timeval t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "parse_simdjson: %s\n", what);
  std::exit(1);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2 || argc > 4) fail("usage: parse_simdjson FILE [CHUNK] [BATCH]");
  const size_t chunk = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : size_t(1) << 20;
  const size_t batch = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : size_t(256) << 10;
  if (chunk < batch || batch == 0) fail("CHUNK must be at least BATCH");

  const auto started = std::chrono::steady_clock::now();
  const double used = cpu_seconds();
  const int file = open(argv[1], O_RDONLY);
  if (file < 0) fail("cannot open the file");
  posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);

  std::unique_ptr<char[]> buffer(new char[chunk + simdjson::SIMDJSON_PADDING]);
  simdjson::dom::parser parser;
#ifdef SIMDJSON_THREADS_ENABLED
  parser.threaded = false;
#endif

  unsigned long long documents = 0, bytes = 0;
  size_t held = 0;
  for (bool more = true; more || held > 0;) {
    while (more && held < chunk) {
      const ssize_t got = read(file, buffer.get() + held, chunk - held);
      if (got < 0) fail("cannot read the file");
      more = got > 0;
      held += size_t(got);
    }
    if (held == 0) break;
    size_t whole = held;
    if (more) {
      const void *end = memrchr(buffer.get(), '\n', held);
      if (end == nullptr) fail("a line is longer than CHUNK");
      whole = size_t(static_cast<const char *>(end) - buffer.get()) + 1;
    }
    simdjson::dom::document_stream stream;
    if (parser.parse_many(buffer.get(), whole, batch).get(stream)) fail("cannot parse");
    for (auto document : stream) {
      if (document.error()) fail(simdjson::error_message(document.error()));
      ++documents;
    }
    if (stream.truncated_bytes() != 0) fail("a document is cut off or longer than BATCH");
    bytes += whole;
    held -= whole;
    std::memmove(buffer.get(), buffer.get() + whole, held);
  }
  close(file);

  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  std::printf(
      "{\"documents\":%llu,\"bytes\":%llu,\"cpu_seconds\":%.3f,\"wall_seconds\":%.3f,\"implementation\":\"%s\"}\n",
      documents, bytes, cpu_seconds() - used, wall.count(), simdjson::get_active_implementation()->name().c_str());
}
