import Model
import Store
import Web

/// The first start of a server over an empty store.
enum FirstStart {
  /// Makes the administrator and a code by which that one signs in; a code anew where nobody used one
  /// before the server ended, nil where somebody did.
  static func code(
    _ store: DataStore,
    _ random: @Sendable (Int) throws -> [UInt8]
  ) async throws -> String? {
    let code = try SignInCode.make(random)
    let now = timeOfDay()
    let isFirst = try await store.write(as: "plumb serve", at: now) { transaction in
      guard try !transaction.isInUse() else { return false }
      let known = try transaction.people().first
      guard known == nil || known?.name == "administrator" else { return false }
      let person = try known ?? transaction.addPerson("administrator")
      if known == nil {
        _ = try transaction.grant(Grant(role: .administrator, extent: .everything), to: person.id)
      }
      let ends = now.advanced(milliseconds: 3_600_000)
      try transaction.addCode(digest: SignInCode.digest(code), for: person.id, expiresAt: ends)
      return true
    }
    return isFirst ? code : nil
  }
}
