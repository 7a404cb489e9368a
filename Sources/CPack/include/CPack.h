// A plain C face of zstd (compression of stored configurations) and XXH3 (fingerprints).
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The most bytes that compressing `length` bytes can take.
size_t plumb_pack_bound(size_t length);

/// Compresses with zstd. Returns the number of bytes written, or 0 where they do not fit.
size_t plumb_pack(void *out, size_t capacity, const void *bytes, size_t length, int level);

/// The length of what a zstd frame holds; 0 where the bytes are no frame with a known length.
uint64_t plumb_unpacked_length(const void *bytes, size_t length);

/// Decompresses a zstd frame. Returns the number of bytes written, or 0 where it is damaged.
size_t plumb_unpack(void *out, size_t capacity, const void *bytes, size_t length);

/// XXH3's 128-bit hash of bytes under a seed: 16 bytes in its canonical order.
void plumb_hash128(uint8_t *out, const void *bytes, size_t length, uint64_t seed);

#ifdef __cplusplus
}
#endif
