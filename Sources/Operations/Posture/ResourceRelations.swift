package import JSON
package import Model
import Store

/// What a resource refers to and what refers to it, by the ids that stand in stored configurations.
package struct ResourceRelations: Sendable {
  /// A resource on the other side, and where the configuration that refers has the id.
  package struct Relation: Sendable {
    package var resource: StoredResource
    package var paths: [String]
  }

  package fileprivate(set) var refersTo: [Relation] = []
  package fileprivate(set) var referredBy: [Relation] = []
  /// How many resources of the account were searched for what refers to it.
  package fileprivate(set) var searched = 0
  /// Whether nothing was left out: texts of the configuration, resources of the account, or relations.
  package fileprivate(set) var isWhole = true

  /// How much is looked at.
  package struct Limits: Sendable {
    /// Texts of the configuration.
    package var texts = 400
    /// Resources of the account.
    package var resources = 20_000
    /// Relations of either direction.
    package var relations = 200

    package init() {}
  }

  /// The relations as of an instant.
  package func json(at instant: Instant) -> JSONValue {
    func list(_ relations: [Relation]) -> JSONValue {
      .array(
        relations.map { relation in
          var object = relation.resource.json.object ?? [:]
          object["paths"] = .array(relation.paths.map { .string($0) })
          return .object(object)
        }
      )
    }
    return [
      "as_of": .string("\(instant)"), "refers_to": list(refersTo),
      "referred_by": list(referredBy), "searched": .integer(Int64(searched)),
      "complete": .bool(isWhole),
    ]
  }
}

extension ResourceReader {
  /// What a resource refers to and what of its account refers to it, as far as it is in sight.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` for one that was not there, or is out of sight.
  package func relations(
    of number: Int64,
    _ limits: ResourceRelations.Limits = ResourceRelations.Limits()
  ) throws -> ResourceRelations {
    let subject = try resource(number)
    var relations = ResourceRelations()
    try addReferred(by: subject, &relations, limits)
    try addReferring(to: subject, &relations, limits)
    return relations
  }

  /// Adds what a configuration names: every text that is the id of a resource of its account, or of one
  /// whose account the text names too.
  private func addReferred(
    by subject: StoredResource,
    _ relations: inout ResourceRelations,
    _ limits: ResourceRelations.Limits
  ) throws {
    let line = try JSONParser().parse(try transaction.lines(of: [subject.state])[0])
    var pathsOfText: [String: [String]] = [:]
    (line["configuration"] ?? .null).eachText { path, text in
      guard (2...2048).contains(text.utf8.count), !text.contains(where: \.isWhitespace) else {
        return
      }
      pathsOfText[text, default: []].append(path)
    }
    let texts = pathsOfText.keys.sorted()
    relations.isWhole = relations.isWhole && texts.count <= limits.texts
    let names = try transaction.accounts().filter { $0.value.account.utf8.count >= 6 }
    var kinds: [Int64: [Int64]] = [:]
    var asked: [(account: Int64, kind: Int64, id: String)] = []
    var textOfAsked: [String] = []
    for text in texts.prefix(limits.texts) {
      let others = names.filter {
        $0.key != subject.state.account && text.contains($0.value.account)
      }
      for account in [subject.state.account] + others.keys.sorted() {
        let found = try kinds[account] ?? transaction.kinds(ofAccount: account)
        kinds[account] = found
        for kind in found {
          for id in text.idsNamed {
            asked.append((account, kind, id))
            textOfAsked.append(text)
          }
        }
      }
    }
    var paths: [Int64: [String]] = [:]
    for (place, number) in try transaction.numbers(of: asked)
    where number != subject.state.resource {
      paths[number, default: []] += pathsOfText[textOfAsked[place]] ?? []
    }
    relations.isWhole = relations.isWhole && paths.count <= limits.relations
    relations.refersTo = try paths.sorted { $0.key < $1.key }.prefix(limits.relations).compactMap {
      number,
      paths in
      try seen(number).map { .init(resource: $0, paths: Array(Set(paths)).sorted()) }
    }
  }

  /// Adds the resources of its account whose configurations have its id.
  private func addReferring(
    to subject: StoredResource,
    _ relations: inout ResourceRelations,
    _ limits: ResourceRelations.Limits
  ) throws {
    let id = subject.place.id
    guard id.utf8.count >= 3 else {
      relations.isWhole = false
      return
    }
    let written = Array(JSONValue.string(id).text.utf8.dropFirst().dropLast())
    // Of a large estate those are searched that were found around it, which are in its blocks too.
    let isLarge = try transaction.resourceCount() > Int64(limits.resources)
    var last = isLarge ? max(0, subject.state.resource - Int64(limits.resources) / 2) : 0
    if last > 0 { relations.isWhole = false }
    while relations.searched < limits.resources {
      let page = try transaction.states(
        at: instant,
        after: last,
        account: subject.state.account,
        limit: 512
      )
      relations.searched += page.found.count
      let others = page.found.filter { $0.resource != subject.state.resource }
      for (place, line) in try transaction.lines(of: others, holding: written) {
        var paths: [String] = []
        (try JSONParser().parse(line)["configuration"] ?? .null).eachText { path, text in
          if text.names(id) { paths.append(path) }
        }
        guard !paths.isEmpty, let resource = try seen(others[place].resource) else { continue }
        guard relations.referredBy.count < limits.relations else {
          relations.isWhole = false
          return
        }
        relations.referredBy.append(.init(resource: resource, paths: paths))
      }
      guard let next = page.last else { return }
      last = next
    }
    relations.isWhole = false
  }
}

extension JSONValue {
  /// Hands over every text within, with its path.
  fileprivate func eachText(_ path: String = "", _ body: (String, String) -> Void) {
    switch self {
    case .string(let text): body(path, text)
    case .array(let items):
      for (index, item) in items.enumerated() { item.eachText("\(path)[\(index)]", body) }
    case .object(let object):
      for (key, value) in object.members {
        value.eachText(path.isEmpty ? key : "\(path).\(key)", body)
      }
    default: break
    }
  }
}

extension String {
  /// The ids that a text may name: itself, and what stands last in an ARN, CRN or path, which may go on
  /// into the resource, as `arn:aws:s3:::NAME/*` does.
  fileprivate var idsNamed: [String] {
    var ids = [self]
    if let slash = lastIndex(of: "/") { ids.append(String(self[..<slash])) }
    for text in ids {
      for separator: Character in ["/", ":"] {
        guard let place = text.lastIndex(of: separator) else { continue }
        ids.append(String(text[text.index(after: place)...]))
      }
    }
    var known: Set<String> = []
    return ids.filter { ($0 == self || $0.utf8.count >= 4) && known.insert($0).inserted }
  }

  /// Whether an id stands in the text with nothing around it that could be part of a longer one.
  fileprivate func names(_ id: String) -> Bool {
    if self == id { return true }
    func isPart(_ character: Character) -> Bool {
      character.isLetter || character.isNumber || "-_.".contains(character)
    }
    var rest = self[...]
    while let range = rest.firstRange(of: id) {
      let before = range.lowerBound == startIndex ? nil : self[index(before: range.lowerBound)]
      let after = range.upperBound == endIndex ? nil : self[range.upperBound]
      if !(before.map(isPart) ?? false), !(after.map(isPart) ?? false) { return true }
      rest = rest[index(after: range.lowerBound)...]
    }
    return false
  }
}
