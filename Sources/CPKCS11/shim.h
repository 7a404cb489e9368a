#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// Only the interface is p11-kit's; nothing is linked, the module is loaded from where it is said to be.
#include <p11-kit-1/p11-kit/pkcs11.h>

// What has to be known of a key before it is used.
typedef struct {
  uint8_t id[64];
  size_t id_count;
  size_t length;
  bool is_sensitive;
  bool is_extractable;
} plumb_token_key;

// Loads a module; NULL where that fails, dlerror() then says why.
static inline CK_FUNCTION_LIST *plumb_token_module(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
  CK_C_GetFunctionList list = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
  CK_FUNCTION_LIST *module = NULL;
  return list && list(&module) == CKR_OK ? module : NULL;
}

static inline CK_RV plumb_token_start(CK_FUNCTION_LIST *module) {
  CK_C_INITIALIZE_ARGS arguments = {0};
  arguments.flags = CKF_OS_LOCKING_OK;
  CK_RV code = module->C_Initialize(&arguments);
  return code == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : code;
}

static inline CK_RV plumb_token_slots(CK_FUNCTION_LIST *module, CK_SLOT_ID *slots, CK_ULONG *count) {
  return module->C_GetSlotList(CK_TRUE, slots, count);
}

// Copies label and serial number, which are filled up with blanks, and the flags.
static inline CK_RV plumb_token_about(
    CK_FUNCTION_LIST *module, CK_SLOT_ID slot, uint8_t label[32], uint8_t serial[16], CK_FLAGS *flags
) {
  CK_TOKEN_INFO info;
  CK_RV code = module->C_GetTokenInfo(slot, &info);
  if (code != CKR_OK) return code;
  memcpy(label, info.label, 32);
  memcpy(serial, info.serialNumber, 16);
  *flags = info.flags;
  return code;
}

static inline CK_RV plumb_token_session(
    CK_FUNCTION_LIST *module, CK_SLOT_ID slot, bool writes, CK_SESSION_HANDLE *session
) {
  CK_FLAGS flags = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0);
  return module->C_OpenSession(slot, flags, NULL, NULL, session);
}

static inline CK_RV plumb_token_close(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session) {
  return module->C_CloseSession(session);
}

static inline CK_RV plumb_token_login(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, const uint8_t *pin, size_t count
) {
  CK_RV code = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, count);
  return code == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : code;
}

static inline CK_RV plumb_token_random(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, uint8_t *bytes, size_t count
) {
  return module->C_GenerateRandom(session, bytes, count);
}

// Finds AES keys by their label, and by their id where one is given.
static inline CK_RV plumb_token_find(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, const uint8_t *label, size_t label_count,
    const uint8_t *id, size_t id_count, CK_OBJECT_HANDLE *keys, CK_ULONG *count
) {
  CK_OBJECT_CLASS class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_ATTRIBUTE wanted[] = {
    {CKA_CLASS, &class, sizeof class},
    {CKA_KEY_TYPE, &type, sizeof type},
    {CKA_LABEL, (void *)label, label_count},
    {CKA_ID, (void *)id, id_count},
  };
  CK_RV code = module->C_FindObjectsInit(session, wanted, id_count ? 4 : 3);
  if (code != CKR_OK) return code;
  code = module->C_FindObjects(session, keys, *count, count);
  CK_RV end = module->C_FindObjectsFinal(session);
  return code == CKR_OK ? end : code;
}

static inline CK_RV plumb_token_describe(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, plumb_token_key *facts
) {
  CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
  CK_ULONG length = 0;
  CK_ATTRIBUTE found[] = {
    {CKA_ID, facts->id, sizeof facts->id},
    {CKA_VALUE_LEN, &length, sizeof length},
    {CKA_SENSITIVE, &sensitive, sizeof sensitive},
    {CKA_EXTRACTABLE, &extractable, sizeof extractable},
  };
  CK_RV code = module->C_GetAttributeValue(session, key, found, 4);
  if (code != CKR_OK) return code;
  facts->id_count = found[0].ulValueLen;
  facts->length = length;
  facts->is_sensitive = sensitive;
  facts->is_extractable = extractable;
  return code;
}

// Draws an AES-256 key on the token, which it cannot leave.
static inline CK_RV plumb_token_generate(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, const uint8_t *label, size_t label_count,
    const uint8_t *id, size_t id_count
) {
  CK_OBJECT_CLASS class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_ULONG length = 32;
  CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  CK_ATTRIBUTE wanted[] = {
    {CKA_CLASS, &class, sizeof class},
    {CKA_KEY_TYPE, &type, sizeof type},
    {CKA_VALUE_LEN, &length, sizeof length},
    {CKA_LABEL, (void *)label, label_count},
    {CKA_ID, (void *)id, id_count},
    {CKA_TOKEN, &yes, 1},
    {CKA_PRIVATE, &yes, 1},
    {CKA_SENSITIVE, &yes, 1},
    {CKA_EXTRACTABLE, &no, 1},
    {CKA_MODIFIABLE, &no, 1},
    {CKA_ENCRYPT, &yes, 1},
    {CKA_DECRYPT, &yes, 1},
    {CKA_WRAP, &no, 1},
    {CKA_UNWRAP, &no, 1},
  };
  CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
  CK_OBJECT_HANDLE key = 0;
  return module->C_GenerateKey(session, &mechanism, wanted, 14, &key);
}

// AES-256-GCM on the token: a nonce of 12 bytes, a tag of 16 behind what was enciphered. `written` is
// the room at first, and then what was used of it.

static inline CK_RV plumb_token_seal(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const uint8_t *nonce,
    const uint8_t *context, size_t context_count, const uint8_t *text, size_t count,
    uint8_t *sealed, CK_ULONG *written
) {
  CK_GCM_PARAMS parameters = {(uint8_t *)nonce, 12, 96, (uint8_t *)context, context_count, 128};
  CK_MECHANISM mechanism = {CKM_AES_GCM, &parameters, sizeof parameters};
  CK_RV code = module->C_EncryptInit(session, &mechanism, key);
  return code == CKR_OK ? module->C_Encrypt(session, (uint8_t *)text, count, sealed, written) : code;
}

// `began` tells whether the token took up the work, so that the bytes are to blame for what came then.
static inline CK_RV plumb_token_open(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const uint8_t *nonce,
    const uint8_t *context, size_t context_count, const uint8_t *sealed, size_t count,
    uint8_t *text, CK_ULONG *written, bool *began
) {
  CK_GCM_PARAMS parameters = {(uint8_t *)nonce, 12, 96, (uint8_t *)context, context_count, 128};
  CK_MECHANISM mechanism = {CKM_AES_GCM, &parameters, sizeof parameters};
  CK_RV code = module->C_DecryptInit(session, &mechanism, key);
  *began = code == CKR_OK;
  return *began ? module->C_Decrypt(session, (uint8_t *)sealed, count, text, written) : code;
}
