#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

// AES-256-GCM in one call each way: a key of 32 bytes, a nonce of 12, a tag of 16 behind what was enciphered.

static inline bool plumb_gcm_seal(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *context, int context_count,
    const uint8_t *text, int count, uint8_t *sealed
) {
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  int written = 0;
  bool done = cipher && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1
      && EVP_EncryptUpdate(cipher, NULL, &written, context, context_count) == 1
      && EVP_EncryptUpdate(cipher, sealed, &written, text, count) == 1 && written == count
      && EVP_EncryptFinal_ex(cipher, sealed + count, &written) == 1
      && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, sealed + count) == 1;
  EVP_CIPHER_CTX_free(cipher);
  return done;
}

// False where anything was changed; what was written to the text is then of no worth and is wiped.
static inline bool plumb_gcm_open(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *context, int context_count,
    const uint8_t *sealed, int count, uint8_t *text
) {
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  int written = 0;
  uint8_t tag[16];
  for (int index = 0; index < 16; index++) tag[index] = sealed[count + index];
  bool done = cipher && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce) == 1
      && EVP_DecryptUpdate(cipher, NULL, &written, context, context_count) == 1
      && EVP_DecryptUpdate(cipher, text, &written, sealed, count) == 1 && written == count
      && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1
      && EVP_DecryptFinal_ex(cipher, text + count, &written) == 1;
  EVP_CIPHER_CTX_free(cipher);
  if (!done) OPENSSL_cleanse(text, (size_t)count);
  return done;
}
