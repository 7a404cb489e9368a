import Foundation
import Model

/// The results of the last scan, kept so that `plumb why` can explain them.
enum LastScan {
  /// The file that holds them.
  static var file: URL {
    URL(fileURLWithPath: StateFolder.path).appendingPathComponent("last-scan.ndjson")
  }

  /// Replaces the kept results; a scan does not fail because they cannot be kept.
  static func keep(_ results: ResultList) {
    // Results hold observed values: they are for their owner's eyes.
    let former = umask(0o077)
    defer { umask(former) }
    do {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      let output = try SpoolWriter(replacing: file.path)
      try results.lines { try output.append($0) }
      try output.finish()
    } catch {
      complain("results are not kept for plumb why: \(error)")
    }
  }
}
