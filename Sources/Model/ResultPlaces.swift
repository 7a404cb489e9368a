package import JSON

/// Where the parts of a resource's configuration are written, so that a result can point at the part that
/// decides it.
package struct ResultPlaces: Sendable {
  /// By the text of the path in the configuration.
  private var places: [String: SourceLocation] = [:]

  /// The places of parts, the outer ones first; those of what is around them are left out.
  package init(
    _ places: [(path: [PropertyPath.Component], location: SourceLocation)],
    of origin: JSONValue
  ) {
    for (path, location) in places.sorted(by: { $0.path.count < $1.path.count }) {
      if self.location(at: path[...], else: SourceLocation(origin)) == location { continue }
      let text = PropertyPath(path).description
      if self.places[text] == nil { self.places[text] = location }
    }
  }

  /// Reads what a source holds beside the resource's own place; nil where it holds nothing.
  package init?(_ source: JSONValue) {
    guard let members = source["places"]?.object?.members else { return nil }
    let file = source["file"]?.string ?? ""
    for (path, place) in members {
      if let line = place.whole {
        places[path] = SourceLocation(file: file, line: line)
      } else if let location = SourceLocation(place) {
        places[path] = location
      }
    }
  }

  /// The places as a source holds them: a line, or a file and a line where the file is another.
  package func json(besides file: String?) -> JSONValue {
    let members = places.sorted { $0.key < $1.key }.map { path, location in
      let line = JSONValue.integer(Int64(location.line ?? 1))
      let place: JSONValue =
        location.file == file ? line : ["file": .string(location.file), "line": line]
      return (key: path, value: place)
    }
    return .object(JSONObject(members))
  }

  /// The place of a part, else of the nearest around it.
  private func location(
    at path: ArraySlice<PropertyPath.Component>,
    else origin: SourceLocation?
  ) -> SourceLocation? {
    var path = path
    while true {
      if let found = places[PropertyPath(Array(path)).description] { return found }
      if path.popLast() == nil { return origin }
    }
  }

  /// The place of what decides a result that is not passed, by its proof; nil where nothing nearer than
  /// the resource is known.
  package func location(decidedBy proof: JSONValue, _ verdict: Verdict) -> SourceLocation? {
    for path in ProofPaths(proof, verdict).paths {
      if let found = location(at: path[...], else: nil) { return found }
    }
    return nil
  }
}

extension SourceLocation {
  /// The place that a source holds.
  fileprivate init?(_ source: JSONValue) {
    guard let file = source["file"]?.string else { return nil }
    self.init(file: file, line: source["line"]?.whole)
  }
}
