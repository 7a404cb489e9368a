import Model

/// Files that hold one token.
enum AWSTokenFile {
  /// The token in a file, without the line end behind it.
  ///
  /// - Throws: ``AWSCredentialError/file(place:reason:)``.
  static func read(_ path: String, for purpose: String) throws(AWSCredentialError) -> Secret {
    do {
      let bytes = try BoundedFile.read(path, limit: 1 << 20)
      let token = String(decoding: bytes, as: UTF8.self).trimmed
      if !token.isEmpty, !token.contains(where: \.isNewline) { return Secret(token) }
    } catch FileError.unreadable(_, let reason) {
      throw .file(place: path, reason: "\(reason); the token for \(purpose) should be there")
    } catch {}
    throw .file(place: path, reason: "does not hold one token, which \(purpose) needs")
  }
}

extension String {
  /// The text without white space around it.
  var trimmed: String {
    var text = drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
