import Foundation
import JSON
import Model
import YAML

extension HCLFunction {
  static let encodings: [String: HCLFunction] = [
    "jsonencode": HCLFunction(1...1) { values, evaluator in
      let text = (values[0].json ?? .null).text
      return .text(text)
    },
    "jsondecode": HCLFunction(1...1) { values, _ in
      guard let json = try? JSONValue(parsing: try values[0].asText()) else {
        throw HCLError("the text is no JSON")
      }
      return HCLValue(json)
    },
    "yamldecode": HCLFunction(1...1) { values, _ in
      do {
        return HCLValue(try YAMLReader().document(try values[0].asText(), file: "yamldecode").json)
      } catch let error as DocumentError {
        throw HCLError(error.message)
      }
    },
    "base64encode": HCLFunction(1...1) { values, _ in
      .text(Data(try values[0].asText().utf8).base64EncodedString())
    },
    "base64decode": HCLFunction(1...1) { values, _ in
      guard let data = Data(base64Encoded: try values[0].asText()),
        let text = String(data: data, encoding: .utf8)
      else { throw HCLError("the text is no base64 of UTF-8") }
      return .text(text)
    },
    "urlencode": HCLFunction(1...1) { values, _ in
      let kept = CharacterSet(
        charactersIn: "-_.~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      )
      let text = try values[0].asText().addingPercentEncoding(withAllowedCharacters: kept)
      return .text((text ?? "").replacing("%20", with: "+"))
    },
    "sha256": HCLFunction(1...1) { values, _ in
      .text(Digest.sha256(Array(try values[0].asText().utf8)).lowercased())
    },
  ]

  static let files: [String: HCLFunction] = [
    "file": HCLFunction(1...1) { values, evaluator in
      .text(try text(values[0], evaluator))
    },
    "filebase64": HCLFunction(1...1) { values, evaluator in
      .text(Data(try evaluator.scope.file(try values[0].asText())).base64EncodedString())
    },
    "templatefile": HCLFunction(2...2, takesPartsUnknown: true) { values, evaluator in
      let template: HCLExpression
      do {
        template = try HCLParser.template(
          try text(values[0], evaluator),
          at: HCLPosition(line: 1, column: 1)
        )
      } catch let fault as HCLFault {
        throw HCLError(fault.message)
      }
      var inner = evaluator
      inner.bound = try values[1].asObject()
      return try inner.value(template)
    },
    "basename": HCLFunction(1...1) { values, _ in
      .text(URL(fileURLWithPath: try values[0].asText()).lastPathComponent)
    },
    "dirname": HCLFunction(1...1) { values, _ in
      let path = try values[0].asText()
      guard let slash = path.lastIndex(of: "/") else { return .text(".") }
      return .text(slash == path.startIndex ? "/" : String(path[..<slash]))
    },
  ]

  private static func text(_ path: HCLValue, _ evaluator: HCLEvaluator) throws -> String {
    let bytes = try evaluator.scope.file(try path.asText())
    try evaluator.work.spend(bytes.count)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw HCLError("the file is not UTF-8 text")
    }
    return text
  }

  static let networks: [String: HCLFunction] = [
    "cidrsubnet": HCLFunction(3...3) { values, _ in
      let parent = try network(values[0])
      return .text(
        try subnet(of: parent, try values[1].asInteger(), try values[2].asInteger()).text
      )
    },
    "cidrsubnets": HCLFunction(1...Int.max) { values, _ in
      let parent = try network(values[0])
      var next = parent.first
      return .list(
        try values.dropFirst().map { bits in
          let prefix = parent.prefix + (try bits.asInteger())
          guard prefix > parent.prefix, prefix <= parent.width else {
            throw HCLError("a prefix beyond the address")
          }
          let size = UInt128(1) << UInt128(parent.width - prefix)
          let first = (next + size - 1) / size * size
          guard first >= parent.first, first - parent.first <= parent.last - parent.first else {
            throw HCLError("the network has no room")
          }
          next = first &+ size
          return .text(Network(isV6: parent.isV6, first: first, prefix: prefix).text)
        }
      )
    },
    "cidrhost": HCLFunction(2...2) { values, _ in
      let parent = try network(values[0])
      let number = try values[1].asInteger()
      let room = parent.last - parent.first
      guard UInt128(number.magnitude) <= room else {
        throw HCLError("the network has no such host")
      }
      let host =
        number < 0
        ? parent.last - UInt128(number.magnitude - 1) : parent.first + UInt128(number.magnitude)
      return .text(Network(isV6: parent.isV6, first: host, prefix: parent.width).address)
    },
    "cidrnetmask": HCLFunction(1...1) { values, _ in
      let parent = try network(values[0])
      guard !parent.isV6 else { throw HCLError("IPv6 has no netmask") }
      let mask = parent.prefix == 0 ? 0 : ~UInt32(0) << UInt32(32 - parent.prefix)
      return .text(Network(isV6: false, first: UInt128(mask), prefix: 32).address)
    },
  ]

  private static func network(_ value: HCLValue) throws -> Network {
    let text = try value.asText()
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let prefix = Int(parts[1]), let network = IPNetwork(text) else {
      throw HCLError("\"\(text)\" is no network")
    }
    return Network(isV6: network.isV6, first: network.first, prefix: prefix)
  }

  private static func subnet(of parent: Network, _ bits: Int, _ number: Int) throws -> Network {
    guard bits >= 0, bits <= parent.width - parent.prefix, number >= 0 else {
      throw HCLError("a prefix beyond the address")
    }
    let prefix = parent.prefix + bits
    guard bits >= 64 || UInt128(number) < UInt128(1) << UInt128(bits) else {
      throw HCLError("the network has no subnet \(number)")
    }
    let shift = UInt128(parent.width - prefix)
    let first = parent.first + (shift >= 128 ? 0 : UInt128(number) << shift)
    return Network(isV6: parent.isV6, first: first, prefix: prefix)
  }
}

/// A network by its first address and prefix.
private struct Network {
  var isV6: Bool
  var first: UInt128
  var prefix: Int

  var width: Int { isV6 ? 128 : 32 }
  var last: UInt128 {
    let bits = width - prefix
    return first + (bits >= 128 ? UInt128.max : (UInt128(1) << UInt128(bits)) - 1)
  }

  var text: String { "\(address)/\(prefix)" }

  var address: String {
    if !isV6 {
      return stride(from: 24, through: 0, by: -8).map { String((first >> UInt128($0)) & 0xFF) }
        .joined(separator: ".")
    }
    let groups = stride(from: 112, through: 0, by: -16).map {
      UInt16((first >> UInt128($0)) & 0xFFFF)
    }
    // The longest run of zeros, two at least, is written as "::" (RFC 5952).
    var longest = 0..<0
    var start: Int?
    for index in 0...groups.count {
      if index < groups.count, groups[index] == 0 {
        start = start ?? index
      } else if let begin = start {
        if index - begin > max(longest.count, 1) { longest = begin..<index }
        start = nil
      }
    }
    func join(_ part: ArraySlice<UInt16>) -> String {
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    if longest.isEmpty { return join(groups[...]) }
    return join(groups[..<longest.lowerBound]) + "::" + join(groups[longest.upperBound...])
  }
}
