import CPKCS11
import Glibc
import Synchronization

/// A PKCS#11 module: a library that speaks for tokens, loaded once per process and never given back.
@safe final class PKCS11Module: Sendable {
  // The list and what it points to do not change, and the module was told that threads use it.
  nonisolated(unsafe) let functions: UnsafeMutablePointer<CK_FUNCTION_LIST>

  private static let loaded = Mutex<[String: PKCS11Module]>([:])

  private init(_ functions: UnsafeMutablePointer<CK_FUNCTION_LIST>) {
    unsafe self.functions = unsafe functions
  }

  /// The module of a file.
  ///
  /// - Throws: ``PKCS11Trouble``.
  static func load(_ path: String) throws -> PKCS11Module {
    try loaded.withLock { loaded in
      if let module = loaded[path] { return module }
      guard let functions = unsafe plumb_token_module(path) else {
        let reason = unsafe dlerror().map { unsafe String(cString: $0) }
        throw PKCS11Trouble(
          "the module cannot be loaded: \(reason ?? "\(path) has no functions of PKCS#11"); "
            + "correct module-path"
        )
      }
      try check("C_Initialize", unsafe plumb_token_start(functions))
      let module = unsafe PKCS11Module(functions)
      loaded[path] = module
      return module
    }
  }

  /// Throws for everything but success.
  static func check(_ function: String, _ code: CK_RV) throws {
    guard code == CKR_OK else { throw PKCS11Fault(function, code) }
  }

  /// A token that is there.
  struct Token {
    let slot: CK_SLOT_ID
    let label: String
    let serial: String
    let needsLogin: Bool
  }

  /// The one token that an address names.
  ///
  /// - Throws: ``PKCS11Fault``, ``PKCS11Trouble``.
  func token(_ address: PKCS11Address) throws -> Token {
    let all = try tokens()
    let found = all.filter { token in
      (address.token ?? token.label) == token.label
        && (address.serial ?? token.serial) == token.serial
    }
    guard found.count <= 1 else {
      let serials = found.map(\.serial).joined(separator: ", ")
      throw PKCS11Trouble("several tokens have that label; name one by serial=…: \(serials)")
    }
    guard let token = found.first else {
      let labels = all.map(\.label).filter { !$0.isEmpty }.joined(separator: ", ")
      throw PKCS11Trouble(
        "there is no such token; "
          + (labels.isEmpty
            ? "the module shows none: look after the device and the module's configuration"
            : "the module shows \(labels)")
      )
    }
    return token
  }

  private func tokens() throws -> [Token] {
    var slots = [CK_SLOT_ID](repeating: 0, count: 256)
    var count = CK_ULONG(slots.count)
    try Self.check("C_GetSlotList", unsafe plumb_token_slots(functions, &slots, &count))
    return try slots.prefix(Int(count)).map { slot in
      var (label, serial) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 16))
      var flags: CK_FLAGS = 0
      try Self.check(
        "C_GetTokenInfo",
        unsafe plumb_token_about(functions, slot, &label, &serial, &flags)
      )
      return Token(
        slot: slot,
        label: Self.text(label),
        serial: Self.text(serial),
        needsLogin: flags & CK_FLAGS(CKF_LOGIN_REQUIRED) != 0
      )
    }
  }

  /// A text that was filled up with blanks.
  private static func text(_ bytes: [UInt8]) -> String {
    let end = bytes.lastIndex { $0 != 0x20 && $0 != 0 }.map { $0 + 1 } ?? 0
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}

/// Why a token cannot be used, and the way out, in words of our own.
struct PKCS11Trouble: Error {
  let text: String

  init(_ text: String) { self.text = text }
}
