package import JSON
package import Model
import Store

// Scopes as JSON: the same on standard output and through the API.

extension Scope {
  /// Names that no scope may have: `all` and `-` stand for everything, and `new` for the form of the
  /// dashboard that adds one.
  package static let reserved: Set<String> = ["all", "-", "new"]
}

extension ScopeOverview.Share {
  fileprivate func json(_ key: String) -> JSONValue {
    [key: .string(name), "resources": .integer(Int64(count))]
  }
}

extension ScopeOverview {
  /// All but the scope's definition.
  package var figures: JSONObject {
    [
      "resources": .integer(Int64(count)),
      "groups": .array(
        groups.map { group in
          [
            "account": .string(group.account), "region": .string(group.region),
            "service_name": .string(group.kind.service),
            "resource_kind": .string(group.kind.kind), "resources": .integer(Int64(group.count)),
          ]
        }
      ),
      "parts": .array(parts.map { $0.json("scope") }),
      "exclusions": .array(exclusions.map { $0.json("selector") }),
      "overlaps": .array(overlaps.map { $0.json("scope") }),
      "attachments": .array(attachments.map(\.json)),
    ]
  }
}

extension ScopeConflicts {
  /// Overlaps and conflicts.
  package var json: JSONValue {
    [
      "overlaps": .array(
        overlaps.map {
          [
            "scopes": .array([.string($0.first), .string($0.second)]),
            "resources": .integer(Int64($0.count)),
          ]
        }
      ),
      "conflicts": .array(
        conflicts.map {
          [
            "profile": .string($0.first.profile),
            "attachments": .array([$0.first.json, $0.second.json]),
            "resources": .integer(Int64($0.count)),
            "differences": .array($0.differences.map { .string($0) }),
          ]
        }
      ),
    ]
  }
}
