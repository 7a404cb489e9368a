import Foundation
package import Model

extension ContentLibrary {
  /// The version of the shipped content: what the file `VERSION` of its folder says.
  package var version: String {
    let file = folder.appendingPathComponent("VERSION")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    let version = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return version.isEmpty ? "without version" : version
  }

  /// The version and digest of the content in use.
  ///
  /// The digest is taken over what `sha256sum` prints of the documents of each layer, the shipped
  /// one first, by paths from the layer's folder in the order of their bytes; cases decide no
  /// verdict and are left out.
  package func stamp() throws -> ContentStamp {
    var lines: [UInt8] = []
    for (layer, root) in ([folder.path] + overlays).enumerated() {
      // An operator's folder may hold other documents too.
      let names = ["detections", "profiles", "rules"]
      let parts = layer == 0 ? [root] : names.map { Self.join(root, $0) }
      var files = try parts.filter(Self.isFolder).flatMap { try Self.documents(under: $0) }
        .filter { !Self.isCases($0) }
        .map { String($0.dropFirst(Self.join(root, "").count)) }
      files.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      for file in files {
        let path = Self.join(root, file)
        guard let data = FileManager.default.contents(atPath: path) else {
          throw ContentError.unreadable(path)
        }
        lines += Array("\(Digest.sha256(Array(data)))  \(file)\n".utf8)
      }
    }
    return ContentStamp(
      version: version,
      digest: Digest.sha256(lines),
      overlays: overlays.count
    )
  }
}
