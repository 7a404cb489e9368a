import Model
import Store
import TestSupport
import Testing

/// What is kept in memory and packed into columns.
struct PackingTests {
  private static func random(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  @Test func `packed bytes come back`() throws {
    let samples: [[UInt8]] = [
      [], [0], [0x28, 0xB5, 0x2F, 0xFD], Array("Grüße\n".utf8), Self.random(300_000, seed: 1),
      Array(repeating: 7, count: 1 << 20),
    ]
    for bytes in samples {
      for level in [Int32(1), 19] {
        let read = try Pack.decompress(Pack.compress(bytes, level: level))
        #expect(read.count == bytes.count)
        #expect(read.elementsEqual(bytes))
      }
    }
  }

  @Test func `alike bytes become few`() {
    #expect(Pack.compress(Array(repeating: 7, count: 1 << 20)).count < 1000)
    #expect(Pack.compress([]) == [])
  }

  @Test func `every frame that was cut short is damaged`() {
    let frame = Pack.compress(Self.random(300, seed: 2))
    for count in 1..<frame.count {
      let error = #expect(throws: StoreError.self, "the first \(count) bytes") {
        try Pack.decompress(Array(frame[..<count]))
      }
      #expect(error?.word == "damaged")
    }
    #expect(throws: StoreError.self) { try Pack.decompress(frame + [1, 2, 3]) }
  }

  private static let noFrames: [[UInt8]] = [
    Array("this is no frame".utf8), [0], [0x28, 0xB5, 0x2F, 0xFD],
    // A frame that says that it holds 2 GiB.
    [0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0, 0, 0, 0x80, 1, 0, 0],
  ]

  @Test(arguments: noFrames)
  func `what is no frame is damaged`(bytes: [UInt8]) {
    let error = #expect(throws: StoreError.self) { try Pack.decompress(bytes) }
    #expect(error?.word == "damaged")
    #expect(throws: StoreError.self) { try NumberSet(packed: bytes) }
  }

  @Test func `a set of numbers comes back in order`() throws {
    var random = SplitMix64(seed: 3)
    let many = (0..<10_000).map { _ in Int64.random(in: 0...1_000_000_000, using: &random) }
    for numbers in [
      [], [0], [.max], [5, 3, 4], [.min, -1, 0, 1, 127, 128, .max], Array(1...3000), many,
    ] as [[Int64]] {
      let set = NumberSet(numbers)
      #expect(set.numbers == numbers.sorted())
      let read = try NumberSet(packed: set.packed)
      #expect(read == set)
    }
    #expect(NumberSet(Array(1...100_000)).packed.count < 1000)
  }

  @Test func `the bits of sets hold their numbers and no others`() {
    let bits = NumberSet.bits(of: [NumberSet([0, 63, 64]), NumberSet([]), NumberSet([200, 3])])
    let held = (Int64(-70)...500).filter { bits.contains($0) }
    #expect(held == [0, 3, 63, 64, 200])
    #expect(!bits.contains(.max) && !bits.contains(.min))
    let none = NumberSet.bits(of: [])
    #expect(!none.contains(0))
  }

  @Test func `a fingerprint is new to a set once`() {
    var random = SplitMix64(seed: 4)
    var fingerprints = (0..<5000).map { _ in
      Fingerprint(high: random.next(), low: random.next())
    }
    // Some that begin at one place of the table, and the one that marks a free place.
    fingerprints += (0..<500).map { Fingerprint(high: $0, low: 1 << 40) }
    fingerprints += (1..<500).map { Fingerprint(high: 0, low: $0 << 32) }
    fingerprints.append(Fingerprint(high: 0, low: 0))
    fingerprints = Array(Set(fingerprints))
    var set = FingerprintSet()
    let first = fingerprints.filter { set.insert($0) }
    #expect(first == fingerprints)
    let second = fingerprints.filter { set.insert($0) }
    #expect(second == [])
    let isNew = set.insert(Fingerprint(high: 1, low: 0))
    #expect(isNew)
  }

  @Test func `fingerprints depend on the seed, the account and the kind`() {
    func key(_ account: Int64, _ kind: Int64, _ id: String, seed: UInt64) -> Fingerprint {
      Fingerprint(account: account, kind: kind, resource: id, seed: seed)
    }
    let all = [
      key(1, 2, "a", seed: 1), key(2, 1, "a", seed: 1), key(1, 2, "b", seed: 1),
      key(1, 2, "a", seed: 2), key(1, 2, "", seed: 1), key(1, 2, "aa", seed: 1),
    ]
    #expect(Set(all).count == all.count)
    #expect(key(1, 2, "a", seed: 1) == all[0])
  }

  @Test func `an index finds what was stored by key and by fingerprint`() async throws {
    try await TestDatabase.sqlite.withStore { store in
      let sample = try await StoreSample(store)
      try await sample.scan(["a": "1"], at: .hour(0))
      let stored = try await store.read { try $0.stateEntries() }
      let entry = try #require(stored.first)
      #expect(stored.count == 1)
      #expect(entry.fingerprint == sample.fingerprint("1"))
      #expect(entry.isCurrent && entry.account == 1 && entry.kind == 1 && entry.resource == 1)

      var random = SplitMix64(seed: 5)
      // Few places of the table and few marks, so that many entries are in each other's way.
      let entries = (0..<2000).map { number in
        let high = UInt64(number) << 32
        var made = entry
        made.resource = Int64(number)
        made.key = Fingerprint(high: high | random.next() % 3, low: random.next() % 40)
        made.fingerprint = Fingerprint(high: high | random.next() % 3, low: random.next() % 40)
        made.isCurrent = number % 5 != 0
        return made
      }
      let index = StateIndex(entries)
      let byKey = entries.map { index.place(key: $0.key) ?? -1 }
      #expect(byKey == Array(0..<2000))
      let byFingerprint = entries.map { index.place(fingerprint: $0.fingerprint) ?? -1 }
      #expect(byFingerprint == (0..<2000).map { $0 % 5 == 0 ? -1 : $0 })
      for low in UInt64(0)..<40 {
        let stranger = Fingerprint(high: 5000 << 32, low: low)
        #expect(index.place(key: stranger) == nil)
        #expect(index.place(fingerprint: stranger) == nil)
      }
      for empty in [StateIndex(), StateIndex([])] {
        #expect(empty.place(key: entry.key) == nil)
        #expect(empty.place(fingerprint: entry.fingerprint) == nil)
      }
    }
  }
}
