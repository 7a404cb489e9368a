import ArgumentParser
import Foundation
import HTTP
import Model
import SignIn
import Web

/// The OpenID provider through which people sign in.
struct OpenIDOptions: ParsableArguments {
  @Option(
    name: .customLong("oidc-issuer"),
    help: ArgumentHelp("Let people sign in through this OpenID provider.", valueName: "url")
  )
  var issuer: String?

  @Option(
    name: .customLong("oidc-client-id"),
    help: ArgumentHelp("How the provider calls this server.", valueName: "id")
  )
  var clientID: String?

  @Option(
    name: .customLong("oidc-client-secret-file"),
    help: ArgumentHelp("The file of the client secret, where there is one.", valueName: "file")
  )
  var secretFile: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where browsers reach this server, such as https://plumb.example.com.",
      valueName: "url"
    )
  )
  var publicURL: String?

  func validate() throws {
    guard (issuer == nil) == (clientID == nil) else {
      throw ValidationError("--oidc-issuer and --oidc-client-id need each other")
    }
    guard issuer == nil || publicURL != nil else {
      throw ValidationError("--oidc-issuer needs --public-url, to which the provider sends back")
    }
    guard secretFile == nil || issuer != nil else {
      throw ValidationError("--oidc-client-secret-file needs --oidc-issuer")
    }
  }

  /// The provider, and the address to which it sends browsers back; nil where there is none.
  func provider() throws -> (provider: OpenIDProvider, redirect: String)? {
    guard let issuer, let clientID, let publicURL else { return nil }
    let base = publicURL.hasSuffix("/") ? String(publicURL.dropLast()) : publicURL
    let redirect = base + ServerSettings.openIDCallback
    let secret = try secretFile.map { path in
      Secret(try textFile(path).trimmingCharacters(in: .whitespacesAndNewlines))
    }
    let settings = OpenIDSettings(
      issuer: issuer,
      clientID: clientID,
      clientSecret: secret,
      redirects: [redirect]
    )
    let client = try CurlClient(connections: 4, limit: OpenIDProvider.answerLimit)
    return (try OpenIDProvider(settings, client: client, clock: timeOfDay), redirect)
  }
}
