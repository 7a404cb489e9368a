#include "CPack.h"

#include <xxhash.h>
#include <zstd.h>

size_t plumb_pack_bound(size_t length) { return ZSTD_compressBound(length); }

// A context's tables cost more to make than a small block to compress; each thread keeps one, which
// lives as long as the thread and is a few hundred kilobytes.
static _Thread_local ZSTD_CCtx *compressor;

size_t plumb_pack(void *out, size_t capacity, const void *bytes, size_t length, int level) {
  if (!compressor) compressor = ZSTD_createCCtx();
  size_t written = compressor ? ZSTD_compressCCtx(compressor, out, capacity, bytes, length, level)
                              : ZSTD_compress(out, capacity, bytes, length, level);
  return ZSTD_isError(written) ? 0 : written;
}

uint64_t plumb_unpacked_length(const void *bytes, size_t length) {
  unsigned long long size = ZSTD_getFrameContentSize(bytes, length);
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return 0;
  return size;
}

size_t plumb_unpack(void *out, size_t capacity, const void *bytes, size_t length) {
  size_t written = ZSTD_decompress(out, capacity, bytes, length);
  return ZSTD_isError(written) ? 0 : written;
}

void plumb_hash128(uint8_t *out, const void *bytes, size_t length, uint64_t seed) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(bytes, length, seed));
  __builtin_memcpy(out, canonical.digest, sizeof(canonical.digest));
}
