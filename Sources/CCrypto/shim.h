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

// Certificates, as they are read from files.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

struct plumb_certificate {
  char subject[1024];
  char issuer[1024];
  uint8_t digest[32];
  int64_t begins;  // seconds since 1970
  int64_t ends;
};

static inline bool plumb_asn1_seconds(const ASN1_TIME *time, int64_t *seconds) {
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  int days = 0, rest = 0;
  bool done = epoch && time && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  *seconds = (int64_t)days * 86400 + rest;
  return done;
}

static inline void plumb_name_text(X509_NAME *name, char *text, int size) {
  text[0] = 0;
  BIO *out = BIO_new(BIO_s_mem());
  if (!out) return;
  if (X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
    int count = BIO_read(out, text, size - 1);
    text[count > 0 ? count : 0] = 0;
  }
  BIO_free(out);
}

static inline bool plumb_certificate_facts(X509 *certificate, struct plumb_certificate *facts) {
  unsigned int count = sizeof facts->digest;
  memset(facts, 0, sizeof *facts);
  plumb_name_text(X509_get_subject_name(certificate), facts->subject, sizeof facts->subject);
  plumb_name_text(X509_get_issuer_name(certificate), facts->issuer, sizeof facts->issuer);
  return X509_digest(certificate, EVP_sha256(), facts->digest, &count) == 1
      && plumb_asn1_seconds(X509_get0_notBefore(certificate), &facts->begins)
      && plumb_asn1_seconds(X509_get0_notAfter(certificate), &facts->ends);
}

static inline int plumb_take_pkcs7(PKCS7 *bundle, struct plumb_certificate *found, int room) {
  int count = 0;
  STACK_OF(X509) *stack = NULL;
  if (PKCS7_type_is_signed(bundle) && bundle->d.sign) stack = bundle->d.sign->cert;
  for (int index = 0; stack && index < sk_X509_num(stack) && count < room; index++) {
    if (!plumb_certificate_facts(sk_X509_value(stack, index), &found[count])) return -1;
    count++;
  }
  return count;
}

// Reads the certificates of a file: PEM, in which other things are passed over, DER, or PKCS#7 in either.
// Returns how many there are, at most as many as there is room for; -1 where a part cannot be read.
static inline int plumb_read_certificates(
    const uint8_t *bytes, long size, struct plumb_certificate *found, int room
) {
  int count = 0;
  bool is_broken = false, is_pem = false;
  BIO *in = BIO_new_mem_buf(bytes, (int)size);
  char *name = NULL, *header = NULL;
  unsigned char *data = NULL;
  long length = 0;
  ERR_clear_error();
  while (in && count < room && PEM_read_bio(in, &name, &header, &data, &length) == 1) {
    const unsigned char *place = data;
    is_pem = true;
    if (strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0
        || strcmp(name, "TRUSTED CERTIFICATE") == 0) {
      X509 *certificate = d2i_X509(NULL, &place, length);
      if (certificate && plumb_certificate_facts(certificate, &found[count])) count++;
      else is_broken = true;
      X509_free(certificate);
    } else if (strcmp(name, "PKCS7") == 0 || strcmp(name, "CMS") == 0) {
      PKCS7 *bundle = d2i_PKCS7(NULL, &place, length);
      int taken = bundle ? plumb_take_pkcs7(bundle, found + count, room - count) : -1;
      if (taken >= 0) count += taken;
      else is_broken = true;
      PKCS7_free(bundle);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)length);
  }
  // What it ended at is the end only where no other part begins.
  if (is_pem && count < room && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) is_broken = true;
  ERR_clear_error();
  BIO_free(in);
  if (is_pem) return is_broken ? -1 : count;
  const unsigned char *place = bytes;
  X509 *certificate = d2i_X509(NULL, &place, size);
  if (certificate) {
    count = plumb_certificate_facts(certificate, found) ? 1 : -1;
    X509_free(certificate);
    return count;
  }
  place = bytes;
  PKCS7 *bundle = d2i_PKCS7(NULL, &place, size);
  if (!bundle) return -1;
  count = plumb_take_pkcs7(bundle, found, room);
  PKCS7_free(bundle);
  return count;
}

static inline const char *plumb_certificate_subject(const struct plumb_certificate *facts) { return facts->subject; }
static inline const char *plumb_certificate_issuer(const struct plumb_certificate *facts) { return facts->issuer; }
static inline const uint8_t *plumb_certificate_digest(const struct plumb_certificate *facts) { return facts->digest; }
