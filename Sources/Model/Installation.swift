package import Foundation

/// Where the data that belong to the running binary lie.
package enum Installation {
  /// The folders in which a target's data may lie: beside the binary as it was built, and under
  /// `../share/plumb` as it is installed.
  package static func folders(of target: String, share: String = "") -> [URL] {
    ["plumbline_\(target).resources", "../share/plumb/\(share)"].map {
      executableFolder.appendingPathComponent($0)
    }
  }

  private static var executableFolder: URL {
    let path =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: path).deletingLastPathComponent()
  }
}
