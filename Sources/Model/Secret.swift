/// A text that must not be seen: a password, a key, a token.
///
/// Whatever prints it, a message, a debugger or a dump of a value that holds it, shows `[secret]`.
package struct Secret: Sendable, Hashable {
  /// The text itself, for what sends or checks it and for nothing else.
  package let revealed: String

  package init(_ text: String) { revealed = text }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// `[secret]`.
  package var description: String { "[secret]" }

  /// `[secret]`.
  package var debugDescription: String { description }

  /// A mirror without children.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
