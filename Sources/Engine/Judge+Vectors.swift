import CSimdjson
import JSON
import Model

// Verdicts as a vector per resource, for a store that keeps them all.
extension Judge {
  /// The letters of the loaded resource's verdicts; nil where it cannot be judged.
  ///
  /// Goals that count related resources are written as results too, because their proof cannot be
  /// made again from the resource alone.
  func vector(_ program: KindProgram, _ envelope: Envelope, _ line: Int) -> String? {
    var letters: [UInt8] = []
    letters.reserveCapacity(program.tables.goals.count)
    for index in 0..<program.tables.goals.count {
      let goal = program.tables.goals[index]
      let verdict = evaluator.verdict(of: goal)
      var message = evaluator.fault
      if message == nil, goal.needsPopulation, let verdict {
        do {
          try writer.write(verdict, goal, evaluator, envelope)
        } catch {
          message = "\(error)"
        }
      }
      if let message {
        fault(message, line)
        return nil
      }
      letters.append(verdict?.letter ?? Verdict.outside)
      if let verdict { count(verdict, goal) }
    }
    return String(decoding: letters, as: UTF8.self)
  }

  /// Appends the resource on the tape to the outcome.
  func append(
    _ envelope: Envelope,
    _ tape: Tape,
    _ kind: ResourceKind,
    program: Int?,
    _ verdicts: String,
    _ text: UnsafeBufferPointer<UInt8>,
    offset: Int,
    line: Int
  ) {
    let rest = unsafe UnsafeBufferPointer(rebasing: text[offset...])
    let start = lineBase + offset
    let resource = unsafe JudgedResource(
      provider: envelope.text(envelope.provider, tape),
      account: envelope.text(envelope.account, tape),
      region: envelope.text(envelope.region, tape),
      kind: kind,
      id: tape.string(envelope.id),
      name: envelope.text(envelope.name, tape),
      group: group(envelope, tape),
      tags: tags(envelope, tape),
      layout: program,
      verdicts: verdicts,
      line: start..<start + JSONParser.lineLength(of: rest),
      lineNumber: line
    )
    keep(resource)
  }

  private func tags(_ envelope: Envelope, _ tape: Tape) -> String {
    guard envelope.tags != 0, unsafe tape.kind(envelope.tags) == .object else { return "" }
    let end = unsafe tape.end(envelope.tags)
    var index = envelope.tags + 1
    guard index < end else { return "" }
    tagText.removeAll()
    while index < end {
      guard unsafe tape.kind(index + 1) == .string else {
        return unsafe (try? tape.value(envelope.tags))?.text ?? ""
      }
      tagText.append(tagText.count == 0 ? "{" : ",")
      unsafe tagText.appendString(tape.bytes(index))
      tagText.append(":")
      unsafe tagText.appendString(tape.bytes(index + 1))
      index = unsafe tape.next(index + 1)
    }
    tagText.append("}")
    return unsafe String(decoding: tagText.text, as: UTF8.self)
  }

  private func group(_ envelope: Envelope, _ tape: Tape) -> String {
    guard envelope.attributes != 0, unsafe tape.kind(envelope.attributes) == .object else {
      return ""
    }
    var index = envelope.attributes + 1
    let end = unsafe tape.end(envelope.attributes)
    while index < end {
      if unsafe tape.textLength(index) == 14, unsafe tape.string(index) == "resource_group" {
        return unsafe envelope.text(index + 1, tape)
      }
      index = unsafe tape.next(index + 1)
    }
    return ""
  }
}

extension Verdict {
  /// The verdict's letter in a vector: `p`, `f`, `u` or `n`, as ASCII.
  package var letter: UInt8 {
    switch self {
    case .pass: 0x70
    case .fail: 0x66
    case .unknown: 0x75
    case .notApplicable: 0x6E
    }
  }

  /// The verdict of a letter; nil for a resource outside the target.
  package init?(letter: UInt8) {
    switch letter {
    case 0x70: self = .pass
    case 0x66: self = .fail
    case 0x75: self = .unknown
    case 0x6E: self = .notApplicable
    default: return nil
    }
  }

  /// The letter for a resource outside a goal's target.
  package static let outside: UInt8 = 0x2E
}
