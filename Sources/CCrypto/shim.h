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

// Ed25519 in one call each: a seed and a public key of 32 bytes, a signature of 64.

static inline bool plumb_ed25519_public(const uint8_t *seed, uint8_t *public_key) {
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
  size_t count = 32;
  bool done = key && EVP_PKEY_get_raw_public_key(key, public_key, &count) == 1 && count == 32;
  EVP_PKEY_free(key);
  return done;
}

static inline bool plumb_ed25519_sign(
    const uint8_t *seed, const uint8_t *text, size_t text_count, uint8_t *signature
) {
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  size_t count = 64;
  bool done = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1
      && EVP_DigestSign(context, signature, &count, text, text_count) == 1 && count == 64;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return done;
}

static inline bool plumb_ed25519_verify(
    const uint8_t *public_key, const uint8_t *text, size_t text_count, const uint8_t *signature
) {
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool done = key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1
      && EVP_DigestVerify(context, signature, 64, text, text_count) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return done;
}
