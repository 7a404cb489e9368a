import ArgumentParser
import Foundation

/// Where the pages of rules are, which reports link to.
struct RulePageOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Link rules to their pages, as plumb rules pages writes them: a web address, or a folder as seen from the report; default: PLUMB_RULE_PAGES, else without links.",
      valueName: "address"
    )
  )
  var rulePages: String?

  /// The address below which every rule has its page; nil where nobody says so.
  ///
  /// A report travels, so there is no address by default: a link must not lead nowhere.
  func base(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> String? {
    let named = rulePages ?? environment["PLUMB_RULE_PAGES"] ?? ""
    guard !named.isEmpty else { return nil }
    let scheme = named.firstIndex(of: ":").map { named[..<$0] }
    let isWritten = named.unicodeScalars.allSatisfy { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
        || "-._~:/%@+=".unicodeScalars.contains(scalar)
    }
    guard isWritten, scheme == nil || scheme == "https" || scheme == "http" else {
      throw ValidationError(
        "--rule-pages expects a web address or a folder, such as https://wiki.example.org/rules or "
          + "docs/rules, not \"\(named)\""
      )
    }
    return named.last == "/" && named.count > 1 ? String(named.dropLast()) : named
  }
}
