import Model

/// A document with the layer of the library that it comes from.
package struct Layered<Document: Sendable>: Sendable {
  package let document: Document
  package let origin: Origin

  /// Lays documents over one another: one replaces that of the same id in the layers below.
  ///
  /// - Throws: ``DocumentError`` that names both documents when two of one layer share an id.
  static func merge(
    _ layers: [[Document]],
    id: (Document) -> String,
    location: (Document) -> SourceLocation
  ) throws(DocumentError) -> [Layered] {
    var merged: [Layered] = []
    var places: [String: Int] = [:]
    for (layer, documents) in layers.enumerated() {
      var own: [String: SourceLocation] = [:]
      for document in documents {
        let name = id(document)
        if let other = own.updateValue(location(document), forKey: name) {
          throw DocumentError(
            "\"\(name)\" is the id of the document in \(other.file) too",
            key: "id",
            at: location(document)
          )
        }
        if let place = places[name] {
          merged[place] = Layered(document: document, origin: .overlaid)
        } else {
          places[name] = merged.count
          merged.append(Layered(document: document, origin: layer == 0 ? .shipped : .added))
        }
      }
    }
    return merged
  }
}

/// Where a document of the library comes from.
package enum Origin: String, Sendable, CaseIterable {
  /// It is shipped.
  case shipped
  /// An overlay adds it.
  case added
  /// It stands in an overlay and replaces one of the same id.
  case overlaid
}
