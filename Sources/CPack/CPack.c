#include "CPack.h"

#include <xxhash.h>
#include <zstd.h>

size_t plumb_pack_bound(size_t length) { return ZSTD_compressBound(length); }

// A context's tables cost more to make than a small block to compress; each thread keeps one, which
// lives as long as the thread and is a few hundred kilobytes.
static _Thread_local ZSTD_CCtx *compressor;

size_t plumb_pack(void *out, size_t capacity, const void *bytes, size_t length, int level) {
  if (!compressor) compressor = ZSTD_createCCtx();
  if (!compressor) return 0;
  ZSTD_CCtx_reset(compressor, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, level);
  // A flipped bit on the disk shall be noticed.
  ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, 1);
  size_t written = ZSTD_compress2(compressor, out, capacity, bytes, length);
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
