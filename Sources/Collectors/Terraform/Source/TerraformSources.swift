import Foundation
import Model

/// A root module among what is to be scanned: a folder, or some files of one.
struct TerraformSources {
  var folder: String
  /// The files that were named; nil for all of the folder.
  var files: [String]?

  /// What is to be scanned, files of one folder together, in the order given.
  enum Item {
    case plan(String)
    case sources(TerraformSources)
  }

  /// Tells sources from plans.
  ///
  /// - Throws: ``FileError`` for a folder without sources.
  static func items(_ paths: [String]) throws(FileError) -> [Item] {
    var items: [Item] = []
    var places: [String: Int] = [:]
    for path in paths {
      var isFolder: ObjCBool = false
      let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      if exists, isFolder.boolValue {
        if TerraformModule.files(in: path).isEmpty {
          throw .unreadable(path, reason: "holds no .tf or .tf.json files; name a module's folder")
        }
        items.append(.sources(TerraformSources(folder: path)))
      } else if path != "-", TerraformModule.isSource(path) {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let folder = parent.isEmpty ? "/" : parent
        if let place = places[folder], case .sources(var sources) = items[place] {
          sources.files?.append(path)
          items[place] = .sources(sources)
        } else {
          places[folder] = items.count
          items.append(.sources(TerraformSources(folder: folder, files: [path])))
        }
        if !exists { throw .unreadable(path, reason: "No such file or directory") }
      } else {
        items.append(.plan(path))
      }
    }
    return items
  }
}
