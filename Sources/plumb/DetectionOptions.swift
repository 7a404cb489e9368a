import ArgumentParser
import Content
import Foundation
import Insights
import JSON
import Model
import YAML

/// Which detections are used.
struct DetectionOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Detect by the Sigma documents of a file or folder instead of the shipped ones; may be repeated.",
      valueName: "file-or-folder"
    )
  )
  var detections: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Values of placeholders for the modifier expand: a YAML file that maps names to lists.",
      valueName: "file"
    )
  )
  var values: String?

  @OptionGroup var content: ContentOptions

  /// Whether the detections are somebody's own.
  var isOwn: Bool { !detections.isEmpty }

  /// Reads and compiles the detections; `fault` is told of somebody's own that cannot be used, and without
  /// it they are refused.
  ///
  /// - Returns: the set, and the id of the log source that an option names.
  func compile(
    logSource: String?,
    leavingOut fault: ((DocumentError) -> Void)? = nil
  ) throws -> (set: DetectionSet, source: String?) {
    let library = try content.library()
    var sources = try library.logSources().map { try LogSource($0) }
    var named: String?
    if let logSource {
      let source = try Self.source(logSource, in: sources)
      if !sources.contains(where: { $0.id == source.id }) { sources.append(source) }
      named = source.id
    }
    let reader = SigmaReader(placeholders: try placeholders())
    guard isOwn else {
      let documents = try library.detections().map { try reader.document($0) }
      return (try DetectionSet(documents, for: sources), named)
    }
    let nodes = try detections.flatMap {
      try ContentLibrary.detections(under: $0, leavingOut: fault)
    }
    var documents = try nodes.compactMap { node -> SigmaDocument? in
      do throws(DocumentError) { return try reader.document(node) } catch {
        guard let fault else { throw error }
        fault(error)
        return nil
      }
    }
    // What does not go with the others, such as a correlation of what is left out, is left out itself.
    while !documents.isEmpty {
      do throws(DocumentError) { return (try DetectionSet(documents, for: sources), named) } catch {
        guard let fault, let place = documents.firstIndex(where: { $0.source == error.location })
        else { throw error }
        fault(error)
        documents.remove(at: place)
      }
    }
    throw ValidationError("none of the detections can be used")
  }

  /// The ids of the log sources that are known.
  func logSources() throws -> [String] {
    try content.library().logSources().map { try LogSource($0).id }.sorted()
  }

  /// The log source of a name: an id that is known, or a product with a service or category.
  private static func source(_ name: String, in sources: [LogSource]) throws -> LogSource {
    let parts = name.lowercased().split(separator: "/").map(String.init)
    if let known = sources.first(where: { $0.id == name.lowercased() }) { return known }
    guard parts.count == 2 else {
      throw ValidationError(
        "--log-source expects product/service, or one of "
          + "\(sources.map(\.id).sorted().joined(separator: ", ")), not \"\(name)\""
      )
    }
    let wanted = LogSourceSelector(product: parts[0], service: parts[1], category: nil)
    if let known = sources.first(where: { $0.meets(wanted) }) { return known }
    return LogSource(named: wanted)
  }

  private func placeholders() throws -> [String: [String]] {
    guard let values else { return [:] }
    let node = try YAMLReader().document(textFile(values), file: values)
    guard case .mapping(let members) = node.value else {
      throw DocumentError("expected names with lists of values", key: "", at: node.location)
    }
    var placeholders: [String: [String]] = [:]
    for (name, list) in members {
      let elements = list.json.array ?? [list.json]
      placeholders[name] = elements.map { $0.string ?? $0.text }
    }
    return placeholders
  }
}
