import Foundation
import JSON
package import Model
import YAML

/// Reads Kubernetes manifests from files, folders and standard input.
package struct KubernetesCollector: Collector {
  /// How large a manifest file may be.
  package static let sizeLimit = 64 << 20

  private let paths: [String]
  private let cluster: String
  private let tellsUnreadNamespaces: Bool

  /// A collector for paths, `-` for standard input; the cluster's name becomes the account.
  ///
  /// With `tellsUnreadNamespaces` an object whose namespace is not among the manifests says that the
  /// labels of its namespace are unread.
  package init(paths: [String], cluster: String = "", tellsUnreadNamespaces: Bool = false) {
    self.paths = paths
    self.cluster = cluster
    self.tellsUnreadNamespaces = tellsUnreadNamespaces
  }

  /// Emits every object; a document that cannot be read is a diagnostic, and the rest goes on.
  ///
  /// - Throws: ``FileError`` for a path that is not there.
  package func collect(_ emit: (Collected) throws -> Void) throws {
    var kinds: Set<ResourceKind> = []
    var isWhole = true
    var found: [Collected] = []
    var namespaces = NamespaceLabels()
    for file in try files() {
      let name = file == "-" ? "standard input" : file
      let documents: [YAMLReader.Document]
      do {
        let bytes = try BoundedFile.read(file, limit: Self.sizeLimit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw FileError.unreadable(name, reason: "is not UTF-8 text")
        }
        documents = YAMLReader(.kubernetes).documents(text, file: name)
      } catch FileError.empty where paths != [file] {
        continue
      } catch let error as FileError {
        isWhole = false
        try emit(.diagnostic(Diagnostic(error.reason, at: SourceLocation(file: name))))
        continue
      }
      for document in documents {
        switch document {
        case .failure(let error):
          isWhole = false
          try emit(.diagnostic(Diagnostic(error.message, at: error.location)))
        case .success(let node?):
          for item in KubernetesObject.items(of: node, account: cluster) {
            if case .resource(let resource) = item {
              kinds.insert(resource.kind)
              namespaces.note(resource)
            }
            if case .diagnostic = item { isWhole = false }
            found.append(item)
          }
        case .success(nil): continue
        }
      }
    }
    for item in found {
      guard case .resource(var resource) = item else {
        try emit(item)
        continue
      }
      namespaces.complete(&resource, tellsUnread: tellsUnreadNamespaces)
      try emit(.resource(resource))
    }
    for statement in coverage(seen: kinds, isWhole: isWhole) { try emit(.coverage(statement)) }
  }

  /// What the manifests tell of the kinds that rules count.
  ///
  /// All there is, as they are judged as one cluster, unless a document could not be read.
  /// Configuration files of the control plane are no manifests, so their absence says nothing.
  private func coverage(seen: Set<ResourceKind>, isWhole: Bool) -> [Coverage] {
    var statements: [Coverage] = []
    if !isWhole {
      let counted = seen.union(KubernetesObject.namespacedKinds)
      statements = counted.sorted().map {
        Coverage(account: cluster, kind: $0, gap: "a document could not be read")
      }
    } else {
      statements = seen.union(KubernetesObject.namespacedKinds).sorted().map {
        Coverage(account: cluster, kind: $0)
      }
    }
    for kind in KubernetesObject.configurationKinds where !seen.contains(kind) {
      statements.append(
        Coverage(account: cluster, kind: kind, gap: "no \(kind.kind) was among the files")
      )
    }
    return statements
  }

  /// The files at and below the paths, folders in the order of their names.
  private func files() throws -> [String] {
    var files: [String] = []
    for path in paths {
      guard path != "-" else {
        files.append(path)
        continue
      }
      let url = URL(fileURLWithPath: path)
      guard let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) else {
        throw FileError.unreadable(path, reason: "No such file or directory")
      }
      guard values.isDirectory == true else {
        files.append(path)
        continue
      }
      let found = FileManager.default.enumerator(atPath: path)
      var below: [String] = []
      while let name = found?.nextObject() as? String {
        let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
        if !isHidden, ["yaml", "yml", "json"].contains(URL(fileURLWithPath: name).pathExtension) {
          below.append(path.hasSuffix("/") ? path + name : "\(path)/\(name)")
        }
      }
      if below.isEmpty {
        throw FileError.unreadable(path, reason: "holds no .yaml, .yml or .json files")
      }
      files += below.sorted()
    }
    return files
  }
}

extension FileError {
  /// The fault without the file's name.
  fileprivate var reason: String {
    switch self {
    case .unreadable(_, let reason): reason
    case .tooLarge(_, let limit): "larger than \(limit >> 20) MiB"
    case .empty: "is empty"
    }
  }
}
