import ArgumentParser
import Foundation
import HTTP
import JSON
import Model

/// The server on which a command does its work, instead of what is kept here.
struct ServerOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Do this on a server (plumb serve); default: PLUMB_SERVER.",
      valueName: "url"
    )
  )
  var server: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The file of the API key (plumb keys) for the server; default: the key in PLUMB_TOKEN.",
      valueName: "file"
    )
  )
  var tokenFile: String?

  @OptionGroup var authorities: AuthorityOptions

  @Flag(
    name: .customLong("show-api"),
    help: "Only print the same as a call of the API, for a shell."
  )
  var showsAPI = false

  /// What else was said that bears on a server.
  struct Context {
    /// Options that name what is here, so that no server is meant, such as --data.
    var local: [String] = []
    /// Options that the API does not know.
    var unheard: [String] = []
    /// Options about who acts: on a server the person of the key does.
    var actor: [String] = []
    var format = RowFormat.text
  }

  /// Does the command's work by a call of the API, or shows that call.
  ///
  /// - Returns: whether it did; otherwise the command is about what is kept here.
  /// - Throws: ``ServerError``, `HTTPError`, and `ValidationError` for options that go not together.
  func answers(_ context: Context, _ sketch: () throws -> APISketch) async throws -> Bool {
    try await answers(context) { [try sketch()] }
  }

  /// Does the command's work by several calls, one after the other, or shows them.
  func answers(_ context: Context, _ sketches: () throws -> [APISketch]) async throws -> Bool {
    if showsAPI {
      try refuse(context.unheard)
      let server = try address(context)?.text ?? "$PLUMB_SERVER"
      for line in try sketches().flatMap({
        $0.curl(server: server, authorities: authorities.bundle)
      }) { print(line) }
      return true
    }
    guard let address = try address(context) else {
      guard tokenFile == nil else { throw ValidationError("--token-file belongs to --server") }
      return false
    }
    try refuse(context.unheard)
    if let option = context.actor.first {
      throw ValidationError("\(option) is not for a server: there the person of the key acts")
    }
    let sketches = try sketches()
    if !address.isGuarded {
      guard !sketches.contains(where: \.isSecret) else {
        throw ValidationError("a secret goes over TLS only, and \(address.text) is without")
      }
      complain("\(address.text) is without TLS: others on the way can read the key")
    }
    let caller = ServerCaller(base: address.text, token: try token(), client: try client())
    for sketch in sketches {
      try ServerAnswer(sketch, context.format).show(try await caller.perform(sketch))
    }
    return true
  }

  /// The address of the server that is meant, over TLS, and the key for it, for others to ask by.
  func guarded() throws -> (address: String, key: Secret) {
    guard let address = try address(Context()) else {
      throw ValidationError("name the server as others reach it: --server https://…")
    }
    guard address.text.hasPrefix("https://") else {
      throw ValidationError("\(address.text) is without TLS, and only a server with it is asked")
    }
    return (address.text, try token())
  }

  /// Refuses a server for a command that has no call of the API.
  func refuseUnanswered() throws {
    guard server != nil || showsAPI else { return }
    throw ValidationError("this command has no call of the API; leave out --server and --show-api")
  }

  private func refuse(_ unheard: [String]) throws {
    guard let option = unheard.first else { return }
    throw ValidationError("\(option) is not for a server: the API has nothing like it")
  }

  /// The server that is meant; nil where what is kept here is.
  private func address(_ context: Context) throws -> ServerAddress? {
    if let server {
      if let option = context.local.first {
        throw ValidationError("\(option) and --server exclude each other")
      }
      return try ServerAddress(server, source: "--server")
    }
    let named = ProcessInfo.processInfo.environment["PLUMB_SERVER"] ?? ""
    guard !named.isEmpty, context.local.isEmpty else { return nil }
    return try ServerAddress(named, source: "PLUMB_SERVER")
  }

  private func client() throws -> CurlClient {
    if let bundle = authorities.bundle { _ = try textFile(bundle) }
    return try CurlClient(authorities: authorities.bundle, connections: 2)
  }

  private func token() throws -> Secret {
    let environment = ProcessInfo.processInfo.environment["PLUMB_TOKEN"] ?? ""
    let text = try tokenFile.map { try textFile($0) } ?? environment
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty else {
      guard tokenFile == nil else {
        throw ValidationError("--token-file \(tokenFile ?? "") is empty")
      }
      throw ValidationError(
        "a server needs an API key: --token-file FILE, or PLUMB_TOKEN; plumb keys add makes one"
      )
    }
    guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw ValidationError("\(tokenFile ?? "PLUMB_TOKEN") holds no API key")
    }
    return Secret(token)
  }
}

/// The address of a server.
struct ServerAddress {
  /// The address without a slash at its end; nothing in it means anything to a shell.
  let text: String

  /// - Throws: `ValidationError` for what is no address.
  init(_ text: String, source: String) throws {
    var text = text
    while text.hasSuffix("/") { text.removeLast() }
    // The address of the API itself is taken for the server's.
    if text.hasSuffix("/api/v1") { text.removeLast(7) }
    let form =
      /https?:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[A-Za-z0-9._~%\/-]*)?/
    guard text.wholeMatch(of: form) != nil else {
      throw ValidationError(
        "\(source) expects an address such as https://plumb.example.com, not \"\(text)\""
      )
    }
    self.text = text
  }

  /// Whether nobody on the way reads what is sent.
  var isGuarded: Bool { text.hasPrefix("https:") || Self.isLoopback(text) }

  /// Whether an address is on this machine.
  static func isLoopback(_ address: String) -> Bool {
    let form = /https?:\/\/(localhost|127\.[0-9]+\.[0-9]+\.[0-9]+|\[::1\])([:\/].*)?/
    return address.wholeMatch(of: form) != nil
  }
}
