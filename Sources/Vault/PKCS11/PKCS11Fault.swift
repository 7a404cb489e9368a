import CPKCS11

/// What a PKCS#11 module answered instead of doing what it was asked.
struct PKCS11Fault: Error {
  let function: String
  let code: CK_RV

  init(_ function: String, _ code: CK_RV) { (self.function, self.code) = (function, code) }

  /// Whether the session is gone, so that a new one may do.
  var endsSession: Bool {
    [
      0x30, 0x32, 0xB0, 0xB3, 0xE0, 0x101, 0x190,
    ].contains(Int(code))
  }

  /// Whether the token says that bytes are not what it made.
  var refusesBytes: Bool { [0x20, 0x21, 0x40, 0x41, 0x42].contains(Int(code)) }

  /// The function and the code, and the way out where there is one.
  var text: String {
    let number = "0x" + String(code, radix: 16, uppercase: true)
    let name = Self.names[Int(code)].map { "\($0) (\(number))" } ?? "code \(number)"
    let advice = Self.advice[Int(code)].map { "; \($0)" } ?? ""
    return "\(function) says \(name)\(advice)"
  }

  private static let names = [
    0x02: "CKR_HOST_MEMORY", 0x03: "CKR_SLOT_ID_INVALID", 0x05: "CKR_GENERAL_ERROR",
    0x06: "CKR_FUNCTION_FAILED", 0x07: "CKR_ARGUMENTS_BAD", 0x0A: "CKR_CANT_LOCK",
    0x10: "CKR_ATTRIBUTE_READ_ONLY", 0x11: "CKR_ATTRIBUTE_SENSITIVE",
    0x12: "CKR_ATTRIBUTE_TYPE_INVALID", 0x13: "CKR_ATTRIBUTE_VALUE_INVALID",
    0x20: "CKR_DATA_INVALID", 0x21: "CKR_DATA_LEN_RANGE", 0x30: "CKR_DEVICE_ERROR",
    0x31: "CKR_DEVICE_MEMORY", 0x32: "CKR_DEVICE_REMOVED", 0x40: "CKR_ENCRYPTED_DATA_INVALID",
    0x41: "CKR_ENCRYPTED_DATA_LEN_RANGE", 0x42: "CKR_AEAD_DECRYPT_FAILED",
    0x54: "CKR_FUNCTION_NOT_SUPPORTED", 0x60: "CKR_KEY_HANDLE_INVALID",
    0x62: "CKR_KEY_SIZE_RANGE", 0x63: "CKR_KEY_TYPE_INCONSISTENT",
    0x68: "CKR_KEY_FUNCTION_NOT_PERMITTED", 0x70: "CKR_MECHANISM_INVALID",
    0x71: "CKR_MECHANISM_PARAM_INVALID", 0x82: "CKR_OBJECT_HANDLE_INVALID",
    0x90: "CKR_OPERATION_ACTIVE", 0xA0: "CKR_PIN_INCORRECT", 0xA1: "CKR_PIN_INVALID",
    0xA2: "CKR_PIN_LEN_RANGE", 0xA3: "CKR_PIN_EXPIRED", 0xA4: "CKR_PIN_LOCKED",
    0xB0: "CKR_SESSION_CLOSED", 0xB1: "CKR_SESSION_COUNT", 0xB3: "CKR_SESSION_HANDLE_INVALID",
    0xB5: "CKR_SESSION_READ_ONLY", 0xD0: "CKR_TEMPLATE_INCOMPLETE",
    0xD1: "CKR_TEMPLATE_INCONSISTENT", 0xE0: "CKR_TOKEN_NOT_PRESENT",
    0xE1: "CKR_TOKEN_NOT_RECOGNIZED", 0xE2: "CKR_TOKEN_WRITE_PROTECTED",
    0x101: "CKR_USER_NOT_LOGGED_IN", 0x102: "CKR_USER_PIN_NOT_INITIALIZED",
    0x104: "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", 0x121: "CKR_RANDOM_NO_RNG",
    0x150: "CKR_BUFFER_TOO_SMALL", 0x190: "CKR_CRYPTOKI_NOT_INITIALIZED",
  ]

  private static let advice = [
    0x05: "the module's own log may tell more", 0x06: "the module's own log may tell more",
    0x0A: "the module cannot be used by programs with threads",
    0x30: "look after the token", 0x32: "put the token back",
    0x68: "the key has to allow CKA_ENCRYPT and CKA_DECRYPT",
    0x70: "the token has to know CKM_AES_GCM and CKM_AES_KEY_GEN",
    0x71: "the token has to take nonces of 12 bytes and contexts for CKM_AES_GCM",
    0xA0: "correct the PIN before the token locks itself", 0xA1: "correct the PIN",
    0xA2: "correct the PIN", 0xA3: "set a new PIN with the token's own tool",
    0xA4: "the token's security officer has to unlock the PIN",
    0xE0: "put the token back", 0xE2: "the token has to be writable to make a key",
    0x102: "the token's security officer has to set a PIN",
  ]
}
