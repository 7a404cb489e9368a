import Engine
import JSON
package import Model

// Where a resource is, as far as it is told.
extension GuardrailSet {
  /// Where a resource is.
  package func place(of resource: Resource) -> Place {
    var place = Place(resource, accounts: accounts[resource.account] ?? [resource.account])
    noteAccount(resource.account, &place)
    return place
  }

  /// Notes that it is not known what stands above an account that the tree does not have.
  private func noteAccount(_ account: String, _ place: inout Place) {
    if !accounts.isEmpty, accounts[account] == nil { place.unread.insert("account") }
  }

  /// Where a resource of some lines is; `hasTags` asks for its tags though no guardrail does.
  func place(of resource: JudgedResource, in text: [UInt8], hasTags: Bool = false) -> Place {
    var tags: [String: String] = [:]
    if isAskingForTags || hasTags, !resource.tags.isEmpty {
      for (key, value) in (try? JSONValue(parsing: resource.tags))?.object?.members ?? [] {
        tags[key] = value.string
      }
    }
    var place = Place(
      accounts: accounts[resource.account] ?? [resource.account],
      provider: resource.provider,
      region: resource.region,
      group: resource.group,
      kind: resource.kind,
      id: resource.id,
      tags: tags
    )
    place.noteUnread(unread(of: text[resource.line]), account: resource.account)
    noteAccount(resource.account, &place)
    return place
  }

  /// The paths of a line that were not read, where some are of the resource rather than of its
  /// configuration.
  private func unread(of line: ArraySlice<UInt8>) -> [String] {
    guard line.holds(Self.ofResource),
      let paths = (try? JSONParser().parse(Array(line)))?["unread"]?.object
    else { return [] }
    return paths.members.map(\.key)
  }

  private static let ofResource = Array("\"$resource.".utf8)
}
