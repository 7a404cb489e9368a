package import Model

/// What every key-encryption key must keep to, checked on one and another of its sort.
package struct KeyKit {
  private let key: any KeyEncryptionKey
  private let other: any KeyEncryptionKey

  /// A kit for a key; the other one is of the same sort, and not the same.
  package init(_ key: any KeyEncryptionKey, other: any KeyEncryptionKey) {
    (self.key, self.other) = (key, other)
  }

  private static let dataKey = (0..<32).map { UInt8($0 * 7 % 256) }
  private static let context = Array("tenant, credential, field, version".utf8)

  /// The rules that the key breaks, in words; none for a good one.
  ///
  /// - Throws: what keeps the key from being used at all.
  package func faults() async throws -> [String] {
    try await faultsOfUse() + faultsOfBinding() + faultsOfChange() + faultsOfSecrecy()
  }

  /// What is wrapped comes back, for many at once too.
  private func faultsOfUse() async throws -> [String] {
    var faults: [String] = []
    try await key.prove()
    if key.id.isEmpty || key.id == other.id { faults.append("the id tells no keys apart") }
    if key.id != key.id { faults.append("the id changes") }
    let opened = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<12 {
        group.addTask {
          let dataKey = [UInt8](repeating: UInt8(number), count: 32)
          let wrapped = try await key.wrap(dataKey, context: [UInt8(number)])
          return try await key.unwrap(wrapped, context: [UInt8(number)]) == dataKey
        }
      }
      return try await group.reduce(true) { $0 && $1 }
    }
    if !opened { faults.append("of many at once not all come back") }
    return faults
  }

  /// A data key comes back from its own key and context only.
  private func faultsOfBinding() async throws -> [String] {
    var faults: [String] = []
    let wrapped = try await key.wrap(Self.dataKey, context: Self.context)
    for context in [[], Array(Self.context.dropLast()), Self.context + [0], [0] + Self.context] {
      let refusal = await refusal(key, wrapped, context)
      guard refusal != .changed else { continue }
      faults.append("a context of \(context.count) bytes is not told from the right one")
    }
    let swapped = try await other.wrap(Self.dataKey, context: Self.context)
    if await refusal(other, wrapped, Self.context) == nil {
      faults.append("another key unwraps it")
    }
    if await refusal(key, swapped, Self.context) == nil {
      faults.append("the key unwraps what another wrapped")
    }
    return faults
  }

  /// No byte can be changed, left out or added.
  private func faultsOfChange() async throws -> [String] {
    var faults: [String] = []
    let wrapped = try await key.wrap(Self.dataKey, context: Self.context)
    for index in wrapped.indices {
      var changed = wrapped
      changed[index] ^= 1 << UInt8(index % 8)
      if await refusal(key, changed, Self.context) == nil {
        faults.append("byte \(index) may be changed")
      }
    }
    for count in [0, 1, 12, 13, 28, 29, wrapped.count - 1] {
      let refusal = await refusal(key, Array(wrapped.prefix(count)), Self.context)
      if refusal == nil { faults.append("\(count) bytes are enough") }
    }
    if await refusal(key, wrapped + [0], Self.context) == nil {
      faults.append("a byte may be added")
    }
    if await refusal(key, wrapped, Self.context) != nil {
      faults.append("after all that it does not unwrap any more")
    }
    return faults
  }

  /// No wrapping is like another, none shows the data key, and nothing shows the key.
  private func faultsOfSecrecy() async throws -> [String] {
    var faults: [String] = []
    var seen: Set<[UInt8]> = []
    for _ in 0..<20 {
      let wrapped = try await key.wrap(Self.dataKey, context: Self.context)
      if !seen.insert(wrapped).inserted { faults.append("two wrappings are alike") }
      let heads = wrapped.indices.map { Array(wrapped[$0...].prefix(8)) }
      if heads.contains(Array(Self.dataKey.prefix(8))) {
        faults.append("what is wrapped shows the data key")
      }
    }
    return faults
  }

  /// Why a key does not unwrap something; nil where it does.
  private func refusal(
    _ key: any KeyEncryptionKey,
    _ wrapped: [UInt8],
    _ context: [UInt8]
  ) async -> VaultError? {
    do {
      _ = try await key.unwrap(wrapped, context: context)
      return nil
    } catch {
      return error as? VaultError
        ?? VaultError.key("", reason: "an error that is none of the port's: \(error)")
    }
  }
}
