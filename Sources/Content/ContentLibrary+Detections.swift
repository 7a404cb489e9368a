import Foundation
import JSON
package import Model
import YAML

extension ContentLibrary {
  /// The kinds of logs that are known: how they are recognised and what their fields mean.
  package func logSources() throws -> [DocumentNode] { try nodes("logsources") }

  /// The documents of the shipped detections and of the overlays' folders `detections`; one replaces
  /// that of the same id in the layers below.
  package func detections() throws -> [DocumentNode] {
    var nodes: [DocumentNode] = []
    for layer in [Self.join(folder.path, "detections")] + overlayFolders("detections") {
      let own = try Self.detections(under: layer)
      let ids = Set(own.compactMap { $0.json["id"] })
      nodes.removeAll { $0.json["id"].map(ids.contains) ?? false }
      nodes += own
    }
    return nodes
  }

  /// The documents of detections in a file, or in a folder and all below it; a file may hold
  /// several.
  ///
  /// `fault` is told of files that are no YAML, which are left out; without it they are refused.
  ///
  /// - Throws: ``DocumentError`` for what is no YAML, ``ContentError`` for a path that holds none.
  package static func detections(
    under path: String,
    leavingOut fault: ((DocumentError) -> Void)? = nil
  ) throws -> [DocumentNode] {
    let files = try documents(under: path).filter { !isCases($0) }
    var isFaulty = false
    let found = try files.flatMap { file in
      do { return try nodes(ofFile: file) } catch let error as DocumentError {
        guard let fault else { throw error }
        fault(error)
        isFaulty = true
        return []
      }
    }
    if found.isEmpty, !isFaulty { throw ContentError.noDetections(path) }
    return found
  }

  /// The cases of the detections of a folder, by file: what is to match, and what is not.
  package static func detectionCases(under path: String) throws -> [DocumentNode] {
    try documents(under: path).filter(isCases).map(node)
  }

  private static func nodes(ofFile file: String) throws -> [DocumentNode] {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw ContentError.unreadable(file)
    }
    return try YAMLReader().documents(text, file: file).compactMap { try $0.get() }
  }
}
