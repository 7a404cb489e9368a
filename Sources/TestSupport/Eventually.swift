/// Waits until something is so, as long as a machine may need that does much else: three minutes,
/// counted in pauses.
///
/// - Returns: whether it came to be so; what is so at once is not waited for.
package func eventually(
  pause: Duration = .milliseconds(20),
  isolation: isolated (any Actor)? = #isolation,
  _ condition: () async throws -> Bool
) async throws -> Bool {
  let end = ContinuousClock.now + .seconds(180)
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try await Task.sleep(for: pause)
  }
  return try await condition()
}
