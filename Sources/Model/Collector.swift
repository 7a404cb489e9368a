/// Gathers facts: reads resources from somewhere and hands them on one by one.
package protocol Collector: Sendable {
  /// Emits what is found. A part that cannot be read is emitted as a diagnostic, never left out.
  ///
  /// - Throws: when nothing can be read at all, or what `emit` throws.
  func collect(_ emit: (Collected) throws -> Void) async throws

  /// What is being done, in a few words for a progress line; empty where nothing takes long.
  var activity: String { get }
}

extension Collector {
  /// Nothing: files are read at once.
  package var activity: String { "" }
}

/// A collector of what was gathered before.
package struct HeldCollector: Collector {
  private let items: [Collected]

  package init(_ items: [Collected]) { self.items = items }

  /// Emits all of it.
  package func collect(_ emit: (Collected) throws -> Void) throws {
    for item in items { try emit(item) }
  }
}

/// What a collector emits.
package enum Collected: Sendable {
  /// A resource to judge.
  case resource(Resource)
  /// What was read of a kind of resource.
  case coverage(Coverage)
  /// Something that could not be read; the rest went on.
  case diagnostic(Diagnostic)
  /// A resource that no mapping or rule covers: its type and address.
  case notCovered(type: String, address: String)
  /// A part that was read in full, by a name that it has in every run; its resources came before.
  case checkpoint(String)
  /// Something that was read but is not to be judged, and why.
  case outside(address: String, reason: String)
}

/// Something worth telling that did not end the work.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  package var location: SourceLocation
  package var message: String

  package init(_ message: String, at location: SourceLocation) {
    self.location = location
    self.message = message
  }

  /// The place and the message on one line.
  package var description: String { "\(location): \(message)" }
}

/// A place in a file.
package struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  package var file: String
  /// The line, from 1; nil where it is not known.
  package var line: Int?

  package init(file: String, line: Int? = nil) {
    self.file = file
    self.line = line
  }

  /// The place as `file:line`.
  package var description: String { line.map { "\(file):\($0)" } ?? file }
}
