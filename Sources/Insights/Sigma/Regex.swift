private import CRE2

/// A regular expression that searches in time linear in the text, whatever the pattern.
///
/// RE2's syntax: Perl's without look-around, back references and possessive quantifiers.
@safe package final class Regex: @unchecked Sendable {
  private let compiled: OpaquePointer

  /// What is wrong with a pattern.
  package struct Fault: Error { package var message: String }

  /// Compiles a pattern.
  package init(_ pattern: String) throws(Fault) {
    var reason = [CChar](repeating: 0, count: 256)
    var pattern = pattern
    let made = pattern.withUTF8 { text in
      unsafe reason.withUnsafeMutableBufferPointer { room in
        unsafe plumb_regex_create(text.baseAddress, text.count, room.baseAddress, room.count)
      }
    }
    guard let made = unsafe made else {
      let end = reason.firstIndex(of: 0) ?? reason.count
      let bytes = reason[..<end].map { UInt8(bitPattern: $0) }
      throw Fault(message: String(decoding: bytes, as: UTF8.self))
    }
    unsafe compiled = made
  }

  deinit { unsafe plumb_regex_destroy(compiled) }

  /// Whether the pattern matches somewhere in a text.
  package func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe plumb_regex_search(compiled, text.baseAddress, text.count)
  }
}
