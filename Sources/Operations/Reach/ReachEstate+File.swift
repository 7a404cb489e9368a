import JSON

extension ReachEstate {
  /// Reads an inventory from an open file, and returns what is wrong with lines of it.
  ///
  /// - Throws: ``InputError`` when the file cannot be read on.
  package mutating func add(descriptor: Int32, name: String) throws -> [String] {
    var chunks = LineChunks(descriptor: descriptor, name: name)
    let chunk = Chunk(capacity: LineChunks.chunkSize)
    let parser = JSONParser()
    var faults: [String] = []
    while try chunks.fill(chunk) {
      var number = chunk.firstLine
      let text = unsafe Array(chunk.text)
      for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
        defer { number += 1 }
        guard !line.isEmpty else { continue }
        do {
          add(try parser.parse(line))
        } catch {
          faults.append("\(name):\(number): \(error)")
        }
      }
    }
    return faults
  }
}
