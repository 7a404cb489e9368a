package import Foundation
package import JSON

/// Where tests find their files.
package enum Fixtures {
  /// The package's folder.
  package static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Data that stands beside the package and is not part of it.
  package static let shared = root.deletingLastPathComponent().appendingPathComponent("shared")

  /// A file of the acceptance tests.
  package static func acceptance(_ name: String) -> URL {
    root.appendingPathComponent("Tests/Acceptance").appendingPathComponent(name)
  }

  /// A folder for one test, which the test removes with ``remove(_:)``.
  package static func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Removes a folder that a test made.
  package static func remove(_ folder: URL) { try? FileManager.default.removeItem(at: folder) }

  /// The values of a text with one JSON value per line.
  package static func lines(_ text: some Collection<UInt8>) throws -> [JSONValue] {
    try text.split(separator: 0x0A).map { try JSONParser().parse($0) }
  }
}
