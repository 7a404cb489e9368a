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

  /// A digest of a target's data, which changes with them; empty where they are not there.
  package static func digest(of target: String, share: String = "") -> String {
    for folder in folders(of: target, share: share) {
      let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
      guard let names, !names.isEmpty else { continue }
      let digests = names.sorted().map { name in
        let data = try? Data(contentsOf: folder.appendingPathComponent(name))
        return "\(name) \(Digest.sha256(Array(data ?? Data())))"
      }
      return Digest.sha256(Array(digests.joined(separator: "\n").utf8))
    }
    return ""
  }

  private static var executableFolder: URL {
    let path =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: path).deletingLastPathComponent()
  }
}
