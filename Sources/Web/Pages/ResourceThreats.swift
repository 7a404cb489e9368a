import JSON
import Model
import Reports

/// Findings about a resource: by its ids, and by the addresses that its configuration has.
struct ResourceThreats {
  private var findings: [JSONValue] = []
  private let addresses: [String]

  /// How many addresses of a resource are looked up.
  private static let most = 4

  init(_ resource: JSONValue, _ visit: Visit) async throws {
    let configuration = resource["configuration"] ?? .null
    addresses = Self.addresses(configuration)
    var ids = [resource.text("id")]
    for name in ["Arn", "arn", "crn"] {
      let id = configuration.text(name)
      if !id.isEmpty, !ids.contains(id) { ids.append(id) }
    }
    let account = resource.text("account")
    var asked = ids.map { Address.Pair(name: "resource", value: $0) }
    asked += addresses.map { Address.Pair(name: "address", value: $0) }
    var seen: Set<Int> = []
    // Those that are open first, and all of them; of the others the latest.
    for state in [["open"], ["mitigated", "accepted"]] {
      for pair in asked {
        let page = try await visit.ask(
          "listFindings",
          pairs: [
            pair, Address.Pair(name: "account", value: account),
            // What fails of its configuration stands among the results.
            Address.Pair(name: "source", value: "insights"),
            Address.Pair(name: "source", value: "custom"),
            Address.Pair(name: "limit", value: state == ["open"] ? "500" : "20"),
          ] + state.map { Address.Pair(name: "state", value: $0) }
        )
        findings += page.list("items").filter { seen.insert($0.count("id")).inserted }
      }
    }
  }

  /// How many of them are open.
  var open: Int { findings.filter { $0.text("state") == "open" }.count }

  /// What is known besides their number.
  var words: HTML {
    let links = addresses.map { address in
      HTML.link(Address("/conversations", ["address": address]), "\(address)")
    }
    let decided = findings.count - open
    return """
      \(HTML.when(decided > 0, "\(decided.grouped) mitigated or accepted. "))\(HTML.when(!links.isEmpty, "Conversations of \(HTML.commas(links))."))\(HTML.when(links.isEmpty, "No address of it is known."))
      """
  }

  /// The findings, those that are open first.
  var html: HTML {
    guard !findings.isEmpty else { return "" }
    return "<h2>Threats</h2>\(FindingsPage.table("Findings about it, as they are now", findings))"
  }

  /// The addresses in a configuration that stand where its own would.
  private static func addresses(_ configuration: JSONValue) -> [String] {
    var found: [String] = []
    func walk(_ value: JSONValue, _ name: String, _ depth: Int) {
      guard found.count < most, depth < 8 else { return }
      switch value {
      case .string(let text):
        let name = name.lowercased()
        guard name.contains("ip") || name.contains("address"), text.utf8.count < 46,
          !text.contains("/"), !found.contains(text), IPNetwork(text) != nil
        else { return }
        found.append(text)
      case .array(let items): for item in items { walk(item, name, depth + 1) }
      case .object(let object):
        for member in object.members { walk(member.value, member.key, depth + 1) }
      default: return
      }
    }
    walk(configuration, "", 0)
    return found
  }
}
