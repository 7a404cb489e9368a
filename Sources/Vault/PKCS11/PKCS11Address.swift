/// Which key on which token, and through which module: a URI of RFC 7512.
///
/// `pkcs11:token=hsm;object=plumb?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/pin`
package struct PKCS11Address: Sendable, Hashable {
  /// The label of the token; nil where its serial number is given.
  package let token: String?
  package let serial: String?
  /// The label of the key.
  package let object: String
  /// The file of the module.
  package let modulePath: String
  /// The file of the PIN; nil where it comes from somewhere else.
  package let pinFile: String?

  /// Why a text is no address, to end a sentence with.
  package struct Fault: Error, Equatable {
    package let reason: String
  }

  /// Reads a URI.
  ///
  /// - Throws: ``Fault``, which never repeats a PIN.
  package init(_ text: String) throws(Fault) {
    let prefix = "pkcs11:"
    guard text.hasPrefix(prefix) else { throw Fault(reason: "begins with pkcs11:") }
    let halves = text.dropFirst(prefix.count).split(
      separator: "?",
      maxSplits: 1,
      omittingEmptySubsequences: false
    )
    let path = try Self.attributes(halves[0], ";", ["token", "serial", "object", "type"])
    let query = try Self.attributes(
      halves.count > 1 ? halves[1] : "",
      "&",
      ["module-path", "pin-source"]
    )
    guard path["type"] ?? "secret-key" == "secret-key" else {
      throw Fault(reason: "has type=secret-key")
    }
    guard path["token"] != nil || path["serial"] != nil else {
      throw Fault(reason: "names the token: token=LABEL, or serial=NUMBER")
    }
    guard let object = path["object"] else {
      throw Fault(reason: "names the key by its label: object=LABEL")
    }
    guard let module = query["module-path"], module.hasPrefix("/") else {
      throw Fault(reason: "names the module's file behind a question mark: ?module-path=/…")
    }
    (token, serial, self.object) = (path["token"], path["serial"], object)
    modulePath = module
    pinFile = try Self.file(query["pin-source"])
  }

  private static func file(_ source: String?) throws(Fault) -> String? {
    guard let source else { return nil }
    let path = source.hasPrefix("file://") ? source.dropFirst(7) : source.dropFirst(5)
    guard source.hasPrefix("file:"), path.hasPrefix("/") else {
      throw Fault(reason: "names the file of the PIN like pin-source=file:/path")
    }
    return String(path)
  }

  private static func attributes(
    _ text: Substring,
    _ separator: Character,
    _ known: Set<String>
  ) throws(Fault) -> [String: String] {
    var found: [String: String] = [:]
    for part in text.split(separator: separator) {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(halves[0])
      guard name != "pin-value" else {
        throw Fault(reason: "holds no PIN, which others would see; pin-source=file:/path names it")
      }
      guard known.contains(name) else {
        throw Fault(reason: "knows no \(name); there are \(known.sorted().joined(separator: ", "))")
      }
      guard halves.count == 2, let value = decoded(halves[1]), !value.isEmpty, found[name] == nil
      else {
        throw Fault(reason: "has one value for \(name), percent-encoded")
      }
      found[name] = value
    }
    return found
  }

  /// The text without percent signs; nil where what stands behind them is none or no UTF-8.
  private static func decoded(_ text: Substring) -> String? {
    var (bytes, rest) = ([UInt8](), Array(text.utf8)[...])
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "%") else {
        bytes.append(first)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
        let byte = UInt8(digits, radix: 16)
      else { return nil }
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

extension PKCS11Address: CustomStringConvertible {
  /// The token and the key, as a URI without the way to them.
  package var description: String {
    let place = token.map { "token=\($0.escaped)" } ?? "serial=\((serial ?? "").escaped)"
    return "pkcs11:\(place);object=\(object.escaped)"
  }
}

extension String {
  /// The text with everything but letters, digits and `-._~` percent-encoded.
  var escaped: String {
    utf8.map { byte in
      let isPlain = "-._~".utf8.contains(byte) || Character(Unicode.Scalar(byte)).isPlainLetter
      guard !isPlain else { return String(Unicode.Scalar(byte)) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}

extension Character {
  fileprivate var isPlainLetter: Bool { isASCII && (isLetter || isNumber) }
}
