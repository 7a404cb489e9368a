import ArgumentParser
import Collectors
import Foundation
import Model
import Vault

/// Where the key is that wraps the keys of stored secrets.
struct KeyOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The key that guards stored secrets: file:/path, pkcs11:token=…;object=…?module-path=…, aws-kms:arn; default: PLUMB_VAULT_KEY, else credentials.key beside the SQLite database.",
      valueName: "key"
    )
  )
  var vaultKey: String?

  /// The place of the key for what is kept somewhere.
  func place(_ store: StoreOptions) throws -> VaultKey {
    let named = vaultKey ?? ProcessInfo.processInfo.environment[VaultKey.variable]
    if let named, !named.isEmpty {
      return try VaultKey(named, option: vaultKey == nil ? VaultKey.variable : "--vault-key")
    }
    guard !store.isPostgres else {
      throw ValidationError(
        "with a PostgreSQL database, --vault-key or \(VaultKey.variable) has to name the key"
      )
    }
    return .file(KeyFile(store.place + "/credentials.key"))
  }
}

/// A key-encryption key, by where it is.
enum VaultKey {
  case file(KeyFile)
  case token(PKCS11Token)
  case service(AWSKey)

  static let variable = "PLUMB_VAULT_KEY"
  private static let pinVariable = "PLUMB_PKCS11_PIN"

  /// Reads a URI, and makes ready what reaches the key.
  ///
  /// - Throws: `ValidationError` for a text that is none.
  init(_ text: String, option: String) throws {
    let scheme = text.prefix { $0 != ":" }
    switch scheme {
    case "file":
      let path = text.hasPrefix("file://") ? text.dropFirst(7) : text.dropFirst(5)
      guard path.hasPrefix("/"), path.count > 1 else {
        throw ValidationError("\(option): a key file is named like file:/path")
      }
      self = .file(KeyFile(String(path)))
    case "pkcs11":
      do {
        self = .token(PKCS11Token(try PKCS11Address(text), pin: Self.pin))
      } catch {
        throw ValidationError("\(option): a key on a token \(error.reason)")
      }
    case "aws-kms":
      guard let name = AWSKeyName(String(text.dropFirst(8))) else {
        throw ValidationError(
          "\(option): a key of AWS KMS is named by its ARN, like "
            + "aws-kms:arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…, not by an alias"
        )
      }
      self = .service(try Self.key(name))
    default:
      throw ValidationError(
        "\(option) expects file:/path, pkcs11:token=…;object=…?module-path=… or aws-kms:arn"
      )
    }
  }

  /// What wraps and unwraps.
  var place: any KeyPlace {
    switch self {
    case .file(let file): file
    case .token(let token): token
    case .service(let key): key
    }
  }

  private static func pin() throws -> Secret {
    guard let pin = ProcessInfo.processInfo.environment[pinVariable], !pin.isEmpty else {
      throw VaultError.key(
        "on the token",
        reason: "it needs a PIN; set \(pinVariable), or name a file with pin-source=file:/path"
      )
    }
    return Secret(pin)
  }

  /// The key, called as whom AWS's own tools would call here.
  private static func key(_ name: AWSKeyName) throws -> AWSKey {
    let facts = try AWSCatalog().facts
    let signIn = try AWSSignIn(AWSAccessOptions(), facts, authorities: nil)
    return AWSKey(
      try AWSKeyService(
        name,
        facts,
        signIn.endpoints,
        credentials: signIn.credentials,
        client: signIn.client,
        clock: timeOfDay
      )
    )
  }
}
