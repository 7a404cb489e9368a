import CSimdjson
import JSON

/// Reads flow logs whose records are JSON objects.
@safe final class FlowJSON {
  private let only: FlowFormat?
  private let parser = JSONParser()

  /// - Parameter only: takes every record for one of this format; nil recognises each.
  init(only: FlowFormat?) { self.only = only }

  /// Reads records.
  func read(_ batch: RecordBatch, into chunk: inout FlowChunk) {
    for record in batch.records {
      unsafe batch.bytes.withUnsafeBufferPointer { buffer in
        let text = unsafe UnsafeBufferPointer(
          rebasing: buffer[record.start..<(record.start + record.count)]
        )
        do {
          try unsafe parser.withTape(of: text) { tape in
            unsafe read(FlowNode(tape, tape.root), record.position, &chunk)
          }
        } catch {
          chunk.fault(record.position, "\(error)")
        }
      }
    }
  }

  private func read(_ node: FlowNode, _ position: Int, _ chunk: inout FlowChunk) {
    let before = chunk.records.count
    defer {
      for index in before..<chunk.records.count {
        chunk.records[index].position = UInt32(clamping: position)
      }
    }
    guard node.isObject else {
      return chunk.fault(position, "expected a flow record, which is a JSON object")
    }
    let found =
      only
      ?? FlowFormat.all.first { format in
        guard case .json(let mark) = format.form else { return false }
        return node[mark] != nil
      }
    guard let found else {
      return chunk.fault(position, "is no flow record of a known format; --log-format names it")
    }
    chunk.provider = found.provider
    switch found.name {
    case "ibm": ibm(node, position, &chunk)
    case "google": google(node, position, &chunk)
    case "azure-nsg", "azure-vnet": azure(found, node, position, &chunk)
    default: flat(found, [node], account: 0, position, &chunk, others: node)
    }
  }

  /// Reads the members of objects that lie in one another as one record.
  private func flat(
    _ format: FlowFormat,
    _ nodes: [FlowNode],
    account: UInt32,
    _ position: Int,
    _ chunk: inout FlowChunk,
    others: FlowNode
  ) {
    var draft = FlowDraft()
    do throws(FlowDraft.Fault) {
      for node in nodes { try take(node, format.fields, &draft) }
      var record = try draft.record(format.style)
      record.account = account
      chunk.records.append(record)
      if chunk.wantsOthers { chunk.others.append(others.scalars(without: format.fields)) }
    } catch {
      chunk.fault(position, error.text { format.name(of: $0) })
    }
  }

  private func take(
    _ node: FlowNode,
    _ fields: [String: FlowField],
    _ draft: inout FlowDraft
  ) throws(FlowDraft.Fault) {
    var members = node.members
    while let (key, value) = members.next() {
      guard let field = fields[key.text] else { continue }
      if let text = value.bytes {
        try draft.take(field, text)
      } else if let number = value.number {
        try draft.take(field, number)
      }
    }
  }

  // MARK: - Formats that nest their flows

  private func ibm(_ node: FlowNode, _ position: Int, _ chunk: inout FlowChunk) {
    guard var elements = node["flow_logs"]?.elements else {
      return chunk.fault(position, "flow_logs is no list")
    }
    if let state = node["state"]?.bytes?.text.lowercased(), state != "ok" { chunk.empty += 1 }
    var account: UInt32 = 0
    if let crn = (node["vpc_crn"] ?? node["instance_crn"])?.bytes,
      let part = crn.text.split(separator: ":").first(where: { $0.hasPrefix("a/") })
    {
      account = chunk.account(String(part.dropFirst(2)))
    }
    while let flow = elements.next() {
      guard flow.isObject else {
        chunk.fault(position, "an element of flow_logs is no object")
        continue
      }
      flat(.ibm, [flow], account: account, position, &chunk, others: node)
    }
  }

  private func google(_ node: FlowNode, _ position: Int, _ chunk: inout FlowChunk) {
    guard let payload = node["jsonPayload"], let connection = payload["connection"] else {
      return chunk.fault(position, "has no jsonPayload.connection")
    }
    // Both ends tell a flow within the project; the source's account is taken.
    if payload["reporter"]?.bytes?.equals("DEST") == true, payload["src_instance"] != nil {
      chunk.twice += 1
      return
    }
    let project = node["resource"]?["labels"]?["project_id"]?.bytes
    let account = project.map { chunk.account($0) } ?? 0
    flat(.google, [node, payload, connection], account: account, position, &chunk, others: payload)
  }

  /// Reads flows by rule: a list in a list, whose innermost elements are tuples.
  private func azure(
    _ format: FlowFormat,
    _ node: FlowNode,
    _ position: Int,
    _ chunk: inout FlowChunk
  ) {
    guard case .json(let root) = format.form else { return }
    guard var flows = node[root]?["flows"]?.elements else {
      return chunk.fault(position, "has no \(root).flows")
    }
    let (groups, fields) =
      format.name == "azure-nsg"
      ? ("flows", FlowFormat.azureNSGTuple) : ("flowGroups", FlowFormat.azureVNetTuple)
    let resource = node["resourceId"] ?? node["targetResourceID"] ?? node["flowLogResourceID"]
    let account = subscription(resource, &chunk)
    while let flow = flows.next() {
      guard var inner = flow[groups]?.elements else {
        chunk.fault(position, "a flow has no \(groups)")
        continue
      }
      while let group = inner.next() {
        let rule = group["rule"] == nil ? flow : group
        tuples(group["flowTuples"], fields, format, account, position, &chunk, rule)
      }
    }
  }

  private func tuples(
    _ list: FlowNode?,
    _ fields: [FlowField],
    _ format: FlowFormat,
    _ account: UInt32,
    _ position: Int,
    _ chunk: inout FlowChunk,
    _ others: FlowNode
  ) {
    guard var elements = list?.elements else {
      return chunk.fault(position, "a flow has no flowTuples")
    }
    while let element = elements.next() {
      guard let text = element.bytes else {
        chunk.fault(position, "a flow tuple is no text")
        continue
      }
      var draft = FlowDraft()
      var place = 0
      var column = 0
      do throws(FlowDraft.Fault) {
        while place <= text.count, column < fields.count {
          let end = text.first(0x2C, from: place)
          try draft.take(fields[column], text.slice(place, end))
          column += 1
          place = end + 1
        }
        // Version 1 of NSG flow logs ends with the decision.
        guard column >= 8 else {
          chunk.fault(position, "a flow tuple has \(column) parts; expected \(fields.count)")
          continue
        }
        var record = try draft.record(format.style)
        record.account = account
        chunk.records.append(record)
        if chunk.wantsOthers { chunk.others.append(others.scalars(without: [:])) }
      } catch {
        chunk.fault(position, "a flow tuple's " + error.text { "\($0)" })
      }
    }
  }

  private func subscription(_ resource: FlowNode?, _ chunk: inout FlowChunk) -> UInt32 {
    guard let parts = resource?.bytes?.text.split(separator: "/"), parts.count > 1,
      parts[0].lowercased() == "subscriptions"
    else { return 0 }
    return chunk.account(parts[1].lowercased())
  }
}

extension FlowChunk {
  fileprivate mutating func account(_ name: String) -> UInt32 {
    var name = name
    return name.withUTF8 { text in unsafe FlowBytes(text).map { account($0) } ?? 0 }
  }
}
